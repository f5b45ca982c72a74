"""The desk's memory: an index of the collection's gaps, and the append-only record of what editors decided about them.

The files under OUTPUTS are the truth about pages; the database is the truth about decisions. Nothing here knows of the web.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desunt.review.store.accounts import Accounts
from desunt.review.store.database import Database, now, open_database
from desunt.review.store.decisions import DecisionRepository
from desunt.review.store.import_export import LogExchange
from desunt.review.store.index import CollectionIndex
from desunt.review.store.progress import ProgressFigures
from desunt.review.store.queue import GapQueue
from desunt.review.store.second_reading import SecondReadings
from desunt.review.store.series import SeriesRepository


@dataclass(frozen=True, slots=True)
class Store:
    """All that the desk keeps; safe to share between threads, and between processes that open it each for itself."""

    database: Database
    index: CollectionIndex
    queue: GapQueue
    decisions: DecisionRepository
    series: SeriesRepository
    second_readings: SecondReadings
    progress: ProgressFigures
    exchange: LogExchange
    accounts: Accounts

    def close(self) -> None:
        """Give all connections back."""
        self.database.engine.dispose()


def open_store(outputs: Path, database: str | None = None, *, clock: Callable[[], str] = now) -> Store:
    """Open the database of an outputs folder (OUTPUTS/desk.sqlite unless a URL is given) and bring its tables up to date.

    The index is as it was left: call `index.refresh()`. Raises UsageError for a URL that cannot be opened.
    """
    desk = open_database(outputs, database, clock)
    index = CollectionIndex(desk, outputs)
    decisions = DecisionRepository(desk, index)
    return Store(
        desk, index, GapQueue(desk), decisions, SeriesRepository(desk, decisions), SecondReadings(desk, decisions), ProgressFigures(desk),
        LogExchange(desk, index), Accounts(desk),
    )  # fmt: skip
