"""The `dask` executor: the same tasks on a local cluster, or on the workers of one that runs already (docs/cluster.md)."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from desunt.errors import DependencyMissing, MachineFailed, Passing, UsageError
from desunt.run.executors import Closing, Means, ProcessExecutor, limit_worker, pass_on
from desunt.run.workflow import PageTask

R = TypeVar("R")

# Seconds in which a scheduler must answer.
PATIENCE = 20
# A task whose worker dies is given to another so many times; a page that kills its workers must not kill them all.
LOSSES = 1
# A worker is given one task at a time: those that wait beside a task that kills it would count as killers too.
SCHEDULING = {"distributed.scheduler.allowed-failures": LOSSES, "distributed.scheduler.worker-saturation": 1.0}
# What a worker ends itself with when a task takes too long.
TOO_LONG = 75


class DaskExecutor(Closing):
    """Work on a cluster of processes with one thread each; only this process writes results.

    Raises DependencyMissing without the extra `cluster`, and UsageError if nobody answers at the scheduler's address.
    """

    def __init__(self, means: Means) -> None:
        try:
            import distributed
        except ImportError:
            raise DependencyMissing("the executor dask is not installed", remedy="pip install 'desunt[cluster]'") from None
        self._means, self._seconds = means, means.seconds
        self._cluster = None if means.scheduler else _local(means)
        try:
            self._client = distributed.Client(self._cluster or means.scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(f"no scheduler at {means.scheduler}: {error}", remedy="`dask scheduler` prints its address") from None
        self.workers = max(1, sum(self._client.nthreads().values()), means.workers)
        self._here: ProcessExecutor | None = None

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        content = tuple(shipped(one) if self._means.ship == "bytes" else one for one in arguments)
        # Not pure: a page may be asked for again although it failed.
        inner = self._client.submit(work_on, work, content, self._means.memory, self._seconds, pure=False)
        outer: Future[R] = Future()
        inner.add_done_callback(lambda done: pass_on(_Told(done), outer, self._seconds))
        return outer

    def submit_here(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        if self._means.ship == "path":
            return self.submit(work, *arguments)
        if self._here is None:
            self._here = ProcessExecutor(replace(self._means, workers=1))
        return self._here.submit(work, *arguments)

    def close(self, *, at_once: bool) -> None:
        if self._here is not None:
            self._here.close(at_once=at_once)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _local(means: Means) -> Any:
    """Start workers on this machine, each a process that is started anew when it dies."""
    import dask
    import distributed

    # Any free port: two runs on one machine are nobody's business, and the usual one may be taken.
    with dask.config.set(SCHEDULING):
        return distributed.LocalCluster(
            n_workers=means.count, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50,
            memory_limit=f"{2 * means.memory}MiB" if means.memory else 0, local_directory=tempfile.gettempdir(),
        )  # fmt: skip


class _Told:
    """A cluster's future whose errors are told in words that `as_failure` knows."""

    def __init__(self, done: Any) -> None:
        self._done = done

    def cancelled(self) -> bool:
        return bool(self._done.cancelled())

    def result(self) -> Any:
        return self._done.result()

    def exception(self) -> BaseException | None:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        error = self._done.exception()
        if isinstance(error, KilledWorker):
            return Passing("the workers that tried it died", remedy="Look at the page, or raise --page-seconds and --page-memory")
        if isinstance(error, FutureCancelledError):
            return MachineFailed("the cluster is gone", remedy="Start it again and run the same command")
        found: BaseException | None = error
        return found


class Shipped:
    """A page's task with the bytes of its scan, and of the files beside it that its engine reads, for workers that share no folder."""

    def __init__(self, task: PageTask) -> None:
        from desunt.ocr.engines import ReadsBeside, load_engine

        engine = load_engine(task.settings.engine, task.settings.lang)
        beside = engine.files(task.path) if isinstance(engine, ReadsBeside) else ()
        self.task = task
        self.files = tuple((path.relative_to(task.path.parent).as_posix(), path.read_bytes()) for path in (task.path, *beside))

    @contextmanager
    def unpacked(self) -> Iterator[PageTask]:
        """Give the task over a folder of the worker's own, for as long as the block lasts."""
        with tempfile.TemporaryDirectory(prefix="desunt-") as folder:
            for name, content in self.files:
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            if hashlib.sha256(self.files[0][1]).hexdigest() != self.task.sha256:
                raise MachineFailed(f"{self.task.path}: the scan changed while it was read", remedy="Run the same command again")
            yield replace(self.task, path=Path(folder) / self.files[0][0])


def shipped(argument: Any) -> Any:
    """Return an argument that can leave this machine."""
    return Shipped(argument) if isinstance(argument, PageTask) else argument


def work_on(work: Callable[..., R], arguments: tuple[Any, ...], memory: int, seconds: float) -> R:
    """Do a task in a worker, within its limits.

    A thread cannot be stopped from outside: a worker whose task takes too long ends itself, and its keeper starts another.
    """
    limit_worker(memory)
    clock = threading.Timer(seconds, os._exit, (TOO_LONG,))
    clock.daemon = True
    clock.start()
    try:
        if arguments and isinstance(arguments[0], Shipped):
            with arguments[0].unpacked() as task:
                return work(task, *arguments[1:])
        return work(*arguments)
    finally:
        clock.cancel()
