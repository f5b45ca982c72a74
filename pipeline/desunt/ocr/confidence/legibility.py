"""The calibrated probability that a word was read right: by one engine alone, or after a second has looked at it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desunt.errors import DependencyMissing
from desunt.lm.model_files import model_file

# One row a word, one column a feature; or one number a word.
FeatureMatrix = NDArray[np.float64]
# Words of this legibility show what the page's type looks like; one of this legibility shows that the page holds type at all.
TRUSTED_LEGIBILITY, LEGIBLE = 0.8, 0.6
# Beyond so many deviations from the mean a straight line is a guess about pages never seen.
MAX_DEVIATIONS = 4.0
# The evidence in its order; `word_features` measures it.
WORD_FEATURES = (
    "confidence", "confidence squared", "confidence of a known word", "known", "frequency", "spelling", "spelling of an unknown word",
    "length", "one letter", "no letter or digit", "letters", "digits", "number", "odd characters", "mixed case", "all capitals",
    "letters and digits", "marks inside",
)  # fmt: skip
CONTEXT_FEATURES = (
    "confidence of neighbours", "confidence of the line", "known share of the line", "confidence of the page", "known share of the page",
    "words of the line", "height", "width a letter", "ink", "pieces a letter", "specks", "ink beyond the box",
)  # fmt: skip
SINGLE_FEATURES = WORD_FEATURES + CONTEXT_FEATURES
# What a second engine adds; `comparison_features` measures it. *Apart*: where the two do not read the same letters.
COMPARISON_FEATURES = (
    "alike", "likeness", "same but case", "second's worst letter", "second's letters", "alike: worst letter", "apart: worst letter",
    "alike: known", "apart: known", "apart: second known", "apart: second's frequency", "apart: second's spelling",
    "apart: second known, first not", "apart: digits", "apart: capitals", "several words", "nothing read", "text detected",
    "alike on the page",
)  # fmt: skip
RECOGNIZER_FEATURES = (
    "worst letter", "letters' confidence", "worst letter of a known word", "known", "frequency", "spelling", "spelling of an unknown word",
    "length", "one letter", "digits", "letters", "all capitals", "width a letter", "alike on the page",
)  # fmt: skip
SECONDARY_FEATURES = (
    *RECOGNIZER_FEATURES, "likeness", "same but case", "first's legibility", "first's confidence", "first known", "known, first not",
    "several words", "text detected",
)  # fmt: skip
RECOVERED_FEATURES = (*RECOGNIZER_FEATURES, "letters' confidence of the strip", "known share of the strip", "words of the strip")


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """A logistic regression over named features."""

    feature_names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def predict_proba(self, features: FeatureMatrix) -> FeatureMatrix:
        """Return one probability, 0-1, for each row of features (words, features)."""
        if not len(features):
            return np.zeros(0)
        scaled = (features - np.asarray(self.mean)) / np.asarray(self.scale)
        logits = np.clip(scaled, -MAX_DEVIATIONS, MAX_DEVIATIONS) @ np.asarray(self.weights) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))))


@dataclass(frozen=True, slots=True)
class Legibility:
    """What makes probabilities of evidence; `models/legibility.md` says on what it was fitted and how well it does.

    `single`: an engine's word, by itself. Where a second engine read the same ink, `primary` and `secondary` tell whether the first's word
    and the second's are right; `recovered` tells it of a word that only the second read. Below `threshold_read` a word is better a gap.
    """

    single: LogisticRegression
    primary: LogisticRegression
    secondary: LogisticRegression
    recovered: LogisticRegression
    threshold_read: float


# Each model's features, by its name in the file.
MODEL_FEATURES: Mapping[str, tuple[str, ...]] = {
    "single": SINGLE_FEATURES,
    "primary": SINGLE_FEATURES + COMPARISON_FEATURES,
    "secondary": SECONDARY_FEATURES,
    "recovered": RECOVERED_FEATURES,
}


def load_legibility(models: Path | None = None) -> Legibility:
    """Return the fitted models.

    Raises DependencyMissing if their file is absent, damaged or made for other features.
    """
    return _read_models(model_file("legibility.json", models))


@cache
def _read_models(path: Path) -> Legibility:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        models = {name: _read_model(stored["models"][name]) for name in MODEL_FEATURES}
        legibility = Legibility(**models, threshold_read=float(stored["threshold_read"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DependencyMissing(f"{path}: the legibility model is damaged ({error!r})", remedy="Install desunt again") from None
    if any(model.feature_names != MODEL_FEATURES[name] for name, model in models.items()):
        raise DependencyMissing(
            f"{path}: the legibility model was fitted on other features",
            remedy="Install desunt again, or run: python -m training.fit_legibility",
        )
    return legibility


def _read_model(stored: Mapping[str, Any]) -> LogisticRegression:
    rows = stored["features"]
    return LogisticRegression(
        tuple(str(row["name"]) for row in rows),
        tuple(float(row["mean"]) for row in rows),
        tuple(float(row["scale"]) for row in rows),
        tuple(float(row["weight"]) for row in rows),
        float(stored["intercept"]),
    )
