"""The calibrated probability that an engine's word is right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desunt.errors import DependencyMissing
from desunt.places import model_file

Numbers = NDArray[np.float64]
# The evidence in its order; `word_features` measures it.
WORD_FEATURES = (
    "confidence", "confidence squared", "confidence of a known word", "known", "frequency", "spelling", "spelling of an unknown word",
    "length", "one letter", "no letter or digit", "letters", "digits", "number", "odd characters", "mixed case", "all capitals",
    "letters and digits", "marks inside",
)  # fmt: skip
PLACE_FEATURES = (
    "confidence of neighbours", "confidence of the line", "known share of the line", "confidence of the page", "known share of the page",
    "words of the line", "height", "width a letter", "ink", "pieces a letter", "specks", "ink beyond the box",
)  # fmt: skip
FEATURES = WORD_FEATURES + PLACE_FEATURES


@dataclass(frozen=True, slots=True)
class Legibility:
    """A logistic regression over `word_features`; `threshold_read` is the probability below which a word is better a gap.

    `models/legibility.md` says on what it was fitted and how well it does.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    threshold_read: float

    def probability(self, features: Numbers) -> Numbers:
        """Return one probability, 0-1, for each row of features (words, features)."""
        if not len(features):
            return np.zeros(0)
        scaled = (features - np.asarray(self.mean)) / np.asarray(self.scale)
        # Beyond four deviations a straight line is a guess about pages never seen.
        logits = np.clip(scaled, -4.0, 4.0) @ np.asarray(self.weights) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))))


def load_legibility(models: Path | None = None) -> Legibility:
    """Return the fitted model.

    Raises DependencyMissing if its file is absent, damaged or made for other features.
    """
    return _read(model_file("legibility.json", models))


@cache
def _read(path: Path) -> Legibility:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        rows = stored["features"]
        names = tuple(str(row["name"]) for row in rows)
        model = Legibility(
            names,
            tuple(float(row["mean"]) for row in rows),
            tuple(float(row["scale"]) for row in rows),
            tuple(float(row["weight"]) for row in rows),
            float(stored["intercept"]),
            float(stored["threshold_read"]),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DependencyMissing(f"{path}: the legibility model is damaged ({error!r})", remedy="Install desunt again") from None
    if names != FEATURES:
        raise DependencyMissing(
            f"{path}: the legibility model was fitted on other features", remedy="Install desunt again, or run models/fit_legibility.py"
        )
    return model
