"""From scores to probabilities: fitted weights for the factors, and the probability that the truth is none of the candidates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from desunt.errors import WallBroken
from desunt.record.conjecture import PLACES
from desunt.restore.gap_query import KINDS, Kind

# (words from, the most all candidates may have together)
MOST_MASS = ((5.5, 0.05), (2.5, 0.30), (0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Factors:
    """What speaks for one filling, each a natural logarithm: the text on both sides, the proposing model, the words next to it as they
    are counted, ink, length, frequency; and two signs: `changed`, 1 if it is not the doubted reading itself, and `known`, less the
    number of its words that nothing knows.
    """

    context: float
    proposal: float
    phrase: float
    ink: float
    length: float
    lexicon: float
    changed: float = 0.0
    known: float = 0.0


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted numbers of one kind of gap: a weight a factor (the temperature is in them), and the logistic regression for none of these."""

    weights: Factors
    none: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fits by kind of gap, and the model they were fitted for."""

    model: str
    fits: Mapping[Kind, Fit]

    def probabilities(self, kind: Kind, rows: Sequence[Factors], words: float) -> tuple[list[float], float]:
        """Return the probability of each filling, and that of none of them; together they are 1."""
        fit = self.fits[kind]
        shares = softmax([weighted(fit.weights, row) for row in rows])
        none = logistic(sum(w * x for w, x in zip(fit.none, signs(shares, words), strict=True)))
        return [(1.0 - none) * share for share in shares], none


def mass_of(words: float) -> float:
    """Return the most that all candidates together may have for a gap of so many words.

    Few gaps of several words could be fitted on: of three to five words 10% were found among twenty (n = 10, interval 0-30%), of
    more none was tried. The upper end of what was measured is the most that is claimed.
    """
    return next(mass for least, mass in MOST_MASS if words >= least)


def at_most(mass: float, probabilities: Sequence[float]) -> list[float]:
    """Return the probabilities, scaled down if together they exceed the mass."""
    total = sum(probabilities)
    return [p * mass / total for p in probabilities] if total > mass else list(probabilities)


def weighted(weights: Factors, row: Factors) -> float:
    """Return the log-linear score of one filling."""
    return float(sum(w * x for w, x in zip(astuple(weights), astuple(row), strict=True)))


def softmax(scores: Sequence[float]) -> list[float]:
    """Return shares of 1 in proportion to exp(score)."""
    top = max(scores)
    raised = [math.exp(score - top) for score in scores]
    total = sum(raised)
    return [value / total for value in raised]


def logistic(x: float) -> float:
    """Return 1 / (1 + exp(-x)), safe for large x of either sign."""
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def signs(shares: Sequence[float], words: float) -> tuple[float, float, float, float]:
    """Return what tells that the truth is missing: 1, the lead of the first (log odds), the entropy in nats, log words."""
    first = min(max(shares, default=0.0) * (1.0 - 1e-6) + 5e-7, 1.0 - 5e-7)
    entropy = -sum(share * math.log(share) for share in shares if share > 0)
    return 1.0, math.log(first / (1.0 - first)), entropy, math.log(max(words, 1.0))


def rounded(probabilities: Sequence[float]) -> tuple[tuple[float, ...], float]:
    """Return the probabilities cut to `PLACES` places, and the rest of 1: none is rounded up, so they never exceed 1."""
    kept = tuple(math.floor(p * 10**PLACES + 1e-6) / 10**PLACES for p in probabilities)
    return kept, max(0.0, round(1.0 - sum(kept), PLACES))


def read_calibration(path: Path, model: str) -> Calibration:
    """Read the fits for the model; a model that was never fitted takes those named `other`, which trust scores less.

    Raises WallBroken if the file is not what `models/fit_calibration.py` writes.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["models"]
        name = model if model in table else "other"
        fits = {kind: _fit(table[name][kind]) for kind in KINDS}
    except (KeyError, TypeError, ValueError) as error:
        raise WallBroken(f"{path}: no calibration ({error})", remedy="Run models/fit_calibration.py") from None
    return Calibration(name, fits)


def _fit(row: Mapping[str, object]) -> Fit:
    weights, none = row["weights"], row["none"]
    if not isinstance(weights, dict) or not isinstance(none, list):
        raise TypeError("weights must be an object and none a list")
    return Fit(Factors(**{name: float(value) for name, value in weights.items()}), tuple(float(value) for value in none))
