"""What the report says of a document and of each of its pages, from the files of its folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from desunt.export.wording import DEFAULT_VOUCH, vouch_threshold
from desunt.record.conjecture import Decision, Refusal
from desunt.record.edits import DecisionLookup
from desunt.record.files import read_decisions
from desunt.record.folder import SourceFile, page_path, read_source
from desunt.record.lazy import iter_page_dicts, open_record
from desunt.record.status import DocumentStatus, document_status
from desunt.run.events import describe_unread_pages
from desunt.run.workflow import FILLABLE_REASONS


@dataclass(frozen=True, slots=True)
class PageReport:
    """One page: its state, words, mean legibility, gaps by reason, and how many gaps have a conjecture, a refusal, a decision."""

    number: int
    state: str
    reason: str = ""
    words: int = 0
    unclear: int = 0
    legibility: float | None = None
    gaps: Counter[str] = field(default_factory=Counter)
    conjectured: int = 0
    refused: int = 0
    decided: int = 0
    finished_at: float = 0.0

    @property
    def other_gaps(self) -> int:
        return sum(self.gaps.values()) - self.gaps["illegible"] - self.gaps["withheld"]

    @property
    def nothing_read(self) -> bool:
        """Say whether the page is done and has no word: it is blank, or nothing on it but handwriting, stamps or blacked-out text."""
        return self.state in ("done", "needs review") and not self.words

    @property
    def remark(self) -> str:
        """Return why a page failed; of one with nothing read, what was located on it."""
        if not self.nothing_read:
            return self.reason
        return f"nothing read; located: {', '.join(f'{reason} {n}' for reason, n in sorted(self.gaps.items())) or 'nothing'}"

    @property
    def finished(self) -> str:
        return datetime.fromtimestamp(self.finished_at, UTC).isoformat(timespec="seconds") if self.finished_at else ""


@dataclass(slots=True)
class DocumentReport:
    """One document, and, once its pages were gone through, what they come to."""

    folder: Path
    source: SourceFile
    status: DocumentStatus
    decisions: Mapping[str, Decision]
    gaps: int = 0
    fillable: int = 0
    accepted: int = 0
    other_decided: int = 0
    conjectured: int = 0

    @property
    def id(self) -> str:
        return self.source.document_id

    @property
    def open_gaps(self) -> int:
        """Return the gaps that an editor may still decide."""
        return max(0, self.fillable - self.accepted - self.other_decided)

    def pages(self) -> Iterator[PageReport]:
        """Yield the pages in order, those that failed or were never reached among them; counts on the way."""
        opinion_kinds, vouch = _opinion_kinds_and_vouch(self.folder)
        values = iter_page_dicts(self.folder) if (self.folder / "record.json").exists() else iter(())
        if self.source.problem:
            yield PageReport(0, "failed", self.source.problem)
            return
        for number in range(1, self.source.pages + 1):
            page, problem = next(values, None), _failure_reason(self.folder, number)
            if problem:
                yield PageReport(number, "failed", problem)
            elif page is None:
                is_read = page_path(self.folder, number).exists()
                yield PageReport(number, "unfinished", "read, and its document not finished" if is_read else "not read yet")
            else:
                yield self._page(number, page, opinion_kinds, vouch)

    def _page(self, number: int, page: Mapping[str, Any], opinion_kinds: Mapping[str, str], vouch: float) -> PageReport:
        tokens = [token for region in page["regions"] for line in region["lines"] for token in line["tokens"]]
        gaps = [token for token in tokens if "reason" in token]
        words = [token for token in tokens if "reason" not in token]
        verdicts = [self.decisions[gap["id"]].verdict for gap in gaps if gap["id"] in self.decisions]
        undecided = Counter(opinion_kinds.get(gap["id"], "") for gap in gaps if gap["id"] not in self.decisions)
        self.gaps += len(gaps)
        self.fillable += sum(gap["reason"] in FILLABLE_REASONS for gap in gaps)
        self.accepted += sum(verdict in ("accepted", "amended") for verdict in verdicts)
        self.other_decided += sum(verdict not in ("accepted", "amended") for verdict in verdicts)
        self.conjectured += undecided["conjecture"]
        open_gaps = sum(gap["reason"] in FILLABLE_REASONS and gap["id"] not in self.decisions for gap in gaps)
        unclear = sum(word["legibility"] is not None and word["legibility"] < vouch for word in words)
        return PageReport(
            number, "needs review" if open_gaps else "done", "", len(words), unclear, page["legibility"],
            Counter(gap["reason"] for gap in gaps), undecided["conjecture"], undecided["refusal"], len(verdicts),
            _finished_at(self.folder, number),
        )  # fmt: skip

    @property
    def gap_summary(self) -> str:
        """Return what stands about the gaps in plain words: `3 gaps: 1 accepted, 1 conjectured, 1 left open`."""
        if self.status.state == "unfinished":
            return "not read to the end"
        if not self.gaps:
            return f"no gaps{self._unread}"
        counts = [
            (self.accepted, "accepted"),
            (self.conjectured, "conjectured"),
            (max(0, self.open_gaps - self.conjectured), "left open"),
            (self.other_decided, "decided otherwise"),
            (self.gaps - self.fillable, "not to be filled"),
        ]
        outcomes = ", ".join(f"{number} {word}" for number, word in counts if number)
        return f"{self.gaps} gap{'' if self.gaps == 1 else 's'}: {outcomes}{self._unread}"

    @property
    def _unread(self) -> str:
        return f"; {describe_unread_pages(self.status.nothing_read)}" if self.status.nothing_read else ""


def document_report(folder: Path, decided: DecisionLookup | None) -> DocumentReport:
    """Read what is known about a document without its pages."""
    source = read_source(folder)
    assert source is not None, "document_folders() found its source.json"
    at_desk = decided(source.document_id) if decided else None
    decisions = at_desk.decisions if at_desk else read_decisions(folder)
    return DocumentReport(folder, source, document_status(folder, source), decisions)


def _opinion_kinds_and_vouch(folder: Path) -> tuple[dict[str, str], float]:
    """Return whether there is a conjecture or a refusal about each gap, and below what legibility words are unclear."""
    if not (folder / "conjectures.json").exists() or not (folder / "record.json").exists():
        return {}, DEFAULT_VOUCH
    with open_record(folder) as record:
        kinds = {gap: "refusal" if isinstance(opinion, Refusal) else "conjecture" for gap, opinion in record.opinions.items()}
        return kinds, vouch_threshold(record)


def _failure_reason(folder: Path, number: int) -> str:
    try:
        return str(json.loads(page_path(folder, number, ".failed").read_bytes())["problem"])
    except (OSError, ValueError, KeyError):
        return ""


def _finished_at(folder: Path, number: int) -> float:
    try:
        return page_path(folder, number).stat().st_mtime
    except OSError:
        return 0.0
