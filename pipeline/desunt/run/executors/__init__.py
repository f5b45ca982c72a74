"""Where pages are worked on: in this process, in a pool of processes that a bad page cannot take down, or on a cluster."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar

from desunt.errors import DesuntError, ImageTooLarge, PageFailed, PageTimeout, SystemFailure, TransientError, UsageError

R = TypeVar("R")

ENTRY_POINT_GROUP = "desunt.executor"
EXECUTORS: dict[str, str] = {
    "serial": "desunt.run.executors:SerialExecutor",
    "process": "desunt.run.executors:ProcessExecutor",
    "dask": "desunt.run.executors.dask_cluster:DaskExecutor",
}
# What the machine lacks, whatever the page: a full disk, a used-up quota, a disk that went read-only, no more files or processes.
SYSTEM_ERRNOS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk cannot be written to",
    errno.ENFILE: "the machine has too many open files",
}
# What another try may find gone: a network disk that does not answer, a signal, memory that others had.
TRANSIENT_ERRNOS = frozenset(
    {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.ENOMEM, errno.ECONNRESET, errno.EHOSTDOWN}
)
OUT_OF_MEMORY_PHRASES = ("insufficient memory", "out of memory", "bad_alloc", "allocate memory", "not enough memory", "unable to allocate")
MIB = 1 << 20
# How often a worker looks whether its parent is there.
PARENT_CHECK_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class ExecutorConfig:
    """What an executor works with.

    `workers` is their number (0: one a core), `task_seconds` the time limit of a task and `memory_mib` a worker's limit (0: none);
    `scheduler` is the address of a cluster to join, and `transfer` says whether its workers read scans where they lie or get their bytes.
    """

    workers: int = 0
    task_seconds: float = 3600.0
    memory_mib: int = 0
    scheduler: str = ""
    transfer: Literal["path", "bytes"] = "path"

    @property
    def worker_count(self) -> int:
        return self.workers or os.cpu_count() or 1


class Executor(Protocol):
    """Work on tasks; the parent alone writes. A failed task's future holds a DesuntError."""

    workers: int

    def __enter__(self) -> Self: ...

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None: ...

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]: ...

    def submit_local(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        """Work where the parent's own files are: exports are made there."""
        ...

    def close(self, *, at_once: bool) -> None:
        """Wait for the work in hand, or drop it."""
        ...


class BaseExecutor:
    """Close at the end of a `with` block; at once if it ends by an exception."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        self.close(at_once=exc_type is not None)

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        raise NotImplementedError

    def submit_local(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        return self.submit(work, *arguments)

    def close(self, *, at_once: bool) -> None:
        raise NotImplementedError


class SerialExecutor(BaseExecutor):
    """Work in this process, one task after another: for debugging and for one page. It sets no limits."""

    workers = 1

    def __init__(self, config: ExecutorConfig) -> None:
        pass

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        future: Future[R] = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:
            future.set_exception(map_exception(error))
        return future

    def close(self, *, at_once: bool) -> None:
        pass


class ProcessExecutor(BaseExecutor):
    """Work in processes; a task that crashes, or exceeds its time or memory, ends itself alone, and its worker is replaced.

    Workers are spawned, not forked: a forked copy of a threaded parent may hang.
    """

    def __init__(self, config: ExecutorConfig) -> None:
        from pebble import ProcessPool

        self.workers, self._task_seconds = config.worker_count, config.task_seconds
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(max_workers=self.workers, context=context, initializer=_init_worker, initargs=(config.memory_mib,))

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        inner = self._pool.schedule(work, args=list(arguments), timeout=self._task_seconds)
        outer: Future[R] = Future()
        inner.add_done_callback(lambda inner: copy_result(inner, outer, self._task_seconds))
        return outer

    def close(self, *, at_once: bool) -> None:
        if at_once:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()


def copy_result(inner: Any, outer: Future[R], task_seconds: float) -> None:
    """Give a future what another future of whatever kind came to."""
    if inner.cancelled():
        outer.cancel()
        return
    error = inner.exception()
    if error is None:
        outer.set_result(inner.result())
    else:
        outer.set_exception(map_exception(error, task_seconds))


def map_exception(error: BaseException, task_seconds: float = 0.0) -> BaseException:
    """Return the error as one of desunt's own, so that a run can go on and say why.

    `SystemFailure` is no page's fault, `TransientError` may be gone at another try; all else is the page's own.
    """
    if isinstance(error, DesuntError):
        return error
    for matches, kind, problem, remedy in EXCEPTION_MAP:
        if matches(error):
            return kind(problem.format(error=error, seconds=task_seconds), remedy=remedy)
    return PageFailed(f"{type(error).__name__}: {error}", remedy="This is a bug in desunt: please report it with the page")


def _timed_out(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) and not isinstance(error.errno, int)


def _worker_died(error: BaseException) -> bool:
    from pebble import ProcessExpired

    return isinstance(error, ProcessExpired)


def _has_errno(*numbers: int) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, OSError) and error.errno in numbers


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(phrase in str(error).casefold() for phrase in OUT_OF_MEMORY_PHRASES)


# What tells a foreign exception, the error it becomes, its problem and its remedy; the first that fits counts.
EXCEPTION_MAP: tuple[tuple[Callable[[BaseException], bool], type[DesuntError], str, str], ...] = (
    (_timed_out, PageTimeout, "no result after {seconds:.0f} s", "Raise --page-seconds, or look at the page"),
    (_worker_died, TransientError, "the worker died (exit code {error.exitcode})", "Memory may have run out: use fewer --jobs"),
    *(
        (_has_errno(number), SystemFailure, f"{cause} ({{error}})", "Mend that and run the same command again")
        for number, cause in SYSTEM_ERRNOS.items()
    ),
    (_has_errno(*TRANSIENT_ERRNOS), TransientError, "{error}", "Run the same command with --retry-failed"),
    (_out_of_memory, ImageTooLarge, "the page needs more memory than a worker may have", "Raise --page-memory, or lower --max-pixels"),
)


def _init_worker(memory_mib: int) -> None:
    """Leave Ctrl-C to the parent, end when it ends, and keep within the limits."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    limit_worker(memory_mib)


def _exit_with_parent(parent: int) -> None:
    """End this process when its parent was killed: nobody waits for its page, and the run that goes on needs the processor."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_INTERVAL_S)
    os._exit(1)


def limit_worker(memory_mib: int) -> None:
    """Keep every library to one thread, for pages are what runs in parallel; and this process and the engine's to so many MiB each.

    What counts is memory that is written to (RLIMIT_DATA, Linux): libraries reserve much more address space than they use.
    """
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    if memory_mib:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = memory_mib * MIB if hard == resource.RLIM_INFINITY else min(memory_mib * MIB, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def load_executor(name: str, config: ExecutorConfig) -> Executor:
    """Return the executor of that name; other packages add theirs in the entry-point group `desunt.executor`.

    Raises UsageError for an unknown name, DependencyMissing if it needs an extra.
    """
    executors = EXECUTORS | {p.name: p.value for p in entry_points(group=ENTRY_POINT_GROUP) if p.name not in EXECUTORS}
    if name not in executors:
        raise UsageError(f"unknown executor {name!r}", remedy=f"Known: {', '.join(executors)}")
    module, _, kind = executors[name].partition(":")
    executor: Executor = getattr(import_module(module), kind)(config)
    return executor
