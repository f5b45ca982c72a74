"""A gap as it is asked about: the gap, the text round it, and what kind of evidence there is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from desunt.lm import Context
from desunt.record.document import Gap

Channel: TypeAlias = Literal["ink", "garbled"]
CHANNELS: tuple[Channel, ...] = ("ink", "garbled")
# What is known of a gap decides how far its scores can be trusted; each kind is calibrated apart.
GapEvidence: TypeAlias = Literal["ink", "garbled", "length", "neither", "open"]
GAP_EVIDENCE_KINDS: tuple[GapEvidence, ...] = ("ink", "garbled", "length", "neither", "open")
# A transcript often writes a loss twice: `to be able to... [ILLEGIBLE]`.
TRAILING_POINTS = re.compile(r"\s*(?:\.{3,}|…|(?:\. ){2,}\.)\s*$")


@dataclass(frozen=True, slots=True)
class GapQuery:
    """One gap with what is known about it.

    `before` and `after` run up to the gap, spaces included; `channel` says how the gap's engine reading came about.
    """

    gap: Gap
    before: str
    after: str
    channel: Channel = "ink"

    @property
    def context(self) -> Context:
        """Return what a model is shown: no surviving letters (they go apart), no points that only say that something is missing,
        no text after a gap that may run on.
        """
        letters = self.gap.letters
        after = "" if self.gap.continues is None else self.after.removeprefix(letters.after)
        return Context(TRAILING_POINTS.sub(" ", self.before.removesuffix(letters.before)), after, self.gap.extent, letters)

    @property
    def engine_reading(self) -> str:
        """Return the engine's reading, empty where there is none."""
        return (self.gap.engine_reading or "").strip()

    @property
    def engine_readings(self) -> tuple[str, ...]:
        """Return what each engine read there, the gap's own reading first."""
        readings = (self.engine_reading, *(other.strip() for other in self.gap.other_readings))
        return tuple(dict.fromkeys(reading for reading in readings if reading))

    @property
    def evidence_kind(self) -> GapEvidence:
        if self.engine_reading:
            return self.channel
        if self.gap.extent is not None and self.gap.extent.unit != "line":
            return "length"
        return "open" if self.gap.continues is None else "neither"
