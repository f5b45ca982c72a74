"""What a run tells while it goes on, and how it ended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from desunt.errors import ExitCode

EventKind: TypeAlias = Literal["planned", "page", "skipped", "failed", "would read", "document"]

# What differs between two failures for the same reason: names of files, numbers.
VARIABLE_PARTS = re.compile(r"\S*/\S+|\S*\d\S*")


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """What a run tells whoever watches it: one event a page or document."""

    event: EventKind
    name: str
    number: int = 0
    problem: str = ""
    pages: int = 0


@dataclass(slots=True)
class RunSummary:
    """How a run ended."""

    pages: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    documents: int = 0
    unreadable_documents: int = 0
    stop_reason: str = ""
    system_failed: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """Return DONE, DEPENDENCY if the machine stopped the run, USAGE if no input at all could be read, else SOME_FAILED."""
        if self.system_failed:
            return ExitCode.DEPENDENCY
        if not self.pages["failed"]:
            return ExitCode.DONE
        return ExitCode.USAGE if self.unreadable_documents == self.documents else ExitCode.SOME_FAILED


ProgressCallback: TypeAlias = Callable[[ProgressEvent], None]


def describe_unread_pages(number: int) -> str:
    """Say on how many pages nothing was read."""
    return f"{number:,} page{'' if number == 1 else 's'} with nothing read"


def failure_category(problem: str) -> str:
    """Return what a problem has in common with others of its kind: its first sentence without names and numbers."""
    sentence = problem.split(". ", maxsplit=1)[0]
    common = VARIABLE_PARTS.sub("#", sentence.rpartition(": ")[2])
    return re.sub(r"(# ?)+", "# ", common).strip(" #,;:()") or sentence
