"""The figures of recovery: right readings among the candidates, right words put in question, and word errors before and after an editor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from desunt.evaluate.conjectures.run import RANKS
from desunt.evaluate.labels import Label
from desunt.evaluate.metrics import Rate, bare, page_wer, pooled, words_of
from desunt.evaluate.recovery.pieces import AskedPage, Piece
from desunt.evaluate.recovery.run import Recovery

# So many candidates an editor sees at once.
SHOWN = RANKS[1]
MOST = RANKS[-1]
# A doubt that nothing has: whoever looks at what is more doubtful looks at nothing.
NONE = 2.0
PLAIN, READ = "plain Tesseract", "desunt"
# A share as one Rate a page: intervals are by resampling pages.
Share: TypeAlias = tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class Hits:
    """How often one asker has the right reading among the first so many candidates.

    `flagged` is of the misread words that became gaps, `misread` of all, `kept` of the right words that became gaps.
    """

    by: str
    flagged: Mapping[int, Share]
    misread: Mapping[int, Share]
    kept: Mapping[int, Share]


@dataclass(frozen=True, slots=True)
class Counts:
    """What is behind the figures: words under blots, misread words where nothing stands and in gaps of several words, gaps, and gaps over
    nothing that can be scored.
    """

    pages: int
    words: int
    misread: int
    blotted: int
    nothing_there: int
    in_long_gaps: int
    gaps: int
    unscored_gaps: int


@dataclass(frozen=True, slots=True)
class Errors:
    """What is wrong in a reading: word errors of the whole text, and of the words that can be scored those that are wrong."""

    text: Share
    words: Share


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of a folder; `errors` are by who read, `decisions` gaps a word that was read."""

    folder: str
    alarms: float
    doubt: float | None
    counts: Counts
    found: Share
    false_alarms: Share
    decisions: Share
    hits: tuple[Hits, ...]
    errors: Mapping[str, Errors]


def measure(recovery: Recovery) -> Report:
    """Return the figures of a folder.

    A candidate is right if it is word for word what stands at the gap, letter case counted, punctuation at the words' ends not. A gap of
    several words counts as many misread words as it has, all of them recovered by a candidate that is right as a whole, none by another.
    A word misread where nothing stands cannot be recovered, and counts as a miss.
    """
    pages = recovery.pages
    return Report(
        folder=recovery.folder,
        alarms=recovery.alarms,
        doubt=recovery.doubt,
        counts=_counts(pages),
        found=_share(pages, _flagged, lambda piece: piece.misread),
        false_alarms=_share(pages, lambda piece: _right(piece) * piece.gap, _right),
        decisions=_share(pages, lambda piece: piece.gap, _read_words),
        hits=tuple(_hits(pages, by) for by in recovery.by),
        errors=_errors(pages, recovery.by),
    )


def _share(pages: Sequence[AskedPage], count: Callable[[Piece], int], total: Callable[[Piece], int]) -> Share:
    return tuple(Rate(sum(map(count, page.pieces)), sum(map(total, page.pieces))) for page in pages)


def _right(piece: Piece) -> int:
    return piece.labels.count("right")


def _read_words(piece: Piece) -> int:
    return sum(bool(bare(word)) for word in piece.words)


def _flagged(piece: Piece) -> int:
    return piece.misread * piece.gap


def _counts(pages: Sequence[AskedPage]) -> Counts:
    pieces = [piece for page in pages for piece in page.pieces]
    gaps = [piece for piece in pieces if piece.gap]
    return Counts(
        pages=len(pages),
        words=sum(map(_scored, pieces)),
        misread=sum(piece.misread for piece in pieces),
        blotted=sum(piece.misread for piece in gaps if not piece.words),
        nothing_there=sum(piece.misread for piece in pieces if not piece.truth),
        in_long_gaps=sum(piece.misread for piece in gaps if len(piece.words) > 1),
        gaps=len(gaps),
        unscored_gaps=sum(not _scored(piece) for piece in gaps),
    )


def _within(piece: Piece, by: str, most: int) -> bool:
    rank = piece.rank(by)
    return rank is not None and rank <= most


def _with_hit(words: Callable[[Piece], int], by: str, most: int) -> Callable[[Piece], int]:
    """Return what counts the words of those gaps whose right reading is among the first candidates."""
    return lambda piece: words(piece) * _within(piece, by, most)


def _hits(pages: Sequence[AskedPage], by: str) -> Hits:
    def shares(words: Callable[[Piece], int], total: Callable[[Piece], int]) -> dict[int, Share]:
        return {most: _share(pages, _with_hit(words, by, most), total) for most in RANKS}

    return Hits(
        by,
        flagged=shares(_flagged, _flagged),
        misread=shares(_flagged, lambda piece: piece.misread),
        kept=shares(_right, lambda piece: _right(piece) * piece.gap),
    )


def hits_by_rank(pages: Sequence[AskedPage], by: str) -> list[float]:
    """Return the share of all misread words whose right reading is among the first 1, 2, ... candidates; 0 without a misread word."""
    shares = (_share(pages, _with_hit(_flagged, by, most), lambda piece: piece.misread) for most in range(1, MOST + 1))
    return [pooled(share).value or 0.0 for share in shares]


def _errors(pages: Sequence[AskedPage], askers: Sequence[str]) -> dict[str, Errors]:
    """Return the errors of each reading: the engine's, an editor's with each asker, and each first candidate believed."""
    plain = tuple(page_wer(page.truth, page.plain) for page in pages), tuple(_wrong(page.plain_labels) for page in pages)
    chosen: dict[str, Callable[[Piece], str | None]] = {READ: lambda _: None}
    chosen |= {f"{READ} + editor, {by}": partial(edited, by=by) for by in askers}
    chosen |= {f"{READ} + first candidate, {by}": partial(_believed, by=by) for by in askers}
    return {PLAIN: Errors(*plain)} | {name: Errors(_error(pages, choose), _misread(pages, choose)) for name, choose in chosen.items()}


def _wrong(labels: Sequence[Label]) -> Rate:
    return Rate(labels.count("wrong"), len(labels) - labels.count("unscored"))


def _error(pages: Sequence[AskedPage], choose: Callable[[Piece], str | None]) -> Share:
    return tuple(page_wer(page.truth, " ".join(_text(piece, choose(piece)) for piece in page.pieces)) for page in pages)


def _text(piece: Piece, chosen: str | None) -> str:
    return " ".join(piece.words) if chosen is None else chosen


def _misread(pages: Sequence[AskedPage], choose: Callable[[Piece], str | None]) -> Share:
    return _share(pages, lambda piece: _left(piece, choose(piece)), _scored)


def _left(piece: Piece, chosen: str | None) -> int:
    """Return how many words are wrong in the end: all of a gap that something else was put in than stands there."""
    if chosen is None:
        return piece.misread
    return 0 if words_of(chosen) == piece.truth else _scored(piece)


def _scored(piece: Piece) -> int:
    return _right(piece) + piece.misread


def edited(piece: Piece, by: str) -> str | None:
    """Return what an editor puts in a gap: the right reading if it is among the first five, None if what the engine read stays."""
    rank = piece.rank(by) if piece.misread else None
    return (piece.candidates or {})[by][rank - 1] if rank is not None and rank <= SHOWN else None


def _believed(piece: Piece, by: str) -> str | None:
    return next(iter((piece.candidates or {}).get(by, ())), None)


@dataclass(frozen=True, slots=True)
class Effort:
    """What an editor reaches who looks at gaps more doubtful than `doubt`: decisions per 100 words, and the word error rate after them."""

    doubt: float
    decisions: float
    error: float


def efforts(pages: Sequence[AskedPage], by: str, steps: int = 20) -> list[Effort]:
    """Return the effort and what it brings, from no gap to all that were asked about, at most so many steps.

    The answers are those at the operating point: with fewer gaps a model would have seen more of the text round each.
    """
    doubts = sorted({piece.doubt for page in pages for piece in page.pieces if piece.gap}, reverse=True)
    few = min(steps, len(doubts))
    levels = [doubts[round(place * (len(doubts) - 1) / max(1, few - 1))] for place in range(few)]
    return [_effort(pages, by, level) for level in dict.fromkeys([NONE, *levels])]


def _effort(pages: Sequence[AskedPage], by: str, least: float) -> Effort:
    decisions = pooled(_share(pages, lambda piece: piece.gap and piece.doubt >= least, _read_words)).value
    error = pooled(_error(pages, lambda piece: edited(piece, by) if piece.doubt >= least else None)).value
    return Effort(least, 100 * (decisions or 0.0), error or 0.0)
