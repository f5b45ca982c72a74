"""Fill several masks at once: a beam that reads each piece given those already filled, so that its scores are joint probabilities.

The fill-mask pipeline gives marginals, whose product is no probability of the whole. Here P(p1..pk | context) is the product of
P(pi | context, p1..pi-1, the later masks): the chain rule under a left-to-right order, which is one consistent joint distribution
(Brooks et al. 2024, arXiv 2402.15020, on when masked models may be searched so).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.lm.gap_constraint import Allowed, Shape, grown, log_prior, piece_counts
from desunt.lm.vocabulary import Pieces

Ids: TypeAlias = tuple[int, ...]
# log P(number of pieces | number of words at least and at most).
Prior: TypeAlias = Callable[[int, tuple[int, int]], float]


@dataclass(frozen=True, slots=True)
class Breadth:
    """How widely to search: beams a number of pieces, pieces tried for the last mask, and nats a beam may lie below the best filling.

    A beam that lies far below cannot come back: every further piece lowers it.
    """

    beams: int = 12
    last: int = 120
    margin: float = 9.0


# A gap that holds a word needs less searching than one that holds several.
WIDE, NARROW = Breadth(), Breadth(8, 100, 8.0)


@dataclass(frozen=True, slots=True)
class Slots:
    """A row of `count` masks between two texts, the first of them filled; what is asked is the next one."""

    left: Ids
    filled: Ids
    count: int
    right: Ids


class MaskReader(Protocol):
    """A model that reads both sides of a mask."""

    @property
    def pieces(self) -> Pieces: ...

    def read(self, slots: Sequence[Slots]) -> NDArray[np.float32]:
        """Return log P(piece) for the first mask that is not filled, (slots, vocabulary)."""
        ...


@dataclass(frozen=True, slots=True)
class Beam:
    """A filling on its way: its pieces, what they spell, and the log probability so far, the prior of its length with it."""

    count: int
    filled: Ids
    text: str
    score: float


def fill(
    reader: MaskReader, left: Ids, right: Ids, shape: Shape, prior: Prior = log_prior, breadth: Breadth | None = None
) -> dict[str, float]:
    """Return whole texts that fit between left and right with their log probabilities.

    A text that comes about in several ways (other pieces, another number of them) has their sum.
    """
    allowed, whole = Allowed(shape, reader.pieces), dict[str, float]()
    breadth = breadth or (NARROW if shape.short else WIDE)
    beams = [Beam(count, (), "", prior(count, shape.words)) for count in piece_counts(shape)]
    while beams:
        rows = reader.read([Slots(left, beam.filled, beam.count, right) for beam in beams])
        grown_beams: list[Beam] = []
        for beam, row in zip(beams, rows, strict=True):
            last = len(beam.filled) + 1 == beam.count
            longer = _grow(beam, row, allowed, reader.pieces, breadth.last if last else breadth.beams, last=last)
            if last:
                _collect(longer, shape, whole, lower=reader.pieces.lower)
            else:
                grown_beams += longer
        beams = _keep(grown_beams, max(whole.values(), default=-math.inf) - breadth.margin, breadth.beams)
    return whole


def _grow(beam: Beam, row: NDArray[np.float32], allowed: Allowed, pieces: Pieces, limit: int, *, last: bool) -> list[Beam]:
    best = allowed.best(row, beam.text, limit, last=last)
    return [Beam(beam.count, (*beam.filled, n), grown(beam.text, n, pieces), beam.score + float(row[n])) for n in best]


def _collect(beams: Sequence[Beam], shape: Shape, whole: dict[str, float], *, lower: bool) -> None:
    for beam in beams:
        if shape.fits(beam.text, lower=lower):
            whole[beam.text] = float(np.logaddexp(whole.get(beam.text, -np.inf), beam.score))


def _keep(beams: list[Beam], floor: float, width: int) -> list[Beam]:
    """Keep the best beams of every number of pieces; ties go to the pieces' numbers."""
    kept: list[Beam] = []
    for count in sorted({beam.count for beam in beams}):
        alike = sorted((b for b in beams if b.count == count and b.score > floor), key=lambda b: (-b.score, b.filled))
        kept += alike[:width]
    return kept


def joint(reader: MaskReader, left: Ids, right: Ids, fillings: Sequence[Ids]) -> list[float]:
    """Return log P(pieces | their number, both sides) of each filling by the chain rule; what they share is read once."""
    wanted = {(filling[:place], len(filling)): None for filling in fillings for place in range(len(filling))}
    rows = reader.read([Slots(left, filled, count, right) for filled, count in wanted])
    row_of = dict(zip(wanted, rows, strict=True))
    return [sum(float(row_of[f[:place], len(f)][f[place]]) for place in range(len(f))) for f in fillings]
