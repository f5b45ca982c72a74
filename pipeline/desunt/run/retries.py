"""What a run does about failures: try again what may pass, count reasons, and stop when it is not the pages that fail but the machine."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desunt.errors import DependencyMissing, InputError, MachineFailed, Passing
from desunt.export.outputs import forget_results
from desunt.record import folder as journal
from desunt.run.events import reason_of
from desunt.run.executors import as_failure

# A page is given up after so many tries; seconds to wait before each but the first.
BACK_OFF = (0.5, 4.0)
# So many pages in a row that fail for one and the same reason, none of them for what its file is: it is the machine's.
STREAK = 20


@dataclass(slots=True)
class Failures:
    """How often each page was tried, and the pages that failed one after another for the same reason."""

    tries: Counter[tuple[Path, int]] = field(default_factory=Counter)
    streak: list[tuple[Path, int]] = field(default_factory=list)
    reason: str = ""

    def again(self, folder: Path, number: int, error: BaseException) -> bool:
        """Say whether a page that failed is to be tried again; waits a little first."""
        if not isinstance(error, Passing) or self.tries[folder, number] >= len(BACK_OFF):
            return False
        time.sleep(BACK_OFF[self.tries[folder, number]])
        self.tries[folder, number] += 1
        return True

    def passed(self) -> None:
        self.streak.clear()

    def failed(self, folder: Path, number: int, error: BaseException) -> str:
        """Note a page that failed for good; return why the run must stop, empty if it need not.

        Then the pages of the streak are as if they had not been tried: there is nothing wrong with them.
        """
        if isinstance(error, InputError):
            return ""
        reason = reason_of(str(error))
        if reason != self.reason:
            self.streak.clear()
        self.reason = reason
        self.streak.append((folder, number))
        if len(self.streak) < STREAK:
            return ""
        for home, page in self.streak:
            journal.page_path(home, page, ".failed").unlink(missing_ok=True)
            forget_results(home)
        return f"the last {STREAK} pages all failed for the same reason, and count as not tried: {error}"


def failed(problem: str) -> Future[Any]:
    """Return what a page comes to whose file is known to be unreadable: no worker needs to see it."""
    future: Future[Any] = Future()
    future.set_exception(InputError(problem))
    return future


def machine_failure(error: BaseException) -> BaseException | None:
    """Return the error in desunt's words if it is the machine's and no page's: a full disk, an engine that is gone."""
    told = as_failure(error) if isinstance(error, OSError) else error
    return told if isinstance(told, MachineFailed | DependencyMissing) else None
