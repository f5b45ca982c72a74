"""What editors did that is about no gap of the page's own: words they read otherwise, and gaps they made, moved, split or joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from desunt.export.gap_entries import ApparatusEntry, decision_of, iter_entries, joined_lines, transcript_line_number
from desunt.export.modes import view_for_mode
from desunt.export.wording import REASON_WORDS, decision_in_words, extent_in_words
from desunt.record.conjecture import Corrected, Decision
from desunt.record.document import Document, Page, Word
from desunt.record.edits import GapEdit
from desunt.record.files import Record

ChangeKind: TypeAlias = Literal["word", "gap made by an editor"]


@dataclass(frozen=True, slots=True)
class EditorChange:
    """One such place: `printed` is what stands there, a word of the page or the mark of the gap that was made; `edit` made the gap."""

    kind: ChangeKind
    place: str
    printed: str
    decision: Decision | None
    edit: GapEdit | None = None
    gap_facts: str = ""

    def in_words(self) -> tuple[str, ...]:
        """Say who did what, a sentence each; the reading itself is left to the caller, who must label it."""
        gap_sentences = [f"gap by {self.edit.editor}, {self.edit.at} ({self.edit.kind}): {self.gap_facts}"] if self.edit else []
        notes = [source.note for source in (self.edit, self.decision) if source and source.note]
        decision_sentences = [decision_in_words(self.decision)] if self.decision else []
        confirmations = [f"confirmed by {', '.join(self.decision.confirmed_by)}"] if self.decision and self.decision.confirmed_by else []
        return (*gap_sentences, *decision_sentences, *confirmations, *notes)


def editor_changes(record: Record) -> tuple[EditorChange, ...]:
    """Return the words read otherwise, and then the gaps that editors made, each in reading order."""
    if not record.decisions and not record.edits:
        return ()
    return (*_corrected_words(record), *_gap_changes(record))


def _corrected_words(record: Record) -> Iterator[EditorChange]:
    for page in record.document.pages:
        for line_number, (_, line_segments) in enumerate(joined_lines(page, record), start=1):
            for segment in line_segments:
                if isinstance(segment, Corrected):
                    place = _word_place(segment.word, record.document, page, line_number)
                    yield EditorChange("word", place, segment.word.text, segment.decision)


def _word_place(word: Word, document: Document, page: Page, line: int) -> str:
    if document.transcript and word.span and page.image is None:
        return f"line {transcript_line_number(document.transcript.text, word.span[0])} of the transcript"
    return f"page {page.number}, line {line}"


def _gap_changes(record: Record) -> Iterator[EditorChange]:
    for entry, edit in editor_gaps(record):
        gap_facts = f"{REASON_WORDS[entry.gap.reason]}; {extent_in_words(entry.gap)}"
        yield EditorChange("gap made by an editor", entry.place, entry.gap.printed, decision_of(entry.segment), edit, gap_facts)


def editor_gaps(record: Record) -> Iterator[tuple[ApparatusEntry, GapEdit]]:
    """Yield the gaps that editors made or moved, as the accepted text has them, each with the edit that did it last."""
    edits_by_gap = {gap.id: edit for edit in record.edits for gap in edit.gaps}
    for entry in iter_entries(view_for_mode(record, "accepted")) if edits_by_gap else ():
        if entry.gap.id in edits_by_gap:
            yield entry, edits_by_gap[entry.gap.id]
