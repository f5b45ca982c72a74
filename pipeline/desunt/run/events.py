"""What a run tells while it goes on, and how it ended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from desunt.errors import ExitCode

# What differs between two failures for the same reason: names of files, numbers.
OWN = re.compile(r"\S*/\S+|\S*\d\S*")


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run tells whoever watches it: one event a page or document."""

    event: str  # "planned", "page", "skipped", "failed", "document"
    name: str
    number: int = 0
    problem: str = ""
    pages: int = 0


@dataclass(slots=True)
class Summary:
    """How a run ended."""

    pages: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    documents: int = 0
    unreadable: int = 0
    stopped: str = ""
    broken: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """Return DONE, DEPENDENCY if the machine stopped the run, USAGE if no input at all could be read, else SOME_FAILED."""
        if self.broken:
            return ExitCode.DEPENDENCY
        if not self.pages["failed"]:
            return ExitCode.DONE
        return ExitCode.USAGE if self.unreadable == self.documents else ExitCode.SOME_FAILED


Watch = Callable[[Progress], None]


def pages_unread(number: int) -> str:
    """Say on how many pages nothing was read."""
    return f"{number:,} page{'' if number == 1 else 's'} with nothing read"


def reason_of(problem: str) -> str:
    """Return what a problem has in common with others of its kind: its first sentence without names and numbers."""
    sentence = problem.split(". ", maxsplit=1)[0]
    words = OWN.sub("#", sentence.rpartition(": ")[2] if ": " in sentence else sentence)
    return re.sub(r"(# ?)+", "# ", words).strip(" #,;:()") or sentence
