"""What the pages of a collection come to: counts, histograms, and the documents that need an editor first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from desunt.run.events import failure_category
from desunt.run.report.rows import DocumentReport, PageReport

# Lists of the page are cut here; the table has everything.
MAX_LISTED = 200
STATES = ("done", "needs review", "failed", "unfinished")
# Minutes of a bar over time: the shortest that needs no more than MAX_TIME_BARS of them.
BAR_MINUTES, MAX_TIME_BARS = (1, 5, 15, 60, 240, 1440, 10080), 60


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart: its name, its number, and its length as a share of the longest."""

    name: str
    number: int
    share: float


@dataclass(frozen=True, slots=True, order=True)
class ReviewPriority:
    """A page that needs review: the more open gaps and doubtful words for each word it has, the earlier."""

    weight: float
    document: str
    page: int
    words: int
    unclear: int
    gaps: int
    folder: str = ""


@dataclass(slots=True)
class Totals:
    """Counts over all pages; nothing here grows with the collection but the minutes in which pages were finished."""

    documents: int = 0
    words: int = 0
    unclear: int = 0
    nothing_read: int = 0
    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    gaps: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    tenths: Counter[int] = field(default_factory=Counter)
    minutes: Counter[int] = field(default_factory=Counter)
    sentences: list[tuple[str, str, str, str]] = field(default_factory=list)
    _most_urgent: list[ReviewPriority] = field(default_factory=list)
    _pages_to_review: list[PageReport] = field(default_factory=list)

    @property
    def pages(self) -> int:
        return sum(self.states.values())

    def add_page(self, page: PageReport) -> None:
        """Count a page of the document that is added next."""
        self.states[page.state] += 1
        self.words, self.unclear = self.words + page.words, self.unclear + page.unclear
        self.nothing_read += page.nothing_read
        self.gaps.update(page.gaps)
        self.outcomes.update({"conjectured": page.conjectured, "refused": page.refused, "decided": page.decided})
        if page.state == "failed":
            self.reasons[failure_category(page.reason)] += 1
            self.examples.setdefault(failure_category(page.reason), page.reason)
        if page.legibility is not None:
            self.tenths[min(9, int(10 * page.legibility))] += 1
        if page.finished_at:
            self.minutes[int(page.finished_at // 60)] += 1
        if page.state == "needs review":
            self._pages_to_review.append(page)

    def add_document(self, document: DocumentReport) -> None:
        """Count a document, all of whose pages were added before."""
        self.documents += 1
        for page in self._pages_to_review:
            open_gaps = page.conjectured + page.refused
            weight = (open_gaps + page.unclear) / max(1, page.words + open_gaps)
            priority = ReviewPriority(weight, document.id, page.number, page.words, page.unclear, open_gaps, document.folder.name)
            (heapq.heappush if len(self._most_urgent) < MAX_LISTED else heapq.heappushpop)(self._most_urgent, priority)
        self._pages_to_review.clear()
        if len(self.sentences) < MAX_LISTED:
            self.sentences.append((document.id, document.folder.name, document.status.state, document.gap_summary))

    @property
    def review_first(self) -> list[ReviewPriority]:
        """Return the pages that need review first."""
        return sorted(self._most_urgent, key=lambda page: (-page.weight, page.document, page.page))

    @property
    def state_bars(self) -> list[Bar]:
        return bars((state, self.states[state]) for state in STATES)

    @property
    def gap_bars(self) -> list[Bar]:
        return bars(sorted(self.gaps.items(), key=lambda item: (-item[1], item[0])))

    @property
    def legibility_bars(self) -> list[Bar]:
        return bars((f"{10 * tenth}-{10 * tenth + 10}%", self.tenths[tenth]) for tenth in range(10))

    @property
    def time_bars(self) -> list[Bar]:
        """Return how many pages were finished in each interval; of longer times only the last MAX_TIME_BARS."""
        if not self.minutes:
            return []
        first, last = min(self.minutes), max(self.minutes)
        width = next((minutes for minutes in BAR_MINUTES if (last - first) // minutes < MAX_TIME_BARS), BAR_MINUTES[-1])
        counts: Counter[int] = Counter()
        for minute, number in self.minutes.items():
            counts[minute // width] += number
        intervals = range(first // width, last // width + 1)[-MAX_TIME_BARS:]
        return bars((datetime.fromtimestamp(60 * i * width, UTC).strftime("%d %b %H:%M"), counts[i]) for i in intervals)

    @property
    def pages_a_minute(self) -> float | None:
        """Return the pages a minute over the minutes in which any was finished; None where too few were to tell."""
        return sum(self.minutes.values()) / len(self.minutes) if len(self.minutes) > 1 else None


def bars(numbers: Iterable[tuple[str, int]]) -> list[Bar]:
    """Return bars for a chart."""
    named_numbers = list(numbers)
    longest = max((number for _, number in named_numbers), default=0) or 1
    return [Bar(name, number, number / longest) for name, number in named_numbers]
