"""The exceptions of desunt and the exit codes they end a command with.

DesuntError              1
+-- UsageError           2
+-- InputError           2
|   +-- EncryptedInput   2
|   +-- ImageTooLarge    2
+-- DependencyMissing    3
+-- PageFailed           4
|   +-- PageTimeout      4
|   +-- TransientError   4
+-- SystemFailure        3
+-- IntegrityError       5
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command ends with; documented in docs/use.md and stable."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    DEPENDENCY = 3
    SOME_FAILED = 4
    INTEGRITY = 5
    WALL = 5  # its name up to 0.2
    INTERRUPTED = 130


class DesuntError(Exception):
    """Something went wrong: the message says what, where, and what to do about it."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(f"{problem}. {remedy[0].upper()}{remedy[1:]}" if remedy else problem)
        self.problem, self.remedy = problem, remedy

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would lose the keyword.
        return (_rebuild, (type(self), self.problem, self.remedy))


def _rebuild(kind: type[DesuntError], problem: str, remedy: str) -> DesuntError:
    return kind(problem, remedy=remedy)


class UsageError(DesuntError):
    """The command or a setting is wrong."""

    exit_code = ExitCode.USAGE


class InputError(DesuntError):
    """An input cannot be read; in a run, that input fails and the run goes on."""

    exit_code = ExitCode.USAGE


class EncryptedInput(InputError):
    """A PDF asks for a password."""


class ImageTooLarge(InputError):
    """An image has more pixels than `max_pixels`: a decompression bomb, or a limit to raise."""


class DependencyMissing(DesuntError):
    """Tesseract, its language data or a model is not installed."""

    exit_code = ExitCode.DEPENDENCY


class PageFailed(DesuntError):
    """One page could not be read."""

    exit_code = ExitCode.SOME_FAILED


class PageTimeout(PageFailed):
    """The engine took longer than `page_seconds`."""


class TransientError(PageFailed):
    """A worker died or a disk did not answer: the page is tried again before it counts as failed."""


class SystemFailure(DesuntError):
    """The disk is full, or every page fails for the same reason: the run stops, no page is to blame."""

    exit_code = ExitCode.DEPENDENCY


class IntegrityError(DesuntError):
    """An export, a record or a hash is not what it must be."""

    exit_code = ExitCode.INTEGRITY


# Its name up to 0.2.
WallBroken = IntegrityError
