"""Language models that fill gaps: what desunt asks of one, and the table of those it knows."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, TypeAlias, cast

from desunt.record.conjecture import ModelRef
from desunt.record.document import Extent, Letters


@dataclass(frozen=True, slots=True)
class Context:
    """The text round a gap, up to the gap itself: spaces belong to it, surviving letters do not.

    `after` is empty where nobody can know whether the next line continues the gap.
    """

    before: str
    after: str
    extent: Extent | None = None
    letters: Letters = Letters()  # noqa: RUF009 (a frozen value)


@dataclass(frozen=True, slots=True)
class Filling:
    """A proposed text for a gap and its natural-log score by the proposing model.

    The text is what the gap swallowed: surviving letters stand outside it, so that `letters.before + text + letters.after` is whole words.
    """

    text: str
    score: float


class GapModel(Protocol):
    """Propose fillings for a gap, and score given ones; scores are natural logarithms, comparable within one gap."""

    @property
    def ref(self) -> ModelRef: ...

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        """Return up to `limit` fillings a gap, best first; whole words, in the extent where one is known."""
        ...

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return log P(text | context) for each text, up to a constant of the gap."""
        ...


# Load a model by the name it was asked for, with the folder of model files and whether to re-score its proposals.
Loader: TypeAlias = Callable[[str, "Path | None", bool], GapModel]

ENTRY_POINT_GROUP = "desunt.lm"
MODELS = {
    "embedded": "desunt.lm.adapters:load_embedded",
    "causal": "desunt.lm.causal:load_causal",
    "ngram": "desunt.lm.ngram:load_ngram_baseline",
}
# Any other name is that of a Hugging Face masked language model.
HUGGING_FACE_LOADER = "desunt.lm.adapters:load_hugging_face"


def known_models() -> dict[str, str]:
    """Return the models that have names of their own, those of installed plug-ins with them, as `module:function`."""
    return {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)} | MODELS


def load_model(name: str = "embedded", *, models: Path | None = None, rescore: bool = True) -> GapModel:
    """Load a model: `embedded`, `causal`, `ngram`, a plug-in's, or a Hugging Face masked language model by name or folder.

    `models` is the folder with model files; `rescore` has a masked model's proposals scored by the two-sided causal reading. Raises
    DependencyMissing if the model is not on this machine, UsageError if it is of another kind.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Every batch has another shape; without limits oneDNN keeps the code of a thousand of them, and what lies between it and torch keeps
    # it once more: 270 MiB after 75 gaps. One pass needs about ten.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    os.environ.setdefault("LRU_CACHE_CAPACITY", "32")
    module, _, function = known_models().get(name, HUGGING_FACE_LOADER).partition(":")
    loader = cast(Loader, getattr(importlib.import_module(module), function))
    return loader(name, models, rescore)
