"""What the report says of a document and of each of its pages, from the files of its folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from desunt.export.outputs import Decided
from desunt.record import folder as journal
from desunt.record.conjecture import Decision, Refusal
from desunt.record.files import read_decisions
from desunt.record.folder import DocumentStatus, SourceFile
from desunt.record.lazy import page_values, stored_record
from desunt.run.events import pages_unread
from desunt.run.workflow import FILLED

VOUCHED = 0.9


@dataclass(frozen=True, slots=True)
class PageRow:
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
    at: float = 0.0

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
        return datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds") if self.at else ""


@dataclass(slots=True)
class DocumentRow:
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

    def pages(self) -> Iterator[PageRow]:
        """Yield the pages in order, those that failed or were never reached among them; counts on the way."""
        opinions = _opinions(self.folder)
        values = page_values(self.folder) if (self.folder / "record.json").exists() else iter(())
        if self.source.problem:
            yield PageRow(0, "failed", self.source.problem)
            return
        for number in range(1, self.source.pages + 1):
            page, problem = next(values, None), _failure(self.folder, number)
            if problem:
                yield PageRow(number, "failed", problem)
            elif page is None:
                done = journal.page_path(self.folder, number)
                yield PageRow(number, "unfinished", "read, and its document not finished" if done.exists() else "not read yet")
            else:
                yield self._page(number, page, opinions)

    def _page(self, number: int, page: Mapping[str, Any], opinions: Mapping[str, str]) -> PageRow:
        tokens = [token for region in page["regions"] for line in region["lines"] for token in line["tokens"]]
        gaps = [token for token in tokens if "reason" in token]
        words = [token for token in tokens if "reason" not in token]
        verdicts = [self.decisions[gap["id"]].verdict for gap in gaps if gap["id"] in self.decisions]
        found = Counter(opinions.get(gap["id"], "") for gap in gaps if gap["id"] not in self.decisions)
        self.gaps += len(gaps)
        self.fillable += sum(gap["reason"] in FILLED for gap in gaps)
        self.accepted += sum(verdict in ("accepted", "amended") for verdict in verdicts)
        self.other_decided += sum(verdict not in ("accepted", "amended") for verdict in verdicts)
        self.conjectured += found["conjecture"]
        open_here = sum(gap["reason"] in FILLED and gap["id"] not in self.decisions for gap in gaps)
        unclear = sum(word["legibility"] is not None and word["legibility"] < VOUCHED for word in words)
        return PageRow(
            number, "needs review" if open_here else "done", "", len(words), unclear, page["legibility"],
            Counter(gap["reason"] for gap in gaps), found["conjecture"], found["refusal"], len(verdicts), _finished(self.folder, number),
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """Return what stands about the gaps in plain words: `3 gaps: 1 accepted, 1 conjectured, 1 left open`."""
        if self.status.state == "unfinished":
            return "not read to the end"
        if not self.gaps:
            return f"no gaps{self._unread}"
        rest = self.open_gaps - self.conjectured
        parts = [
            (self.accepted, "accepted"),
            (self.conjectured, "conjectured"),
            (max(0, rest), "left open"),
            (self.other_decided, "decided otherwise"),
            (self.gaps - self.fillable, "not to be filled"),
        ]
        told = ", ".join(f"{number} {word}" for number, word in parts if number)
        return f"{self.gaps} gap{'' if self.gaps == 1 else 's'}: {told}{self._unread}"

    @property
    def _unread(self) -> str:
        return f"; {pages_unread(self.status.nothing_read)}" if self.status.nothing_read else ""


def folders(out: Path) -> Iterator[Path]:
    """Yield the documents' folders in the order of their names."""
    yield from sorted(path.parent for path in out.glob("*/source.json"))


def document_row(folder: Path, decided: Decided | None) -> DocumentRow:
    """Read what is known about a document without its pages."""
    source = journal.read_source(folder)
    assert source is not None, "folders() found its source.json"
    stands = decided(source.document_id) if decided else None
    decisions = stands[0] if stands else read_decisions(folder)
    return DocumentRow(folder, source, journal.status_of(folder, source), decisions)


def _opinions(folder: Path) -> dict[str, str]:
    """Return whether there is a conjecture or a refusal about each gap that was asked about."""
    if not (folder / "conjectures.json").exists() or not (folder / "record.json").exists():
        return {}
    with stored_record(folder) as record:
        return {gap: "refusal" if isinstance(opinion, Refusal) else "conjecture" for gap, opinion in record.opinions.items()}


def _failure(folder: Path, number: int) -> str:
    try:
        return str(json.loads(journal.page_path(folder, number, ".failed").read_bytes())["problem"])
    except (OSError, ValueError, KeyError):
        return ""


def _finished(folder: Path, number: int) -> float:
    try:
        return journal.page_path(folder, number).stat().st_mtime
    except OSError:
        return 0.0
