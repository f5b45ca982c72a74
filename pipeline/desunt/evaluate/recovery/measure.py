"""The figures of recovery: right readings among the candidates, right words put in question, and word errors before and after an editor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from desunt.evaluate.conjectures.run import RANKS
from desunt.evaluate.error_rates import Rate, page_wer, pooled, strip_punctuation, words_of
from desunt.evaluate.labels import Label
from desunt.evaluate.recovery.aligned_page import AlignedPage, AlignedToken
from desunt.evaluate.recovery.run import Recovery

# An editor sees so many candidates at once.
SHOWN_CANDIDATES = RANKS[1]
MAX_RANK = RANKS[-1]
# A doubt that nothing has: whoever looks at what is more doubtful looks at nothing.
ABOVE_ALL_DOUBTS = 2.0
PLAIN, DESUNT = "plain Tesseract", "desunt"
# A share as one Rate a page: intervals are by resampling pages.
PageRates: TypeAlias = tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class CandidateHits:
    """How often one system has the right reading among the first so many candidates.

    `flagged` is of the misread words that became gaps, `misread` of all, `kept` of the right words that became gaps.
    """

    system: str
    flagged: Mapping[int, PageRates]
    misread: Mapping[int, PageRates]
    kept: Mapping[int, PageRates]


@dataclass(frozen=True, slots=True)
class RecoveryCounts:
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
class WordErrors:
    """What is wrong in a reading: word errors of the whole text, and of the words that can be scored those that are wrong."""

    text: PageRates
    words: PageRates


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """All figures of a folder; `errors` are by the reading they are in, `decisions` gaps a word that was read."""

    folder: str
    max_fpr: float
    doubt: float | None
    counts: RecoveryCounts
    found: PageRates
    false_alarms: PageRates
    decisions: PageRates
    hits: tuple[CandidateHits, ...]
    errors: Mapping[str, WordErrors]


def measure(recovery: Recovery) -> RecoveryReport:
    """Return the figures of a folder.

    A candidate is right if it is word for word what stands at the gap, letter case counted, punctuation at the words' ends not. A gap of
    several words counts as many misread words as it has, all of them recovered by a candidate that is right as a whole, none by another.
    A word misread where nothing stands cannot be recovered, and counts as a miss.
    """
    pages = recovery.pages
    return RecoveryReport(
        folder=recovery.folder,
        max_fpr=recovery.max_fpr,
        doubt=recovery.doubt,
        counts=_counts(pages),
        found=_rates(pages, _misread_in_gaps, lambda token: token.misread),
        false_alarms=_rates(pages, lambda token: _right_words(token) * token.is_gap, _right_words),
        decisions=_rates(pages, lambda token: token.is_gap, _read_words),
        hits=tuple(_hits(pages, system) for system in recovery.systems),
        errors=_errors(pages, recovery.systems),
    )


def _rates(pages: Sequence[AlignedPage], count: Callable[[AlignedToken], int], total: Callable[[AlignedToken], int]) -> PageRates:
    return tuple(Rate(sum(map(count, page.tokens)), sum(map(total, page.tokens))) for page in pages)


def _right_words(token: AlignedToken) -> int:
    return token.labels.count("right")


def _read_words(token: AlignedToken) -> int:
    return sum(bool(strip_punctuation(word)) for word in token.words)


def _misread_in_gaps(token: AlignedToken) -> int:
    return token.misread * token.is_gap


def _counts(pages: Sequence[AlignedPage]) -> RecoveryCounts:
    tokens = [token for page in pages for token in page.tokens]
    gaps = [token for token in tokens if token.is_gap]
    return RecoveryCounts(
        pages=len(pages),
        words=sum(map(_scored_words, tokens)),
        misread=sum(token.misread for token in tokens),
        blotted=sum(token.misread for token in gaps if not token.words),
        nothing_there=sum(token.misread for token in tokens if not token.truth),
        in_long_gaps=sum(token.misread for token in gaps if len(token.words) > 1),
        gaps=len(gaps),
        unscored_gaps=sum(not _scored_words(token) for token in gaps),
    )


def _is_hit(token: AlignedToken, system: str, max_rank: int) -> bool:
    rank = token.rank(system)
    return rank is not None and rank <= max_rank


def _with_hit(words: Callable[[AlignedToken], int], system: str, max_rank: int) -> Callable[[AlignedToken], int]:
    """Return what counts the words of those gaps whose right reading is among the first candidates."""
    return lambda token: words(token) * _is_hit(token, system, max_rank)


def _hits(pages: Sequence[AlignedPage], system: str) -> CandidateHits:
    def shares(words: Callable[[AlignedToken], int], total: Callable[[AlignedToken], int]) -> dict[int, PageRates]:
        return {rank: _rates(pages, _with_hit(words, system, rank), total) for rank in RANKS}

    return CandidateHits(
        system,
        flagged=shares(_misread_in_gaps, _misread_in_gaps),
        misread=shares(_misread_in_gaps, lambda token: token.misread),
        kept=shares(_right_words, lambda token: _right_words(token) * token.is_gap),
    )


def hits_by_rank(pages: Sequence[AlignedPage], system: str) -> list[float]:
    """Return the share of all misread words whose right reading is among the first 1, 2, ... candidates; 0 without a misread word."""
    shares = (_rates(pages, _with_hit(_misread_in_gaps, system, rank), lambda token: token.misread) for rank in range(1, MAX_RANK + 1))
    return [pooled(share).value or 0.0 for share in shares]


def _errors(pages: Sequence[AlignedPage], systems: Sequence[str]) -> dict[str, WordErrors]:
    """Return the errors of each reading: the engine's, an editor's with each system, and each first candidate believed."""
    plain = tuple(page_wer(page.truth, page.plain) for page in pages), tuple(_wrong_rate(page.plain_labels) for page in pages)
    choices: dict[str, Callable[[AlignedToken], str | None]] = {DESUNT: lambda _: None}
    choices |= {f"{DESUNT} + editor, {system}": partial(editor_choice, system=system) for system in systems}
    choices |= {f"{DESUNT} + first candidate, {system}": partial(_first_candidate, system=system) for system in systems}
    return {PLAIN: WordErrors(*plain)} | {
        name: WordErrors(_word_error_rates(pages, choose), _misread_rates(pages, choose)) for name, choose in choices.items()
    }


def _wrong_rate(labels: Sequence[Label]) -> Rate:
    return Rate(labels.count("wrong"), len(labels) - labels.count("unscored"))


def _word_error_rates(pages: Sequence[AlignedPage], choose: Callable[[AlignedToken], str | None]) -> PageRates:
    return tuple(page_wer(page.truth, " ".join(_chosen_text(token, choose(token)) for token in page.tokens)) for page in pages)


def _chosen_text(token: AlignedToken, chosen: str | None) -> str:
    return " ".join(token.words) if chosen is None else chosen


def _misread_rates(pages: Sequence[AlignedPage], choose: Callable[[AlignedToken], str | None]) -> PageRates:
    return _rates(pages, lambda token: _misread_after(token, choose(token)), _scored_words)


def _misread_after(token: AlignedToken, chosen: str | None) -> int:
    """Return how many words are wrong in the end: all of a gap that something else was put in than stands there."""
    if chosen is None:
        return token.misread
    return 0 if words_of(chosen) == token.truth else _scored_words(token)


def _scored_words(token: AlignedToken) -> int:
    return _right_words(token) + token.misread


def editor_choice(token: AlignedToken, system: str) -> str | None:
    """Return what an editor puts in a gap: the right reading if it is among the first five, None if what the engine read stays."""
    rank = token.rank(system) if token.misread else None
    return (token.candidates or {})[system][rank - 1] if rank is not None and rank <= SHOWN_CANDIDATES else None


def _first_candidate(token: AlignedToken, system: str) -> str | None:
    return next(iter((token.candidates or {}).get(system, ())), None)


@dataclass(frozen=True, slots=True)
class EffortPoint:
    """What an editor reaches who looks at gaps more doubtful than `doubt`: decisions per 100 words, and the word error rate after them."""

    doubt: float
    decisions: float
    error: float


def effort_curve(pages: Sequence[AlignedPage], system: str, steps: int = 20) -> list[EffortPoint]:
    """Return the effort and what it brings, from no gap to all that were asked about, at most so many steps.

    The answers are those at the operating point: with fewer gaps a model would have seen more of the text round each.
    """
    doubts = sorted({token.doubt for page in pages for token in page.tokens if token.is_gap}, reverse=True)
    count = min(steps, len(doubts))
    levels = [doubts[round(step * (len(doubts) - 1) / max(1, count - 1))] for step in range(count)]
    return [_effort_point(pages, system, level) for level in dict.fromkeys([ABOVE_ALL_DOUBTS, *levels])]


def _effort_point(pages: Sequence[AlignedPage], system: str, min_doubt: float) -> EffortPoint:
    decisions = pooled(_rates(pages, lambda token: token.is_gap and token.doubt >= min_doubt, _read_words)).value
    error = pooled(_word_error_rates(pages, lambda token: editor_choice(token, system) if token.doubt >= min_doubt else None)).value
    return EffortPoint(min_doubt, 100 * (decisions or 0.0), error or 0.0)
