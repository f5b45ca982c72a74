"""A page as `desunt evaluate recovery` sees it: piece by piece what was read, what stands there, and what was proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TypeAlias

from desunt.evaluate.ground_truth import GroundTruth
from desunt.evaluate.labels import Label, Run, Standing, stand_words
from desunt.evaluate.metrics import bare, words_of
from desunt.gaps.lines import TRUSTED
from desunt.ocr.engines import EngineWord
from desunt.ocr.layout.pitch import Measure, measure
from desunt.record.document import Gap, Line, Page, Token, Word
from desunt.run.workflow import FILLED

Found: TypeAlias = tuple[Token, list[Standing], int]

# The doubt of what the reading threshold made a gap of; nothing of it is known but that it lies above all others.
GAP = 1.0
DPI = 300


@dataclass(frozen=True, slots=True)
class Piece:
    """A word that was read, or a gap that is asked about.

    `words` are what the engine read there (none under a blot), each with its label; `truth` are the words that stand there, bare: none if
    the engine read what is not there, None if nobody can tell. `candidates` are by who proposed them, the best first; None of a word.
    """

    words: tuple[str, ...]
    labels: tuple[Label, ...]
    truth: tuple[str, ...] | None
    doubt: float
    gap: bool = False
    candidates: Mapping[str, tuple[str, ...]] | None = None

    @property
    def misread(self) -> int:
        """Return how many words were misread; of those under a blot, all."""
        return self.labels.count("wrong") if self.words else len(self.truth or ())

    def rank(self, by: str) -> int | None:
        """Return the place, from 1, of the first candidate that is word for word what stands there, letter case counted."""
        if not self.truth:
            return None
        ranked = (self.candidates or {}).get(by, ())
        return next((place for place, text in enumerate(ranked, 1) if words_of(text) == self.truth), None)


@dataclass(frozen=True, slots=True)
class AskedPage:
    """One image: the text that readings are compared with, what plain Tesseract read, its words' labels, and desunt's reading in pieces."""

    name: str
    truth: str
    plain: str
    plain_labels: tuple[Label, ...]
    pieces: tuple[Piece, ...]


def flagged(page: Page, doubt: float) -> Page:
    """Return the page with a gap in place of every word that is more doubtful: its reading is evidence, its length that of its box."""
    trusted = [word for line in page.lines for word in line.tokens if isinstance(word, Word) and (word.legibility or 0.0) >= TRUSTED]
    dpi = page.image.dpi if page.image else DPI
    size = measure([EngineWord(word.text, word.box, word.engine_confidence or 0.0) for word in trusted if word.box], dpi)
    regions = (replace(region, lines=tuple(_with_gaps(line, doubt, size) for line in region.lines)) for region in page.regions)
    return replace(page, regions=tuple(regions))


def _with_gaps(line: Line, doubt: float, size: Measure) -> Line:
    last = len(line.tokens) - 1
    tokens = (_gap(token, size, at_end=place == last) if _doubt(token) > doubt else token for place, token in enumerate(line.tokens))
    return replace(line, tokens=tuple(tokens))


def _gap(token: Token, size: Measure, *, at_end: bool) -> Token:
    # A mark without a letter or digit is no word that could be misread.
    if isinstance(token, Gap) or not bare(token.text):
        return token
    extent = size.letters(token.box.width) if token.box else None
    open_ended = None if at_end else False
    return Gap(token.id, token.box, extent, "low-confidence", token.text, continues=open_ended, other_readings=token.other_readings)


def _doubt(token: Token) -> float:
    if isinstance(token, Gap):
        return GAP
    return 0.0 if token.legibility is None else 1 - token.legibility


def pieces_of(
    read: Sequence[Page], asked: Sequence[Page], truth: GroundTruth, candidates: Mapping[str, Mapping[str, tuple[str, ...]]]
) -> tuple[Piece, ...]:
    """Return the pieces of an image's pages in reading order; gaps that are never filled (withheld, handwriting) are none.

    `read` are the pages before words were made gaps of, `asked` after; `candidates` are by who proposed them and the gap's id.
    """
    doubts = {token.id: _doubt(token) for page in read for line in page.lines for token in line.tokens}
    lines = [[t for t in line.tokens if not isinstance(t, Gap) or t.reason in FILLED] for page in asked for line in page.lines]
    standings = iter(stand_words(truth, [word for line in lines for token in line for word in _words(token)]))
    found = [(token, [next(standings) for _ in _words(token)], number) for number, line in enumerate(lines) for token in line]
    pieces = []
    for before, (token, standing, _), after in _neighbours(found):
        there = _truth(standing) if standing else _under(before, after)
        offered = {by: gaps.get(token.id, ()) for by, gaps in candidates.items()} if isinstance(token, Gap) else None
        labels = tuple(one.label for one in standing)
        pieces.append(Piece(_words(token), labels, there, doubts[token.id], isinstance(token, Gap), offered))
    return tuple(pieces)


def _words(token: Token) -> tuple[str, ...]:
    return (token.text,) if isinstance(token, Word) else tuple((token.engine_reading or "").split())


def _truth(standing: Sequence[Standing]) -> tuple[str, ...]:
    return tuple(word for one in standing for word in one.truth)


def _neighbours(found: Sequence[Found]) -> Iterator[tuple[list[Standing] | None, Found, list[Standing] | None]]:
    """Yield every token with what stands before and after it in its line, None at the ends of the line."""
    for _, group in groupby(found, key=lambda one: one[2]):
        line: list[Found | None] = [None, *group, None]
        for (before, one), (_, after) in zip(pairwise(line), pairwise(line[1:]), strict=False):
            if one is not None:
                yield before and before[1], one, after and after[1]


def _under(before: list[Standing] | None, after: list[Standing] | None) -> tuple[str, ...] | None:
    """Return the words between what was read on both sides of a blot; None where no line of the ground truth tells."""
    left, right = _beside(before, last=True), _beside(after, last=False)
    if (before is not None and left is None) or (after is not None and right is None):
        return None
    run: Run = (left or right or Standing()).run
    if not run or (left and right and left.run is not right.run):
        return None
    lost = run[left.owned[-1] + 1 if left else 0 : right.owned[0] if right else None]
    return words_of(" ".join(word.text for word in lost)) if all(word.sure for word in lost) else None


def _beside(standing: list[Standing] | None, *, last: bool) -> Standing | None:
    """Return the word next to a blot if it has a place in a scored line."""
    one = standing[-1 if last else 0] if standing else Standing()
    return one if one.label != "unscored" and one.owned else None
