"""What editors did that is about no gap of the page's own: words they read otherwise, and gaps they made, moved, split or joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from desunt.export.gap_entries import Entry, decision_of, each_entry, line_of_transcript, lines_of
from desunt.export.modes import in_mode
from desunt.export.wording import REASONS, decision_in_words, extent_in_words
from desunt.record.conjecture import Corrected, Decision
from desunt.record.document import Document, Page, Word
from desunt.record.edits import GapEdit
from desunt.record.files import Record

About: TypeAlias = Literal["word", "gap made by an editor"]


@dataclass(frozen=True, slots=True)
class Change:
    """One such place: `printed` is what stands there, a word of the page or the mark of the gap that was made; `edit` made the gap."""

    about: About
    place: str
    printed: str
    decision: Decision | None
    edit: GapEdit | None = None
    size: str = ""

    def in_words(self) -> tuple[str, ...]:
        """Say who did what, a sentence each; the reading itself is left to the caller, who must label it."""
        made = [f"gap by {self.edit.editor}, {self.edit.at} ({self.edit.kind}): {self.size}"] if self.edit else []
        notes = [one.note for one in (self.edit, self.decision) if one and one.note]
        decided = [decision_in_words(self.decision)] if self.decision else []
        confirmed = [f"confirmed by {', '.join(self.decision.confirmed_by)}"] if self.decision and self.decision.confirmed_by else []
        return (*made, *decided, *confirmed, *notes)


def changes_of(record: Record) -> tuple[Change, ...]:
    """Return the words read otherwise, and then the gaps that editors made, each in reading order."""
    if not record.decisions and not record.edits:
        return ()
    return (*_words(record), *_gaps(record))


def _words(record: Record) -> Iterator[Change]:
    for page in record.document.pages:
        for number, (_, found) in enumerate(lines_of(page, record), start=1):
            for segment in found:
                if isinstance(segment, Corrected):
                    place = _place(segment.word, record.document, page, number)
                    yield Change("word", place, segment.word.text, segment.decision)


def _place(word: Word, document: Document, page: Page, line: int) -> str:
    if document.transcript and word.span and page.image is None:
        return f"line {line_of_transcript(document.transcript.text, word.span[0])} of the transcript"
    return f"page {page.number}, line {line}"


def _gaps(record: Record) -> Iterator[Change]:
    for entry, edit in gaps_made(record):
        size = f"{REASONS[entry.gap.reason]}; {extent_in_words(entry.gap)}"
        yield Change("gap made by an editor", entry.place, entry.gap.printed, decision_of(entry.segment), edit, size)


def gaps_made(record: Record) -> Iterator[tuple[Entry, GapEdit]]:
    """Yield the gaps that editors made or moved, as the accepted text has them, each with the edit that did it last."""
    makers = {gap.id: edit for edit in record.edits for gap in edit.gaps}
    for entry in each_entry(in_mode(record, "accepted")) if makers else ():
        if entry.gap.id in makers:
            yield entry, makers[entry.gap.id]
