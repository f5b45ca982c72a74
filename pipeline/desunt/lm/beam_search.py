"""Fill several masks at once: a beam that reads each token given those already filled, so that its scores are joint probabilities.

The fill-mask pipeline gives marginals, whose product is no probability of the whole. Here P(t1..tk | context) is the product of
P(ti | context, t1..ti-1, the later masks): the chain rule under a left-to-right order, which is one consistent joint distribution
(Brooks et al. 2024, arXiv 2402.15020, on when masked models may be searched so).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from desunt.lm.gap_constraint import GapConstraint, TokenMask, append_token, log_prior, token_counts
from desunt.lm.vocabulary import Vocabulary

TokenIds: TypeAlias = tuple[int, ...]
# log P(number of tokens | number of words at least and at most).
Prior: TypeAlias = Callable[[int, tuple[int, int]], float]


@dataclass(frozen=True, slots=True)
class BeamConfig:
    """How widely to search: beams a number of tokens, tokens tried for the last mask, and nats a beam may lie below the best filling.

    A beam that lies far below cannot come back: every further token lowers it.
    """

    num_beams: int = 12
    last_expansions: int = 120
    margin: float = 9.0


# A gap that holds a word needs less searching than one that holds several.
WIDE_BEAM, NARROW_BEAM = BeamConfig(), BeamConfig(8, 100, 8.0)


@dataclass(frozen=True, slots=True)
class MaskedSpan:
    """A row of `count` masks between two texts, the first of them filled; what is asked is the next one."""

    left: TokenIds
    filled: TokenIds
    count: int
    right: TokenIds


class MaskPredictor(Protocol):
    """A model that reads both sides of a mask."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    def predict(self, spans: Sequence[MaskedSpan]) -> NDArray[np.float32]:
        """Return log P(token) for the first mask that is not filled, (spans, vocabulary)."""
        ...


@dataclass(frozen=True, slots=True)
class SpanHypothesis:
    """A filling on its way: its tokens, what they spell, and the log probability so far, the prior of its length with it."""

    count: int
    filled: TokenIds
    text: str
    score: float


def beam_search(
    predictor: MaskPredictor,
    left: TokenIds,
    right: TokenIds,
    constraint: GapConstraint,
    prior: Prior = log_prior,
    config: BeamConfig | None = None,
) -> dict[str, float]:
    """Return whole texts that fit between left and right with their log probabilities.

    A text that comes about in several ways (other tokens, another number of them) has their sum.
    """
    token_mask, scores = TokenMask(constraint, predictor.vocabulary), dict[str, float]()
    config = config or (NARROW_BEAM if constraint.is_short else WIDE_BEAM)
    beams = [SpanHypothesis(count, (), "", prior(count, constraint.word_range)) for count in token_counts(constraint)]
    while beams:
        rows = predictor.predict([MaskedSpan(left, beam.filled, beam.count, right) for beam in beams])
        expanded: list[SpanHypothesis] = []
        for beam, row in zip(beams, rows, strict=True):
            last = len(beam.filled) + 1 == beam.count
            longer = _expand(beam, row, token_mask, config.last_expansions if last else config.num_beams, last=last)
            if last:
                _finish(longer, token_mask, scores)
            else:
                expanded += longer
        beams = _prune(expanded, max(scores.values(), default=-math.inf) - config.margin, config.num_beams)
    return scores


def _expand(beam: SpanHypothesis, row: NDArray[np.float32], token_mask: TokenMask, limit: int, *, last: bool) -> list[SpanHypothesis]:
    return [
        SpanHypothesis(
            beam.count, (*beam.filled, token), append_token(beam.text, token, token_mask.vocabulary), beam.score + float(row[token])
        )
        for token in token_mask.top_k(row, beam.text, limit, last=last)
    ]


def _finish(beams: Sequence[SpanHypothesis], token_mask: TokenMask, scores: dict[str, float]) -> None:
    for beam in beams:
        if token_mask.fits(beam.text):
            scores[beam.text] = float(np.logaddexp(scores.get(beam.text, -np.inf), beam.score))


def _prune(beams: list[SpanHypothesis], floor: float, width: int) -> list[SpanHypothesis]:
    """Keep the best beams of every number of tokens; ties go to the tokens' numbers."""
    best: list[SpanHypothesis] = []
    for count in sorted({beam.count for beam in beams}):
        alike = sorted((b for b in beams if b.count == count and b.score > floor), key=lambda b: (-b.score, b.filled))
        best += alike[:width]
    return best
