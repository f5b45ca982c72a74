"""From scores to probabilities: fitted weights for the features, and the probability that the truth is none of the candidates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from desunt.errors import IntegrityError
from desunt.record.conjecture import PROBABILITY_DECIMALS
from desunt.restore.gap_query import GAP_EVIDENCE_KINDS, GapEvidence

# (words from, the most all candidates may have together)
MAX_MASS_BY_WORDS = ((5.5, 0.05), (2.5, 0.30), (0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for one filling, each a natural logarithm: the text on both sides, the proposing model, the n-gram model, the engine's
    reading, length, frequency; and two numbers: `differs_from_reading`, 1 if it is not the doubted reading itself, and `oov_words`, less
    the number of its words that nothing knows.
    """

    context: float
    proposal: float
    ngram: float
    reading: float
    length: float
    lexicon: float
    differs_from_reading: float = 0.0
    oov_words: float = 0.0


@dataclass(frozen=True, slots=True)
class FittedWeights:
    """Fitted numbers of one kind of gap: a weight a feature (the temperature is in them), and the logistic regression for none of these."""

    weights: Features
    none_weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fits by kind of gap, and the model they were fitted for."""

    model: str
    fits: Mapping[GapEvidence, FittedWeights]

    def probabilities(self, kind: GapEvidence, rows: Sequence[Features], words: float) -> tuple[list[float], float]:
        """Return the probability of each filling, and that of none of them; together they are 1."""
        fit = self.fits[kind]
        shares = softmax([log_linear_score(fit.weights, row) for row in rows])
        none = logistic(sum(w * x for w, x in zip(fit.none_weights, none_features(shares, words), strict=True)))
        return [(1.0 - none) * share for share in shares], none


def max_mass(words: float) -> float:
    """Return the most that all candidates together may have for a gap of so many words.

    Few gaps of several words could be fitted on: of three to five words 10% were found among twenty (n = 10, interval 0-30%), of
    more none was tried. The upper end of what was measured is the most that is claimed.
    """
    return next(mass for least, mass in MAX_MASS_BY_WORDS if words >= least)


def cap_mass(mass: float, probabilities: Sequence[float]) -> list[float]:
    """Return the probabilities, scaled down if together they exceed the mass."""
    total = sum(probabilities)
    return [p * mass / total for p in probabilities] if total > mass else list(probabilities)


def log_linear_score(weights: Features, row: Features) -> float:
    """Return the log-linear score of one filling."""
    return float(sum(w * x for w, x in zip(astuple(weights), astuple(row), strict=True)))


def softmax(scores: Sequence[float]) -> list[float]:
    """Return shares of 1 in proportion to exp(score)."""
    top = max(scores)
    exponentials = [math.exp(score - top) for score in scores]
    total = sum(exponentials)
    return [value / total for value in exponentials]


def logistic(x: float) -> float:
    """Return 1 / (1 + exp(-x)), safe for large x of either sign."""
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def none_features(shares: Sequence[float], words: float) -> tuple[float, float, float, float]:
    """Return what tells that the truth is missing: 1, the lead of the first (log odds), the entropy in nats, log words."""
    top_share = min(max(shares, default=0.0) * (1.0 - 1e-6) + 5e-7, 1.0 - 5e-7)
    entropy = -sum(share * math.log(share) for share in shares if share > 0)
    return 1.0, math.log(top_share / (1.0 - top_share)), entropy, math.log(max(words, 1.0))


def round_down(probabilities: Sequence[float]) -> tuple[tuple[float, ...], float]:
    """Return the probabilities cut to PROBABILITY_DECIMALS, and the rest of 1: none is rounded up, so they never exceed 1."""
    cut = tuple(math.floor(p * 10**PROBABILITY_DECIMALS + 1e-6) / 10**PROBABILITY_DECIMALS for p in probabilities)
    return cut, max(0.0, round(1.0 - sum(cut), PROBABILITY_DECIMALS))


def read_calibration(path: Path, model: str) -> Calibration:
    """Read the fits for the model; a model that was never fitted takes those named `other`, which trust scores less.

    Raises IntegrityError if the file is not what `training/fit_calibration.py` writes.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["models"]
        name = model if model in table else "other"
        fits = {kind: _fitted_weights(table[name][kind]) for kind in GAP_EVIDENCE_KINDS}
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{path}: no calibration ({error})", remedy="Run training/fit_calibration.py") from None
    return Calibration(name, fits)


def _fitted_weights(row: Mapping[str, object]) -> FittedWeights:
    weights, none_weights = row["weights"], row["none_weights"]
    if not isinstance(weights, dict) or not isinstance(none_weights, list):
        raise TypeError("weights must be an object and none_weights a list")
    return FittedWeights(Features(**{name: float(value) for name, value in weights.items()}), tuple(map(float, none_weights)))
