"""What a run does about failures: try again what may pass, count reasons, and stop when it is not the pages that fail but the machine."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desunt.errors import DependencyMissing, InputError, SystemFailure, TransientError
from desunt.export.writing import remove_outputs
from desunt.record.folder import page_path
from desunt.run.events import failure_category
from desunt.run.executors import map_exception

# How long to wait before each try but the first; with their number a page is given up.
RETRY_DELAYS_S = (0.5, 4.0)
# So many pages in a row that fail for one and the same reason, none of them for what its file is: it is the machine's.
MAX_CONSECUTIVE_FAILURES = 20


@dataclass(slots=True)
class RetryPolicy:
    """How often each page was tried again, and the pages that failed one after another for the same reason."""

    retries: Counter[tuple[Path, int]] = field(default_factory=Counter)
    consecutive_failures: list[tuple[Path, int]] = field(default_factory=list)
    last_category: str = ""

    def should_retry(self, folder: Path, number: int, error: BaseException) -> bool:
        """Say whether a page that failed is to be tried again; waits a little first."""
        if not isinstance(error, TransientError) or self.retries[folder, number] >= len(RETRY_DELAYS_S):
            return False
        time.sleep(RETRY_DELAYS_S[self.retries[folder, number]])
        self.retries[folder, number] += 1
        return True

    def record_success(self) -> None:
        self.consecutive_failures.clear()

    def record_failure(self, folder: Path, number: int, error: BaseException) -> str:
        """Note a page that failed for good; return why the run must stop, empty if it need not.

        Then the pages that failed in a row are as if they had not been tried: there is nothing wrong with them.
        """
        if isinstance(error, InputError):
            return ""
        category = failure_category(str(error))
        if category != self.last_category:
            self.consecutive_failures.clear()
        self.last_category = category
        self.consecutive_failures.append((folder, number))
        if len(self.consecutive_failures) < MAX_CONSECUTIVE_FAILURES:
            return ""
        for failed_folder, page in self.consecutive_failures:
            page_path(failed_folder, page, ".failed").unlink(missing_ok=True)
            remove_outputs(failed_folder)
        return f"the last {MAX_CONSECUTIVE_FAILURES} pages all failed for the same reason, and count as not tried: {error}"


def failed_future(problem: str) -> Future[Any]:
    """Return what a page comes to whose file is known to be unreadable: no worker needs to see it."""
    future: Future[Any] = Future()
    future.set_exception(InputError(problem))
    return future


def as_system_failure(error: BaseException) -> BaseException | None:
    """Return the error in desunt's words if it is the machine's and no page's: a full disk, an engine that is gone."""
    failure = map_exception(error) if isinstance(error, OSError) else error
    return failure if isinstance(failure, SystemFailure | DependencyMissing) else None
