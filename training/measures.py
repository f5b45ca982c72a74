"""How well a score finds misread words: rank measures and calibration, in plain numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from desunt.evaluate.detection.measure import auroc, average_precision, found_at

__all__ = ["auroc", "average_precision", "calibration_error", "found_at", "threshold"]

Numbers = NDArray[np.float64]
Truths = NDArray[np.float64]
Flags = NDArray[np.bool_]


def calibration_error(right: Truths, chance: Numbers, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width."""
    place = np.minimum((chance * bins).astype(int), bins - 1)
    return float(sum(abs(right[place == k].mean() - chance[place == k].mean()) * (place == k).mean() for k in np.unique(place)))


def threshold(wrong: Flags, chance: Numbers, least_wrong: float, width: float = 0.1) -> float:
    """Return the highest threshold, to 0.01 and at most 0.5, such that of the words just below it at least this share is wrong."""
    for least in np.arange(0.5, 0.0, -0.01):
        just_below = (chance < least) & (chance >= least - width)
        if just_below.sum() >= 20 and wrong[just_below].mean() >= least_wrong:
            return round(float(least), 2)
    return 0.0
