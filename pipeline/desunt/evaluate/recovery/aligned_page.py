"""A page as `desunt evaluate recovery` sees it: token by token what was read, what stands there, and what was proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TypeAlias

from desunt.evaluate.error_rates import strip_punctuation, words_of
from desunt.evaluate.ground_truth import GroundTruth
from desunt.evaluate.labels import Label, LineSegment, WordAlignment, align_words
from desunt.ocr.confidence.legibility import TRUSTED_LEGIBILITY
from desunt.ocr.engines import EngineWord
from desunt.ocr.layout.type_metrics import TypeMetrics, measure_type
from desunt.record.document import Gap, Line, Page, Token, Word
from desunt.run.workflow import FILLABLE_REASONS

# A token, what each of its words stands for, and the number of its line.
PlacedToken: TypeAlias = tuple[Token, list[WordAlignment], int]

# The doubt of what the reading threshold made a gap of; nothing of it is known but that it lies above all others.
GAP_DOUBT = 1.0
DEFAULT_DPI = 300


@dataclass(frozen=True, slots=True)
class AlignedToken:
    """A word that was read, or a gap that is asked about.

    `words` are what the engine read there (none under a blot), each with its label; `truth` are the words that stand there, without
    punctuation: none if the engine read what is not there, None if nobody can tell. `candidates` are by the system that proposed them, the
    best first; None of a word.
    """

    words: tuple[str, ...]
    labels: tuple[Label, ...]
    truth: tuple[str, ...] | None
    doubt: float
    is_gap: bool = False
    candidates: Mapping[str, tuple[str, ...]] | None = None

    @property
    def misread(self) -> int:
        """Return how many words were misread; of those under a blot, all."""
        return self.labels.count("wrong") if self.words else len(self.truth or ())

    def rank(self, system: str) -> int | None:
        """Return the rank, from 1, of the first candidate that is word for word what stands there, letter case counted."""
        if not self.truth:
            return None
        ranked = (self.candidates or {}).get(system, ())
        return next((rank for rank, text in enumerate(ranked, 1) if words_of(text) == self.truth), None)


@dataclass(frozen=True, slots=True)
class AlignedPage:
    """One image: the text that readings are compared with, what plain Tesseract read, its words' labels, and desunt's tokens."""

    name: str
    truth: str
    plain: str
    plain_labels: tuple[Label, ...]
    tokens: tuple[AlignedToken, ...]


def with_doubtful_gaps(page: Page, doubt: float) -> Page:
    """Return the page with a gap in place of every word that is more doubtful: its reading is evidence, its length that of its box."""
    trusted = [
        word for line in page.lines for word in line.tokens if isinstance(word, Word) and (word.legibility or 0.0) >= TRUSTED_LEGIBILITY
    ]
    dpi = page.image.dpi if page.image else DEFAULT_DPI
    metrics = measure_type([EngineWord(word.text, word.box, word.engine_confidence or 0.0) for word in trusted if word.box], dpi)
    regions = (replace(region, lines=tuple(_with_gaps(line, doubt, metrics) for line in region.lines)) for region in page.regions)
    return replace(page, regions=tuple(regions))


def _with_gaps(line: Line, doubt: float, metrics: TypeMetrics) -> Line:
    last = len(line.tokens) - 1
    tokens = (_doubtful_gap(t, metrics, at_end=index == last) if _doubt(t) > doubt else t for index, t in enumerate(line.tokens))
    return replace(line, tokens=tuple(tokens))


def _doubtful_gap(token: Token, metrics: TypeMetrics, *, at_end: bool) -> Token:
    # A mark without a letter or digit is no word that could be misread.
    if isinstance(token, Gap) or not strip_punctuation(token.text):
        return token
    extent = metrics.letters_in(token.box.width) if token.box else None
    open_ended = None if at_end else False
    return Gap(token.id, token.box, extent, "low-confidence", token.text, continues=open_ended, other_readings=token.other_readings)


def _doubt(token: Token) -> float:
    if isinstance(token, Gap):
        return GAP_DOUBT
    return 0.0 if token.legibility is None else 1 - token.legibility


def align_tokens(
    read: Sequence[Page], queried: Sequence[Page], truth: GroundTruth, candidates: Mapping[str, Mapping[str, tuple[str, ...]]]
) -> tuple[AlignedToken, ...]:
    """Return the tokens of an image's pages in reading order; gaps that are never filled (withheld, handwriting) are left out.

    `read` are the pages before words were made gaps of, `queried` after; `candidates` are by system and by the gap's id.
    """
    doubts = {token.id: _doubt(token) for page in read for line in page.lines for token in line.tokens}
    lines = [[t for t in line.tokens if not isinstance(t, Gap) or t.reason in FILLABLE_REASONS] for page in queried for line in page.lines]
    alignments = iter(align_words(truth, [word for line in lines for token in line for word in _words(token)]))
    placed = [(token, [next(alignments) for _ in _words(token)], number) for number, line in enumerate(lines) for token in line]
    aligned = []
    for before, (token, words, _), after in _with_neighbours(placed):
        true_words = _true_words(words) if words else _words_under_blot(before, after)
        proposed = {system: gaps.get(token.id, ()) for system, gaps in candidates.items()} if isinstance(token, Gap) else None
        labels = tuple(word.label for word in words)
        aligned.append(AlignedToken(_words(token), labels, true_words, doubts[token.id], isinstance(token, Gap), proposed))
    return tuple(aligned)


def _words(token: Token) -> tuple[str, ...]:
    return (token.text,) if isinstance(token, Word) else tuple((token.engine_reading or "").split())


def _true_words(alignments: Sequence[WordAlignment]) -> tuple[str, ...]:
    return tuple(word for alignment in alignments for word in alignment.truth)


def _with_neighbours(placed: Sequence[PlacedToken]) -> Iterator[tuple[list[WordAlignment] | None, PlacedToken, list[WordAlignment] | None]]:
    """Yield every token with what stands before and after it in its line, None at the ends of the line."""
    for _, group in groupby(placed, key=lambda token: token[2]):
        line: list[PlacedToken | None] = [None, *group, None]
        for (before, token), (_, after) in zip(pairwise(line), pairwise(line[1:]), strict=False):
            if token is not None:
                yield before and before[1], token, after and after[1]


def _words_under_blot(before: list[WordAlignment] | None, after: list[WordAlignment] | None) -> tuple[str, ...] | None:
    """Return the words between what was read on both sides of a blot; None where no line of the ground truth tells."""
    left, right = _adjacent_word(before, last=True), _adjacent_word(after, last=False)
    if (before is not None and left is None) or (after is not None and right is None):
        return None
    segment: LineSegment = (left or right or WordAlignment()).segment
    if not segment or (left and right and left.segment is not right.segment):
        return None
    lost = segment[left.true_indices[-1] + 1 if left else 0 : right.true_indices[0] if right else None]
    return words_of(" ".join(word.text for word in lost)) if all(word.sure for word in lost) else None


def _adjacent_word(alignments: list[WordAlignment] | None, *, last: bool) -> WordAlignment | None:
    """Return the word next to a blot if it has a place in a scored line."""
    word = alignments[-1 if last else 0] if alignments else WordAlignment()
    return word if word.label != "unscored" and word.true_indices else None
