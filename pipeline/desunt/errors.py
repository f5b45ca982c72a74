"""The exceptions of desunt and the exit codes they end a command with.

DesuntError                 1  internal error
+-- UsageError              2  the command or a setting is wrong
+-- InputError              2  an input cannot be read; in a run, that input fails and the run goes on
|   +-- EncryptedInput      2  a PDF with a password
|   +-- ImageTooLarge       2  more pixels than `max_pixels`: a decompression bomb, or a limit to raise
+-- DependencyMissing       3  Tesseract, its language data or a model is not installed
+-- PageFailed              4  one page could not be read
|   +-- PageTimeout         4  the engine took longer than `page_seconds`
|   +-- Passing             4  a worker died or a disk did not answer: it is tried again before the page counts as failed
+-- MachineFailed           3  the disk is full, or every page fails for the same reason: the run stops, no page is to blame
+-- WallBroken              5  an export, a record or a hash is not what it must be
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
    WALL = 5
    INTERRUPTED = 130


class DesuntError(Exception):
    """Say what went wrong, where, and what to do about it."""

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
    exit_code = ExitCode.USAGE


class InputError(DesuntError):
    exit_code = ExitCode.USAGE


class EncryptedInput(InputError):
    pass


class ImageTooLarge(InputError):
    pass


class DependencyMissing(DesuntError):
    exit_code = ExitCode.DEPENDENCY


class PageFailed(DesuntError):
    exit_code = ExitCode.SOME_FAILED


class PageTimeout(PageFailed):
    pass


class Passing(PageFailed):
    pass


class MachineFailed(DesuntError):
    exit_code = ExitCode.DEPENDENCY


class WallBroken(DesuntError):
    exit_code = ExitCode.WALL
