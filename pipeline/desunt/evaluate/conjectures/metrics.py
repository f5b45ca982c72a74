"""How good ranked candidates and their probabilities are: hits, error, calibration, risk against coverage, with their intervals."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desunt.lm.length import count_graphemes
from desunt.lm.lexicon import OUTER_PUNCTUATION
from desunt.record.conjecture import Candidate

Reals = NDArray[np.float64]

ECE_BINS = 15
BOOTSTRAP_DRAWS = 1000
SEED = 1
# Tasks whose answers are any run of characters, spaces and punctuation at their ends among them.
EXACT_TASKS = ("span1-10",)
WHITESPACE = " \t\r\n\u00a0\u2009\u202f"


@dataclass(frozen=True, slots=True)
class GapScore:
    """What became of one gap: rank of the truth from 1 (None: not among the candidates), probability of the first candidate,
    edits between it and the truth, the truth's length in letters, and whether no reading was offered.
    """

    task: str
    rank: int | None
    probability: float
    edits: int
    letters: int
    refused: bool

    @property
    def right(self) -> bool:
        return self.rank == 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value with its 95% bootstrap interval."""

    value: float
    low: float
    high: float


def comparison_form(text: str, task: str) -> str:
    """Return what counts of a text: case folded, outer punctuation and spaces off unless the task is exact or there is nothing else."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return folded if task in EXACT_TASKS else folded.strip(OUTER_PUNCTUATION + "…" + WHITESPACE) or folded.strip()


def score_answer(task: str, answer: str, candidates: Sequence[Candidate], *, refused: bool) -> GapScore:
    """Compare candidates with the truth.

    Candidates that do not differ in what counts are one: it has the place of the first of them and the sum of their probabilities.
    Without any candidate the gap is missed at probability 0, all its letters wrong.
    """
    from rapidfuzz.distance import Levenshtein

    masses: dict[str, float] = {}
    for candidate in candidates:
        text = comparison_form(candidate.text, task)
        masses[text] = masses.get(text, 0.0) + candidate.probability
    ranked, truth = list(masses), comparison_form(answer, task)
    rank = ranked.index(truth) + 1 if truth in masses else None
    first = ranked[0] if ranked else ""
    return GapScore(task, rank, min(1.0, masses.get(first, 0.0)), Levenshtein.distance(first, truth), count_graphemes(truth), refused)


def hits_at(scores: Sequence[GapScore], rank: int) -> Reals:
    """Return 1 for each gap whose truth is among the first `rank` candidates, else 0."""
    return np.array([float(s.rank is not None and s.rank <= rank) for s in scores])


def reciprocal_ranks(scores: Sequence[GapScore]) -> Reals:
    return np.array([1.0 / s.rank if s.rank else 0.0 for s in scores])


def brier(scores: Sequence[GapScore]) -> Reals:
    """Return for each gap the squared difference between the first candidate's probability and its being right."""
    return np.array([(s.probability - s.right) ** 2 for s in scores])


def mean(values: Reals) -> float:
    return float(values.mean())


def bootstrap_interval(size: int, statistic: Callable[[NDArray[np.int64]], float]) -> Estimate:
    """Return the statistic of all gaps (it is given their indices) and the middle 95% of it over resampled sets of gaps.

    Sets for which the statistic is not defined (NaN: none of what it is about was drawn) are left out.
    """
    random = np.random.default_rng(SEED)
    drawn = [statistic(random.integers(0, size, size)) for _ in range(BOOTSTRAP_DRAWS)]
    defined = [value for value in drawn if not np.isnan(value)] or [np.nan]
    low, high = np.quantile(defined, [0.025, 0.975])
    return Estimate(statistic(np.arange(size)), float(low), float(high))


def mean_estimate(values: Reals) -> Estimate:
    """Return the mean over gaps with its interval."""
    return bootstrap_interval(len(values), lambda indices: mean(values[indices]))


def edits_and_lengths(scores: Sequence[GapScore]) -> tuple[Reals, Reals]:
    """Return the edits and the lengths; the rate is the sum of the one over the sum of the other."""
    return np.array([float(s.edits) for s in scores]), np.array([float(s.letters) for s in scores])


def expected_calibration_error(probabilities: Reals, right: Reals, bins: int = ECE_BINS) -> float:
    """Return the expected calibration error: bins of equal mass by probability, the mean distance of confidence and accuracy.

    Naeini et al. 2015, with bins of equal mass as in Nixon et al. 2019.
    """
    parts = equal_mass_bins(probabilities, right, bins)
    return sum(n * abs(confidence - accuracy) for confidence, accuracy, n in parts) / len(probabilities)


def equal_mass_bins(probabilities: Reals, right: Reals, bins: int = ECE_BINS) -> list[tuple[float, float, int]]:
    """Return for each bin of equal mass the mean probability, the share that is right, and the number of gaps."""
    order, accuracy = np.argsort(probabilities, kind="stable"), accuracy_by_probability(probabilities, right)
    parts = [part for part in np.array_split(order, min(bins, len(order))) if len(part)]
    return [(float(probabilities[part].mean()), float(accuracy[part].mean()), len(part)) for part in parts]


def accuracy_by_probability(probabilities: Reals, right: Reals) -> Reals:
    """Return for each gap the mean rightness of those with its probability: no figure depends on the order of equals."""
    _, value_index, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    accuracy: Reals = (np.bincount(value_index, weights=right) / counts)[value_index]
    return accuracy


def ideal_ece(probabilities: Reals, draws: int = 500) -> float:
    """Return the calibration error that perfectly calibrated probabilities of these values show on average: chance alone, at this n."""
    random = np.random.default_rng(SEED)
    draws_right = (random.random(len(probabilities)) < probabilities for _ in range(draws))
    return float(np.mean([expected_calibration_error(probabilities, right.astype(np.float64)) for right in draws_right]))


def risk_coverage(probabilities: Reals, right: Reals) -> Reals:
    """Return the share that is wrong among the 1, 2, ... n surest."""
    order = np.argsort(-probabilities, kind="stable")
    errors: Reals = np.cumsum(1.0 - accuracy_by_probability(probabilities, right)[order]) / np.arange(1, len(order) + 1)
    return errors


def area_under_risk_coverage(probabilities: Reals, right: Reals) -> float:
    """Return the area under the risk-coverage curve: the error among the surest, averaged over shares kept (Geifman & El-Yaniv 2017)."""
    return float(risk_coverage(probabilities, right).mean())
