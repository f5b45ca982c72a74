"""How well a score finds misread words: rank measures and calibration, in plain numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Truths = NDArray[np.float64]
Flags = NDArray[np.bool_]


def auroc(wrong: Flags, score: Numbers) -> float:
    """Return the chance that a wrong word scores higher than a right one; ties count half."""
    values, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place] if len(values) else np.zeros(0)
    positive, negative = int(wrong.sum()), int((~wrong).sum())
    if not positive or not negative:
        return float("nan")
    return float((ranks[wrong].sum() - positive * (positive + 1) / 2) / (positive * negative))


def average_precision(wrong: Flags, score: Numbers) -> float:
    """Return the mean over wrong words of the precision at their place; equal scores share the precision behind the last of them."""
    if not wrong.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.searchsorted(-ordered, -ordered, side="right") - 1
    precision = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    return float(precision[last][wrong[order]].mean())


def calibration_error(right: Truths, chance: Numbers, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width."""
    place = np.minimum((chance * bins).astype(int), bins - 1)
    return float(sum(abs(right[place == k].mean() - chance[place == k].mean()) * (place == k).mean() for k in np.unique(place)))


def found_at(wrong: Flags, score: Numbers, alarms: float = 0.05) -> float:
    """Return the share of wrong words found when this share of right words raises a false alarm."""
    if not wrong.any() or wrong.all():
        return float("nan")
    return float(np.mean(score[wrong] > np.quantile(score[~wrong], 1 - alarms)))


def threshold(wrong: Flags, chance: Numbers, least_wrong: float, width: float = 0.1) -> float:
    """Return the highest threshold, to 0.01 and at most 0.5, such that of the words just below it at least this share is wrong."""
    for least in np.arange(0.5, 0.0, -0.01):
        just_below = (chance < least) & (chance >= least - width)
        if just_below.sum() >= 20 and wrong[just_below].mean() >= least_wrong:
            return round(float(least), 2)
    return 0.0
