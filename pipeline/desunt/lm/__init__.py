"""Language models that fill gaps: what desunt asks of one, and the table of those it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from desunt.conjecture import ModelRef
from desunt.document import Extent, Letters


@dataclass(frozen=True, slots=True)
class Context:
    """The text round a gap, up to the gap itself: spaces belong to it, surviving letters do not.

    `after` is empty where nobody can know whether the next line continues the gap.
    """

    before: str
    after: str
    extent: Extent | None = None
    letters: Letters = Letters()


@dataclass(frozen=True, slots=True)
class Filling:
    """A proposed text for a gap and its natural-log score by the proposing model."""

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
