"""A document for other programs: the diplomatic text is free to take, what is supposed comes only when called for, with its label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desunt.export.dehyphenation import dehyphenate_page
from desunt.export.gap_entries import ApparatusEntry, candidates_of, entries, opinion_of
from desunt.export.modes import is_transcript_only, render_line, render_transcript, view_for_mode
from desunt.export.wording import GENERATOR, extent_in_words, per_cent, title_of
from desunt.record.conjecture import CONJECTURE_LABEL, Basis, Refusal
from desunt.record.document import Box, Gap, Reason
from desunt.record.files import Record, read_record
from desunt.record.folder import require_document_folders


@dataclass(frozen=True, slots=True)
class DocumentGap:
    """A place that was not read: facts alone. `before` and `after` are diplomatic text; `box` is in pixels of the original."""

    id: str
    page: int
    line: int
    reason: Reason
    extent: str
    printed: str
    box: Box | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A page: its number, its diplomatic text line by line, and the mean legibility of its words (0-1, None where nothing is known).

    `reading` is its text with the words whole that are divided at line ends: the page's own words, for searching.
    """

    number: int
    lines: tuple[str, ...]
    legibility: float | None
    reading: str

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class LabelledConjecture:
    """One candidate for one gap, with all that says where it comes from; printed, it says CONJECTURE.

    `probability` is calibrated, 0-1; `none_of_these` is the chance that no candidate of the gap is right. `refusal` says why no reading is
    offered, and is None where one is.
    """

    gap: DocumentGap
    text: str
    probability: float
    rank: int
    none_of_these: float
    refusal: str | None
    model: str
    generator: str = GENERATOR

    def __str__(self) -> str:
        offered = "" if self.refusal is None else ", not offered"
        return f"{CONJECTURE_LABEL}{offered}: {self.text} ({per_cent(self.probability)}; {self.model}; {self.generator})"


@dataclass(frozen=True, slots=True)
class EditorsReading:
    """What an editor reads at a place; `basis` says whether it was read in the ink or is a guess accepted as such."""

    text: str
    instead_of: str
    editor: str
    basis: Basis | None
    at: str

    def __str__(self) -> str:
        guess = "" if self.basis == "ink" else f"{CONJECTURE_LABEL}, accepted: "
        return f"{guess}{self.text} (for {self.instead_of}: {self.editor}, {self.at})"


class DocumentView:
    """A document: `text`, `pages` and `gaps` hold what the page says. There is no attribute that holds a guess."""

    def __init__(self, record: Record) -> None:
        self._record = record

    @property
    def id(self) -> str:
        return self._record.document.id

    @property
    def title(self) -> str:
        return title_of(self._record.document)

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self._record.document.metadata)

    @property
    def text(self) -> str:
        """Return the diplomatic text: the page's own words and the marks of its gaps."""
        return self._record.document.text

    @property
    def pages(self) -> tuple[DocumentPage, ...]:
        view = view_for_mode(self._record, "diplomatic")
        return tuple(
            DocumentPage(page.number, tuple(line.text for line in page.lines), page.legibility, dehyphenate_page(page, view).text)
            for page in view.document.pages
        )

    @property
    def gaps(self) -> tuple[DocumentGap, ...]:
        """Return the gaps in reading order."""
        return tuple(_document_gap(entry) for entry in entries(self._record))

    def conjectures(self) -> tuple[LabelledConjecture, ...]:
        """Return what a model supposes about the gaps, in their order, the likeliest first; nobody has read any of it on the page."""
        return tuple(conjecture for entry in entries(self._record) for conjecture in _labelled_conjectures(entry))

    def readings_of_editors(self) -> tuple[EditorsReading, ...]:
        """Return what editors decided to read, as the last export with decisions had it."""
        view = view_for_mode(self._record, "accepted")
        if is_transcript_only(view.document):
            rendered_tokens = [rendered for rendered in render_transcript(view, "accepted") if not isinstance(rendered, str)]
        else:
            rendered_tokens = [
                rendered for page in view.document.pages for line in page.lines for rendered in render_line(line, view, "accepted")
            ]
        return tuple(
            EditorsReading(
                rendered.text,
                rendered.token.printed if isinstance(rendered.token, Gap) else rendered.token.text,
                decision.editor,
                decision.basis,
                decision.at,
            )
            for rendered in rendered_tokens
            if (decision := rendered.decision)
        )

    def __repr__(self) -> str:
        return f"<desunt document {self.id!r}: {len(self._record.document.pages)} pages, {len(self._record.document.gaps)} gaps>"


def _document_gap(entry: ApparatusEntry) -> DocumentGap:
    gap = entry.gap
    before, after = (" ".join(side).strip() for side in (entry.before, entry.after))
    return DocumentGap(gap.id, entry.page, entry.line, gap.reason, extent_in_words(gap), gap.printed, gap.box, before, after)


def _labelled_conjectures(entry: ApparatusEntry) -> Iterator[LabelledConjecture]:
    opinion = opinion_of(entry.segment)
    if opinion is None:
        return
    model = f"{opinion.model.name} {opinion.model.revision}" if opinion.model else "no model"
    refusal = opinion.reason if isinstance(opinion, Refusal) else None
    for rank, candidate in enumerate(candidates_of(entry.segment), start=1):
        yield LabelledConjecture(_document_gap(entry), candidate.text, candidate.probability, rank, opinion.none_of_these, refusal, model)


def open_document(folder: Path) -> DocumentView:
    """Open a document's folder, or the record in it."""
    return DocumentView(read_record(folder.parent if folder.name == "record.json" else folder))


def open_documents(outputs: Path) -> Iterator[DocumentView]:
    """Yield the documents of an outputs folder in the order of their folders."""
    return map(open_document, require_document_folders(outputs, finished=True))
