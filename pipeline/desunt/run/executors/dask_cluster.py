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
from typing import Any, TypeVar, cast

from desunt.errors import DependencyMissing, SystemFailure, TransientError, UsageError
from desunt.run.executors import BaseExecutor, ExecutorConfig, ProcessExecutor, copy_result, limit_worker
from desunt.run.workflow import PageTask

R = TypeVar("R")

# A scheduler must answer by then.
CONNECT_TIMEOUT_S = 20
# A task whose worker dies is given to another worker so often; a page that kills its workers must not kill them all.
ALLOWED_WORKER_FAILURES = 1
# A worker is given one task at a time: those that wait beside a task that kills it would count as killers too.
SCHEDULER_CONFIG = {"distributed.scheduler.allowed-failures": ALLOWED_WORKER_FAILURES, "distributed.scheduler.worker-saturation": 1.0}
# What a worker ends itself with when a task takes too long.
TIMEOUT_EXIT_CODE = 75


class DaskExecutor(BaseExecutor):
    """Work on a cluster of processes with one thread each; only this process writes results.

    Raises DependencyMissing without the extra `cluster`, and UsageError if nobody answers at the scheduler's address.
    """

    def __init__(self, config: ExecutorConfig) -> None:
        try:
            import distributed
        except ImportError:
            raise DependencyMissing("the executor dask is not installed", remedy="pip install 'desunt[cluster]'") from None
        self._config = config
        self._cluster = None if config.scheduler else _start_local_cluster(config)
        try:
            self._client = distributed.Client(self._cluster or config.scheduler, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(f"no scheduler at {config.scheduler}: {error}", remedy="`dask scheduler` prints its address") from None
        self.workers = max(1, sum(self._client.nthreads().values()), config.workers)
        self._local_pool: ProcessExecutor | None = None

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        content = tuple(map(with_file_contents, arguments)) if self._config.transfer == "bytes" else arguments
        # Not pure: a page may be asked for again although it failed.
        inner = self._client.submit(run_task, work, content, self._config.memory_mib, self._config.task_seconds, pure=False)
        outer: Future[R] = Future()
        inner.add_done_callback(lambda inner: copy_result(_MappedFuture(inner), outer, self._config.task_seconds))
        return outer

    def submit_local(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        if self._config.transfer == "path":
            return self.submit(work, *arguments)
        if self._local_pool is None:
            self._local_pool = ProcessExecutor(replace(self._config, workers=1))
        return self._local_pool.submit(work, *arguments)

    def close(self, *, at_once: bool) -> None:
        if self._local_pool is not None:
            self._local_pool.close(at_once=at_once)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _start_local_cluster(config: ExecutorConfig) -> Any:
    """Start workers on this machine, each a process that is started anew when it dies."""
    import dask
    import distributed

    # Any free port: two runs on one machine are nobody's business, and the usual one may be taken.
    with dask.config.set(SCHEDULER_CONFIG):
        return distributed.LocalCluster(
            n_workers=config.worker_count, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50,
            memory_limit=f"{2 * config.memory_mib}MiB" if config.memory_mib else 0, local_directory=tempfile.gettempdir(),
        )  # fmt: skip


class _MappedFuture:
    """A cluster's future whose errors are those that `map_exception` knows."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def cancelled(self) -> bool:
        return bool(self._future.cancelled())

    def result(self) -> Any:
        return self._future.result()

    def exception(self) -> BaseException | None:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        error = self._future.exception()
        if isinstance(error, KilledWorker):
            return TransientError("the workers that tried it died", remedy="Look at the page, or raise --page-seconds and --page-memory")
        if isinstance(error, FutureCancelledError):
            return SystemFailure("the cluster is gone", remedy="Start it again and run the same command")
        return cast("BaseException | None", error)


class PageWithFiles:
    """A page's task with the bytes of its scan, and of the files beside it that its engine reads, for workers that share no folder."""

    def __init__(self, task: PageTask) -> None:
        from desunt.ocr.engines import SidecarEngine, load_engine

        engine = load_engine(task.settings.engine, task.settings.lang)
        sidecars = engine.files(task.path) if isinstance(engine, SidecarEngine) else ()
        self.task = task
        self.files = tuple((path.relative_to(task.path.parent).as_posix(), path.read_bytes()) for path in (task.path, *sidecars))

    @contextmanager
    def on_local_disk(self) -> Iterator[PageTask]:
        """Give the task over a folder of the worker's own, for as long as the block lasts."""
        with tempfile.TemporaryDirectory(prefix="desunt-") as folder:
            for name, content in self.files:
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            if hashlib.sha256(self.files[0][1]).hexdigest() != self.task.sha256:
                raise SystemFailure(f"{self.task.path}: the scan changed while it was read", remedy="Run the same command again")
            yield replace(self.task, path=Path(folder) / self.files[0][0])


def with_file_contents(argument: Any) -> Any:
    """Return an argument that can leave this machine."""
    return PageWithFiles(argument) if isinstance(argument, PageTask) else argument


def run_task(work: Callable[..., R], arguments: tuple[Any, ...], memory_mib: int, seconds: float) -> R:
    """Do a task in a worker, within its limits.

    A thread cannot be stopped from outside: a worker whose task takes too long ends itself, and its keeper starts another.
    """
    limit_worker(memory_mib)
    timer = threading.Timer(seconds, os._exit, (TIMEOUT_EXIT_CODE,))
    timer.daemon = True
    timer.start()
    try:
        if arguments and isinstance(arguments[0], PageWithFiles):
            with arguments[0].on_local_disk() as task:
                return work(task, *arguments[1:])
        return work(*arguments)
    finally:
        timer.cancel()
