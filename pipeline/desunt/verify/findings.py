"""What a proof finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Breach:
    """Something is not what it must be: in which file, at what place in it, and what."""

    file: str
    place: str
    problem: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A document whose run has not ended: nothing is proved about what is not there yet."""

    file: str
    problem: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that could not be checked, and why."""

    file: str
    place: str
    problem: str


Finding: TypeAlias = Breach | Unfinished | Remark
