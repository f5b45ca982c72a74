"""Which development documents are for fitting and which for measuring: the one place where that is decided.

models/fit_confusion.py and models/fit_calibration.py take `fitting`, `desunt evaluate gaps --split held-out` the rest.
"""

from __future__ import annotations

import hashlib
from typing import Literal, TypeAlias, get_args

from desunt.errors import UsageError

Split: TypeAlias = Literal["all", "fitting", "held-out"]


def for_fitting(document: str) -> bool:
    """Tell whether a document is for fitting: whether the first byte of its name's SHA-256 is even.

    Documents of the same name in two volumes fall on the same side, so no gap of a document that was fitted on is ever measured.
    """
    return hashlib.sha256(document.encode()).digest()[0] % 2 == 0


def belongs(document: str, split: Split) -> bool:
    """Tell whether a document is of the split."""
    return split == "all" or for_fitting(document) == (split == "fitting")


def split_named(name: str) -> Split:
    """Return the split of this name; raises UsageError that lists them."""
    known: tuple[Split, ...] = get_args(Split)
    for split in known:
        if split == name:
            return split
    raise UsageError(f"no split is called {name!r}", remedy=f"It is one of {', '.join(known)}")
