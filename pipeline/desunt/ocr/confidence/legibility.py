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
# What a second engine adds; `second_features` measures it. *Apart*: where the two do not read the same letters.
FIRST_FEATURES = (
    "alike", "likeness", "same but case", "second's worst letter", "second's letters", "alike: worst letter", "apart: worst letter",
    "alike: known", "apart: known", "apart: second known", "apart: second's frequency", "apart: second's spelling",
    "apart: second known, first not", "apart: digits", "apart: capitals", "several words", "nothing read", "text detected",
    "alike on the page",
)  # fmt: skip
ALONE_FEATURES = (
    "worst letter", "letters' confidence", "worst letter of a known word", "known", "frequency", "spelling", "spelling of an unknown word",
    "length", "one letter", "digits", "letters", "all capitals", "width a letter", "alike on the page",
)  # fmt: skip
SECOND_FEATURES = (
    *ALONE_FEATURES, "likeness", "same but case", "first's legibility", "first's confidence", "first known", "known, first not",
    "several words", "text detected",
)  # fmt: skip
UNSEEN_FEATURES = (*ALONE_FEATURES, "letters' confidence of the strip", "known share of the strip", "words of the strip")


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic regression over named features."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def __call__(self, features: Numbers) -> Numbers:
        """Return one probability, 0-1, for each row of features (words, features)."""
        if not len(features):
            return np.zeros(0)
        scaled = (features - np.asarray(self.mean)) / np.asarray(self.scale)
        # Beyond four deviations a straight line is a guess about pages never seen.
        logits = np.clip(scaled, -4.0, 4.0) @ np.asarray(self.weights) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))))


@dataclass(frozen=True, slots=True)
class Legibility:
    """What makes probabilities of evidence; `models/legibility.md` says on what it was fitted and how well it does.

    `alone`: an engine's word, by itself. Where a second engine read the same ink, `first` and `second` tell whether the first's word and
    the second's are right; `unseen` tells it of a word that only the second read. Below `threshold_read` a word is better a gap.
    """

    alone: Model
    first: Model
    second: Model
    unseen: Model
    threshold_read: float


# Each model's features, by its name in the file.
MODELS: Mapping[str, tuple[str, ...]] = {
    "alone": FEATURES,
    "first": FEATURES + FIRST_FEATURES,
    "second": SECOND_FEATURES,
    "unseen": UNSEEN_FEATURES,
}


def load_legibility(models: Path | None = None) -> Legibility:
    """Return the fitted models.

    Raises DependencyMissing if their file is absent, damaged or made for other features.
    """
    return _read(model_file("legibility.json", models))


@cache
def _read(path: Path) -> Legibility:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        models = {name: _model(stored["models"][name]) for name in MODELS}
        legibility = Legibility(**models, threshold_read=float(stored["threshold_read"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DependencyMissing(f"{path}: the legibility model is damaged ({error!r})", remedy="Install desunt again") from None
    if any(model.names != MODELS[name] for name, model in models.items()):
        raise DependencyMissing(
            f"{path}: the legibility model was fitted on other features", remedy="Install desunt again, or run models/fit_legibility.py"
        )
    return legibility


def _model(stored: Mapping[str, Any]) -> Model:
    rows = stored["features"]
    return Model(
        tuple(str(row["name"]) for row in rows),
        tuple(float(row["mean"]) for row in rows),
        tuple(float(row["scale"]) for row in rows),
        tuple(float(row["weight"]) for row in rows),
        float(stored["intercept"]),
    )
