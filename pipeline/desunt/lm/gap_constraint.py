"""What a filling must look like: its length in characters and words, and the letters that survive at its ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.lm import Context
from desunt.lm.vocabulary import Mask, Pieces

Row: TypeAlias = NDArray[np.float32]

LONGEST_WORD = 22
JOINERS = "'’-"
# So many of the best pieces are looked through for one that agrees with the letters after the gap.
LOOKED_AT = 4000
# How many words a gap holds before anything is known of it: one is by far the most common.
WORDS = (0.60, 0.20, 0.10, 0.06, 0.04)
MOST_WORDS = len(WORDS)
# Of an unknown length, longer fillings than this are not proposed: they would only be guesses.
OPEN_WORDS = 3
# A gap of so many characters holds hardly more than a word.
SHORT = 11
# A length known to within so many characters tells the number of pieces.
KNOWN = 8
# The chance that a word of the tokenizer goes on with one piece more, from 35,000 spans of the training text.
ONE_MORE = 0.07


@dataclass(frozen=True, slots=True)
class Shape:
    """What fits into a gap: `least` to `most` characters with the surviving letters, `words` from-to, the surviving letters themselves.

    `glued` says that the text before the gap ends without a space (an opening bracket, a dash).
    """

    least: int
    most: int
    words: tuple[int, int]
    head: str = ""
    tail: str = ""
    glued: bool = False

    @property
    def fragment(self) -> bool:
        """Whether the gap starts or ends inside a word, and so may run over punctuation."""
        return bool(self.head or self.tail)

    @property
    def short(self) -> bool:
        """Whether the gap holds hardly more than a word."""
        return self.most <= SHORT or self.words[1] == 1

    def fits(self, text: str, *, lower: bool) -> bool:
        """Tell whether a whole text fits; case does not count where the vocabulary has none."""
        head, tail = (self.head.lower(), self.tail.lower()) if lower else (self.head, self.tail)
        lost = len(text) - len(head) - len(tail)
        return (
            self.least <= len(text) <= self.most
            and self.words[0] <= len(text.split()) <= self.words[1]
            and text.startswith(head)
            and text.endswith(tail)
            and text[-1:].isalnum() | self.fragment
            and bool(text[len(head) : len(head) + lost].strip())
        )

    def lost(self, text: str) -> str:
        """Return the part of a whole text that the gap swallowed."""
        return text[len(self.head) : len(text) - len(self.tail)]


def shape_of(context: Context) -> Shape:
    """Read the shape of a gap from its extent, its surviving letters and the end of the text before it."""
    extent, letters = context.extent, context.letters
    kept = len(letters.before) + len(letters.after)
    glued = bool(context.before) and not context.before[-1].isspace()
    if extent is None or extent.unit == "line":
        limits, words = (1, OPEN_WORDS * 12), (1, 1 if kept else OPEN_WORDS)
    elif extent.unit == "character":
        most = extent.most if extent.most is not None else max(extent.least, 1) + 12
        limits, words = (extent.least, most), (1, min(MOST_WORDS, (kept + most + 3) // 2))
    else:
        most = min(MOST_WORDS, extent.most if extent.most is not None else max(extent.least, 1) + 2)
        words = (min(max(1, extent.least), most), most)
        limits = (1, most * (LONGEST_WORD + 1))
    return Shape(max(1, limits[0] + kept), limits[1] + kept, words, letters.before, letters.after, glued)


def piece_counts(shape: Shape, most: int = 8) -> list[int]:
    """Return the numbers of pieces worth trying: few for few characters, four numbers at most."""
    if shape.most - shape.least > KNOWN:
        return list(range(shape.words[0], min(most, shape.words[1] + 1) + 1))
    low = max(shape.words[0], shape.least // 8, 1)
    pieces = math.ceil(shape.most / 5)
    high = max(low, min(most, shape.words[1] + 2, max(2, pieces) if shape.short else pieces + 1, shape.most))
    return list(range(low, min(high, low + 3) + 1))


def log_prior(count: int, words: tuple[int, int]) -> float:
    """Return log P(so many pieces | so many words at least and at most); over all counts the chances add up to 1.

    Words beyond their first piece go on with a chance of ONE_MORE each (a negative binomial).
    """
    low, high = words[0], min(words[1], MOST_WORDS)
    weights = {n: WORDS[n - 1] for n in range(min(low, high), high + 1)}
    total = sum(weights.values())
    chance = sum(
        weight / total * math.comb(count - 1, n - 1) * (1 - ONE_MORE) ** n * ONE_MORE ** (count - n)
        for n, weight in weights.items()
        if n <= count
    )
    return math.log(chance) if chance > 0 else -math.inf


def grown(text: str, piece: int, pieces: Pieces) -> str:
    """Return a text with one piece more behind it."""
    space = " " if text and pieces.starts[piece] else ""
    return text + space + pieces.texts[piece]


class Allowed:
    """The pieces that may come next in a filling of one shape; masks are remembered by the few facts they depend on."""

    def __init__(self, shape: Shape, pieces: Pieces) -> None:
        self.shape, self.pieces = shape, pieces
        self.head, self.tail = (shape.head.lower(), shape.tail.lower()) if pieces.lower else (shape.head, shape.tail)
        self._known: dict[tuple[object, ...], Mask] = {}

    def best(self, row: Row, text: str, limit: int, *, last: bool = False) -> list[int]:
        """Return the best allowed pieces behind the text by `row`, (vocabulary,), best first; ties go to the lower number.

        `last` says that the piece must bring the text to the length of the gap.
        """
        mask = self.after(text)
        if last:
            mask = mask & (self.pieces.lengths + (self.pieces.starts if text else 0) >= self.shape.least - len(text))
        numbers = np.flatnonzero(mask)
        wanted = LOOKED_AT if self.tail else limit
        if len(numbers) > wanted:
            numbers = np.sort(numbers[np.argpartition(-row[numbers], wanted - 1)[:wanted]])
        order: list[int] = numbers[np.argsort(-row[numbers], kind="stable")].tolist()
        if not self.tail:
            return order
        return list(islice((n for n in order if self._ends_well(grown(text, n, self.pieces))), limit))

    def after(self, text: str) -> Mask:
        """Return for each piece whether it may stand behind the text, (vocabulary,), the end of the gap left out of account."""
        full = len(text.split()) >= self.shape.words[1]
        inside = self.head[len(text) :] if len(text) < len(self.head) else ""
        key = (len(text), full, inside, text[-1:].isalnum())
        if key not in self._known:
            self._known[key] = self._mask(text, inside, full=full)
        return self._known[key]

    def _mask(self, text: str, inside: str, *, full: bool) -> Mask:
        pieces, room = self.pieces, self.shape.most - len(text)
        short = pieces.lengths <= room
        if not text:
            first = pieces.whole if self.shape.glued and pieces.spaced else pieces.starts
            return self._completing(inside, first & short)
        mask = pieces.continues & short
        if self.shape.fragment:
            mask = mask | (pieces.stops & short)
        if inside:
            return self._completing(inside, mask)
        if full or text[-1] in JOINERS:
            return mask
        return mask | (pieces.starts & (pieces.lengths < room))

    def _completing(self, rest: str, mask: Mask) -> Mask:
        """Keep the pieces that go on with the rest of the surviving letters before the gap."""
        if not rest:
            return mask
        shorter = np.isin(self.pieces.spelled, [rest[:end] for end in range(1, len(rest))])
        return mask & (shorter | np.strings.startswith(self.pieces.spelled, rest))

    def _ends_well(self, text: str) -> bool:
        """Tell whether a text can be the start of one that ends with the surviving letters after the gap."""
        totals = range(max(self.shape.least, len(text)), self.shape.most + 1)
        return any(self.tail.startswith(text[max(0, total - len(self.tail)) :]) for total in totals)
