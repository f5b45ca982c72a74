"""The document for programs: its diplomatic text, and apart from it every gap with what is supposed about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from desunt.export import ImageSource, Mode
from desunt.export.editor_changes import ChangeKind, editor_changes
from desunt.export.gap_entries import ApparatusEntry, candidates_of, decision_of, iter_entries, models_of, opinion_of, refusal_reason
from desunt.export.wording import GENERATOR, decision_in_words, extent_in_words, title_of
from desunt.record.conjecture import CONJECTURE_LABEL, Candidate, Decision, Evidence, ModelRef
from desunt.record.document import Extent, ImageRef, Letters, Reason, Span, Step
from desunt.record.edits import GapEdit
from desunt.record.files import Record, to_json

EXPORT_SCHEMA = "desunt-export-1"
# How the list of gaps stands in the file: with nothing in it, before its first item, and after its last.
EMPTY_GAPS, GAPS_START, GAPS_END = b' "gaps": [],\n', b' "gaps": [\n', b"\n ],\n"
WARNING = (
    f"`text` is what the page says. Every candidate under `gaps` is a {CONJECTURE_LABEL}: a machine's guess that nobody has read"
    " on the page."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gap is; `box` is left, top, right, bottom in pixels of the original; `span` counts characters of the transcript."""

    page: int
    line: int
    in_words: str
    box: tuple[int, int, int, int] | None
    span: Span | None


@dataclass(frozen=True, slots=True)
class LabelledCandidate:
    """A candidate that cannot be parted from its label by reading one field; `possible` as in `Candidate`."""

    status: Literal["CONJECTURE"]
    offered: bool
    possible: bool
    text: str
    probability: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class GapEntry:
    """One gap; `refusal` is why no reading is offered; `none_of_these` is null where nobody was asked."""

    number: int
    id: str
    place: Place
    reason: Reason
    extent: Extent | None
    extent_in_words: str
    printed: str
    letters: Letters
    before: tuple[str, ...]
    after: tuple[str, ...]
    engine_reading: str | None
    refusal: str | None
    candidates: tuple[LabelledCandidate, ...]
    none_of_these: float | None
    model: ModelRef | None


@dataclass(frozen=True, slots=True)
class DecisionEntry:
    """An editor's decision, what it is about and where, what is printed there, and what it means in words."""

    about: Literal["gap"] | ChangeKind
    place: str
    printed: str
    in_words: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One page; `image` is null for a transcript."""

    number: int
    image: ImageRef | None
    legibility: float | None


@dataclass(frozen=True, slots=True)
class ExportFile:
    """The content of the JSON export; `text` is the diplomatic text."""

    schema: str
    generator: str
    warning: str
    id: str
    title: str
    source: str
    metadata: tuple[tuple[str, str], ...]
    text: str
    pages: tuple[PageEntry, ...]
    gaps: tuple[GapEntry, ...]
    decisions: tuple[DecisionEntry, ...]
    edits: tuple[GapEdit, ...]
    models: tuple[ModelRef, ...]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


class JsonExporter:
    """Write facts and labelled opinions under the schema `docs/schema/desunt-export-1.json`."""

    name = "json"
    suffix = ".json"
    kind: Literal["reading", "apparatus"] = "apparatus"
    modes: tuple[Mode, ...] = ("apparatus",)
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield indented UTF-8 JSON, as `to_json` would write it all at once."""
        document = record.document
        without_gaps = ExportFile(
            EXPORT_SCHEMA, GENERATOR, WARNING, document.id, title_of(document), document.source, document.metadata, document.text,
            tuple(PageEntry(page.number, page.image, page.legibility) for page in document.pages),
            (), tuple(_decisions(record)), record.edits, models_of(record), record.steps, document.notes,
        )  # fmt: skip
        # No string holds a line feed: nothing else in the file is such a line.
        head, tail = to_json(without_gaps).split(EMPTY_GAPS)
        yield head
        yield from _gap_list(to_json(_gap_entry(entry)) for entry in iter_entries(record))
        yield tail


def _gap_list(items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the list of gaps: items of JSON, moved to the right."""
    separator = GAPS_START
    for item in items:
        yield separator + b"\n".join(b"  " + line for line in item[:-1].split(b"\n"))
        separator = b",\n"
    yield EMPTY_GAPS if separator == GAPS_START else GAPS_END


def _decisions(record: Record) -> Iterator[DecisionEntry]:
    """Yield the decisions about the page's own gaps, about words, and about gaps that editors made."""
    for entry in iter_entries(record):
        if decision := decision_of(entry.segment):
            yield DecisionEntry("gap", entry.place, entry.gap.printed, decision_in_words(decision), decision)
    for change in editor_changes(record):
        if change.decision:
            yield DecisionEntry(change.kind, change.place, change.printed, decision_in_words(change.decision), change.decision)


def _gap_entry(entry: ApparatusEntry) -> GapEntry:
    gap, opinion, refusal = entry.gap, opinion_of(entry.segment), refusal_reason(entry.segment)
    box = (gap.box.left, gap.box.top, gap.box.right, gap.box.bottom) if gap.box else None
    return GapEntry(
        entry.number, gap.id, Place(entry.page, entry.line, entry.place, box, gap.span), gap.reason, gap.extent, extent_in_words(gap),
        gap.printed, gap.letters, entry.before, entry.after, gap.engine_reading, refusal,
        tuple(_labelled_candidate(candidate, offered=refusal is None) for candidate in candidates_of(entry.segment)),
        opinion.none_of_these if opinion else None, opinion.model if opinion else None,
    )  # fmt: skip


def _labelled_candidate(candidate: Candidate, *, offered: bool) -> LabelledCandidate:
    return LabelledCandidate("CONJECTURE", offered, candidate.possible, candidate.text, candidate.probability, candidate.evidence)
