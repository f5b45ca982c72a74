"""How near a reading comes to the ground truth: error rates, word recall and precision, invented words, labels, intervals.

Before anything is compared, both sides are normalised (`normalise`): NFC, ligatures taken apart, typographic quotes made straight, any run
of hyphens and dashes one hyphen, any run of blanks one space. Letter case and all other punctuation count in character error rates. Words
are compared without the punctuation at their ends (`strip_punctuation`), case kept; a token without a letter or digit is no word.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from desunt.evaluate.ground_truth import GroundTruth, TrueWord
from desunt.record.document import Box

QUOTES = {ord(old): new for olds, new in (("‘’‚‛′`´", "'"), ("“”„‟″«»", '"')) for old in olds}
DASHES = re.compile(r"[-‐‑‒–—―−]+")
LIGATURES = {ord(old): new for old, new in (("ﬀ", "ff"), ("ﬁ", "fi"), ("ﬂ", "fl"), ("ﬃ", "ffi"), ("ﬄ", "ffl"), ("ﬅ", "st"), ("ﬆ", "st"))}


def normalise(text: str) -> str:
    """Return the text as it is compared; the module's docstring says what that changes."""
    straight = unicodedata.normalize("NFC", text).translate(LIGATURES).translate(QUOTES).replace("…", "...")
    return " ".join(DASHES.sub("-", straight).split())


def strip_punctuation(word: str) -> str:
    """Return a normalised word without the punctuation at its ends; empty if it has neither letter nor digit."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", normalise(word))


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text in order, without punctuation."""
    return tuple(word for word in map(strip_punctuation, normalise(text).split(" ")) if word)


@dataclass(frozen=True, slots=True)
class Rate:
    """A count out of a total; undefined (None) where the total is 0."""

    count: float
    total: float

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


def pooled(rates: Iterable[Rate]) -> Rate:
    """Return the sum of counts out of the sum of totals."""
    rates = tuple(rates)
    return Rate(sum(rate.count for rate in rates), sum(rate.total for rate in rates))


def page_cer(truth: str, output: str) -> Rate:
    """Return edits of characters out of the characters of the truth, whole text against whole text."""
    truth, output = normalise(truth), normalise(output)
    return Rate(Levenshtein.distance(truth, output), len(truth))


def page_wer(truth: str, output: str) -> Rate:
    """Return edits of words without punctuation out of the words of the truth, whole text against whole text."""
    true_words = words_of(truth)
    return Rate(Levenshtein.distance(true_words, words_of(output)), len(true_words))


@dataclass(frozen=True, slots=True)
class TextMatch:
    """Where in a text a line stands best: characters `start` to `end` (exclusive), and the edits between them and the line."""

    start: int
    end: int
    edits: int


def _codes(text: str) -> NDArray[np.int32]:
    return np.array([ord(letter) for letter in text], dtype=np.int32)


def _edit_distance_row(line: NDArray[np.int32], text: NDArray[np.int32], first: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the last row of the edit distance table, its first row given.

    Sellers (1980): a first row of zeros lets the line begin anywhere in the text. Insertions along a row become a running minimum, so
    that a row is one numpy operation.
    """
    columns = np.arange(len(text) + 1, dtype=np.int32)
    row = first
    for number, letter in enumerate(line, 1):
        best = np.empty_like(row)
        best[0] = number
        best[1:] = np.minimum(row[1:] + 1, row[:-1] + (text != letter))
        row = np.minimum.accumulate(best - columns) + columns
    return row


def best_match(line: str, text: str) -> TextMatch:
    """Return the place in `text` that `line` can be made into with the fewest edits (both normalised).

    Never more edits than the line has characters: an empty place is a place.
    """
    letters, output = _codes(line), _codes(text)
    row = _edit_distance_row(letters, output, np.zeros(len(text) + 1, np.int32))
    end = int(row.argmin())
    back = output[max(0, end - 2 * len(line)) : end][::-1]
    column = _edit_distance_row(letters[::-1], back, np.arange(len(back) + 1, dtype=np.int32))
    return TextMatch(end - int(column.argmin()), end, int(row[end]))


@dataclass(frozen=True, slots=True)
class _ScoredText:
    """Ground-truth words between holes: normalised text, and which of its characters count."""

    text: str
    counts: tuple[bool, ...]


def _scored_text(words: Sequence[TrueWord]) -> _ScoredText:
    text, counts = "", list[bool]()
    for word in words:
        blank, normalised = (" " if text else ""), normalise(word.text)
        text += blank + normalised
        counts += [True] * len(blank) + [word.sure] * len(normalised)
    return _ScoredText(text, tuple(counts))


def line_cer(truth: GroundTruth, output: str) -> Rate:
    """Return edits out of characters, each scored line against its best place in the output.

    Letterheads and stamps that the ground truth left out do no harm; neither do changes of reading order. Characters of unsure words count
    neither as edits nor in the total.
    """
    text = normalise(output)
    return pooled(_segment_errors(_scored_text(segment), text) for line in truth.scored for segment in line.segments)


def _segment_errors(segment: _ScoredText, text: str) -> Rate:
    match = best_match(segment.text, text)
    edits = Levenshtein.editops(segment.text, text[match.start : match.end])
    counts = (*segment.counts, segment.counts[-1])
    return Rate(sum(counts[edit.src_pos] for edit in edits), sum(segment.counts))


@dataclass(frozen=True, slots=True)
class WordScore:
    """Words found in the output, of those the ground truth is sure of; and right words, of those the output claims."""

    recall: Rate
    precision: Rate


def word_score(truth: GroundTruth, output: str) -> WordScore:
    """Compare words as multisets: every word of the output answers for one word of the truth at most.

    Sure words of scored lines come first. What is left over may answer for unsure words and for handwriting, stamps and forms: such
    words are neither right nor wrong.
    """
    sure, other = Counter[str](), Counter[str]()
    for line in truth.lines:
        for word in line.words:
            counts = sure if word.sure and line.kind == "typed" else other
            counts.update(words_of(word.text))
    read = Counter(words_of(output))
    right = read & sure
    neutral = (read - right) & other
    hits = right.total()
    return WordScore(Rate(hits, sure.total()), Rate(hits, read.total() - neutral.total()))


def invented_words(truth: GroundTruth, words: Iterable[tuple[str, Box]]) -> int | None:
    """Return how many words of the output stand where the ground truth has no typed line; None if it does not say where its lines are.

    A word stands in a line if its centre does. A word that stands in handwriting or a stamp and reads what the ground truth reads there is
    not invented.
    """
    if not truth.has_boxes:
        return None
    return sum(bool(strip_punctuation(text)) and not _accounted_for(truth, strip_punctuation(text), box) for text, box in words)


def _accounted_for(truth: GroundTruth, word: str, box: Box) -> bool:
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    lines = (line for line in truth.lines if line.box and line.box.left <= x < line.box.right and line.box.top <= y < line.box.bottom)
    return any(line.kind == "typed" or word in {strip_punctuation(true.text) for true in line.words} for line in lines)


def resampled_pages(size: int, *, draws: int = 2000, seed: int = 1) -> NDArray[np.intp]:
    """Return indices (draws, size) of pages drawn with replacement: the same ones for every measure, so that differences are paired."""
    return np.random.default_rng(seed).integers(0, max(1, size), (draws, size), dtype=np.intp)


def percentiles(values: NDArray[np.float64]) -> Interval | None:
    """Return the 95% percentile interval of a statistic's draws; draws where it is undefined (NaN) are left out."""
    values = values[~np.isnan(values)]
    return Interval(*map(float, np.percentile(values, (2.5, 97.5)))) if values.size else None


def _draws(rates: Sequence[Rate]) -> NDArray[np.float64]:
    counts, totals = (np.array(values, np.float64) for values in ([r.count for r in rates], [r.total for r in rates]))
    pages = resampled_pages(len(rates))
    sums = totals[pages].sum(axis=1)
    values: NDArray[np.float64] = np.divide(counts[pages].sum(axis=1), sums, out=np.full(len(pages), np.nan), where=sums > 0)
    return values


def rate_interval(rates: Sequence[Rate]) -> Interval | None:
    """Return the bootstrap interval of the pooled rate of pages; None with fewer than two pages."""
    return percentiles(_draws(rates)) if len(rates) > 1 else None


def difference_interval(rates: Sequence[Rate], others: Sequence[Rate]) -> Interval | None:
    """Return the bootstrap interval of pooled rate minus pooled other rate, page by page the same pages."""
    return percentiles(_draws(rates) - _draws(others)) if len(rates) > 1 else None
