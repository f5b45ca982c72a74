"""Which development documents are for fitting (`dev`) and which for measuring (`test`): the one place where that is decided.

The scripts that fit something take `dev`, `desunt evaluate gaps --split test` the rest.
"""

from __future__ import annotations

import hashlib
from typing import Literal, TypeAlias, get_args

from desunt.errors import UsageError

Split: TypeAlias = Literal["all", "dev", "test"]
# What the splits were called before; still understood.
OLD_NAMES: dict[str, Split] = {"fitting": "dev", "held-out": "test"}


def is_for_fitting(document: str) -> bool:
    """Tell whether a document is for fitting: whether the first byte of its name's SHA-256 is even.

    Documents of the same name in two volumes fall on the same side, so no gap of a document that was fitted on is ever measured.
    """
    return hashlib.sha256(document.encode()).digest()[0] % 2 == 0


def is_in_split(document: str, split: Split) -> bool:
    """Tell whether a document is of the split."""
    return split == "all" or is_for_fitting(document) == (split == "dev")


def parse_split(name: str) -> Split:
    """Return the split of this name; raises UsageError that lists them."""
    splits: dict[str, Split] = {split: split for split in get_args(Split)} | OLD_NAMES
    if name not in splits:
        raise UsageError(f"no split is called {name!r}", remedy=f"It is one of {', '.join(splits)}")
    return splits[name]
