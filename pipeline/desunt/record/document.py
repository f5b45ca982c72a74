"""Facts: what a page says, word by word, and where it says something that was not read.

Nothing in this module is ever supposed: suppositions live in `conjecture`. Boxes are in pixels of the original scan as it is
displayed (after its EXIF orientation), origin top left, right and bottom exclusive.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal["illegible", "damaged", "withheld", "blank", "struck-out", "handwriting", "low-confidence"]
Unit: TypeAlias = Literal["character", "word", "line"]
RegionKind: TypeAlias = Literal[
    "body", "letterhead", "addressee", "margin", "footer", "stamp", "handwriting", "table", "form", "withheld", "unread"
]
Span: TypeAlias = tuple[int, int]
Metadata: TypeAlias = tuple[tuple[str, str], ...]

MARKS: dict[Reason, str] = {
    "illegible": "[ILLEGIBLE]", "damaged": "[ILLEGIBLE]", "low-confidence": "[ILLEGIBLE]", "withheld": "[WITHHELD]", "blank": "[BLANK]",
    "struck-out": "[STRUCK OUT]", "handwriting": "[HANDWRITING]",
}  # fmt: skip


def stable_id(*place: object) -> str:
    """Return 12 hexadecimal digits that depend on the place alone."""
    return hashlib.sha256("\x1f".join(map(str, place)).encode()).hexdigest()[:12]


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise ValueError(problem)


def _require_share(name: str, value: float | None) -> None:
    _require(value is None or 0.0 <= value <= 1.0, f"{name} must lie in 0-1, not {value}")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the original scan."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        _require(self.left < self.right and self.top < self.bottom, f"empty box {self}")

    @classmethod
    def clipped(cls, left: float, top: float, right: float, bottom: float, width: int, height: int) -> Box | None:
        """Return the box cut to a page of that size, or None if nothing of it is left."""
        x0, y0, x1, y1 = max(0, round(left)), max(0, round(top)), min(width, round(right)), min(height, round(bottom))
        return cls(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    @classmethod
    def enclosing(cls, boxes: Iterable[Box]) -> Box:
        """Return the smallest box around all; there must be one."""
        return reduce(cls.union, boxes)

    @classmethod
    def enclosing_known(cls, boxes: Iterable[Box | None]) -> Box | None:
        """Return the smallest box around those that are known; None if none is."""
        known = [box for box in boxes if box]
        return cls.enclosing(known) if known else None

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def area(self) -> int:
        return self.width * self.height

    def intersection(self, other: Box) -> int:
        """Return the number of pixels both boxes cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0, width) * max(0, height)

    def overlap(self, other: Box) -> float:
        """Return intersection over union, 0-1."""
        shared = self.intersection(other)
        return shared / (self.area + other.area - shared)

    def is_mostly_inside(self, others: Sequence[Box], share: float) -> bool:
        """Say whether any of the others covers at least this share (0-1) of the box."""
        return any(self.intersection(other) >= share * self.area for other in others)

    def union(self, other: Box) -> Box:
        """Return the smallest box around both."""
        return Box(min(self.left, other.left), min(self.top, other.top), max(self.right, other.right), max(self.bottom, other.bottom))


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was read.

    `engine` names who read it (`tesseract`, `transcript`); `engine_confidence` is the engine's own, 0-1; `legibility` is the
    calibrated probability that the reading is right, None where nothing is known (a transcript). `span` gives the
    place in the transcript, in characters. `other_readings` holds what other engines read there: evidence, never text.
    """

    id: str
    text: str
    box: Box | None
    engine: str
    engine_confidence: float | None = None
    legibility: float | None = None
    span: Span | None = None
    other_readings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(bool(self.text.strip()), f"word {self.id} is empty")
        _require(unicodedata.is_normalized("NFC", self.text), f"word {self.id} is not NFC: {self.text!r}")
        _require_share("engine_confidence", self.engine_confidence)
        _require_share("legibility", self.legibility)


@dataclass(frozen=True, slots=True)
class Extent:
    """What is known of a gap's length; `most` is None where it is open."""

    unit: Unit
    least: int
    most: int | None

    def __post_init__(self) -> None:
        _require(self.least >= 0 and (self.most is None or self.most >= max(1, self.least)), f"impossible extent {self}")


@dataclass(frozen=True, slots=True)
class Letters:
    """The legible letters of a gap's word that stand directly before and after the lost ones."""

    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where text stood and is not read.

    `engine_reading` is what the engine made of the ink: evidence, never text, and never kept for a withheld area; `other_readings` is
    what other engines made of it.
    `mark` is how the transcript wrote the gap. `continues` says whether the next line goes on where the gap ends: False for a gap
    inside a line, None where nobody can know (a gap that runs to the end of its line).
    """

    id: str
    box: Box | None
    extent: Extent | None
    reason: Reason
    engine_reading: str | None = None
    letters: Letters = Letters()
    span: Span | None = None
    mark: str | None = None
    continues: bool | None = False
    other_readings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        silent = self.engine_reading is None and not self.other_readings
        _require(self.reason != "withheld" or silent, f"gap {self.id} is withheld: its engine reading must not be stored")

    @property
    def printed(self) -> str:
        """Return the gap as the diplomatic text prints it, surviving letters with it."""
        return self.mark or f"{self.letters.before}{MARKS[self.reason]}{self.letters.after}"


Token: TypeAlias = Word | Gap


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the page; `baseline` is (x, y) at its left and right end."""

    id: str
    box: Box | None
    tokens: tuple[Token, ...]
    baseline: tuple[tuple[int, int], tuple[int, int]] | None = None

    @property
    def text(self) -> str:
        """Return the diplomatic text of the line: words and marks, one space between them."""
        return " ".join(t.text if isinstance(t, Word) else t.printed for t in self.tokens)


@dataclass(frozen=True, slots=True)
class Region:
    """A block of lines of one kind; in reading order within its page."""

    id: str
    kind: RegionKind
    box: Box | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Where a page's original pixels are: a file, the frame in it (from 0), its hash and size."""

    path: str
    sha256: str
    width: int
    height: int
    dpi: int
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `number` counts from 1; `legibility` is the mean of its words', None without words."""

    number: int
    image: ImageRef | None
    regions: tuple[Region, ...]
    legibility: float | None = None

    def __post_init__(self) -> None:
        _require(self.number >= 1, f"page number {self.number}")
        _require_share("legibility", self.legibility)

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for region in self.regions for line in region.lines)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(t for line in self.lines for t in line.tokens if isinstance(t, Gap))

    @property
    def text(self) -> str:
        """Return the diplomatic text: a line a line, an empty line between regions."""
        return "\n\n".join("\n".join(line.text for line in region.lines) for region in self.regions if region.lines)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The transcript a document came from, exactly: `text.encode(encoding)` are the source's bytes."""

    path: str
    sha256: str
    encoding: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One source: its pages in order, and its metadata in the order they were given.

    `id` is the source's path relative to the folder that was searched. `notes` are sentences for a person: marks that were ambiguous,
    words of the page that the transcript does not have.
    """

    id: str
    source: str
    metadata: Metadata
    pages: tuple[Page, ...]
    transcript: Transcript | None = None
    notes: tuple[str, ...] = ()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(gap for page in self.pages for gap in page.gaps)

    @property
    def text(self) -> str:
        """Return the diplomatic text.

        A transcript without a scan is given back as it came; otherwise pages are joined by a form feed (U+000C), as
        `pdftotext` and Tesseract do, and the text ends with a line feed.
        """
        if self.transcript and not any(page.image for page in self.pages):
            return self.transcript.text
        return "\f".join(page.text + "\n" for page in self.pages)


def lines_with_pages(document: Document) -> Iterator[tuple[Page, Line]]:
    """Yield every line of the document with its page, in reading order."""
    yield from ((page, line) for page in document.pages for line in page.lines)


@dataclass(frozen=True, slots=True)
class Step:
    """One stage that made a result: its name, version, and settings as (name, value) pairs."""

    name: str
    version: str
    settings: tuple[tuple[str, str], ...] = ()
