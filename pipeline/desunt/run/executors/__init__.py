"""Where pages are worked on: in this process, in a pool of processes that a bad page cannot take down, or on a cluster (`cluster.py`)."""

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
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeVar

from desunt.errors import DesuntError, ImageTooLarge, MachineFailed, PageFailed, PageTimeout, Passing, UsageError

R = TypeVar("R")

EXECUTORS: dict[str, str] = {
    "serial": "desunt.run.executors:SerialExecutor",
    "process": "desunt.run.executors:ProcessExecutor",
    "dask": "desunt.run.executors.dask_cluster:DaskExecutor",
}
# What the machine lacks, whatever the page: a full disk, a used-up quota, a disk that went read-only, no more files or processes.
MACHINE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk cannot be written to",
    errno.ENFILE: "the machine has too many open files",
}
# What another try may find gone: a network disk that does not answer, a signal, memory that others had.
PASSING = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.ENOMEM, errno.ECONNRESET, errno.EHOSTDOWN})
NO_MEMORY = ("insufficient memory", "out of memory", "bad_alloc", "allocate memory", "not enough memory", "unable to allocate")
MIB = 1 << 20
# How often a worker looks whether its parent is there.
PARENT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Means:
    """What an executor works with.

    `workers` is their number (0: one a core), `seconds` the time limit of a task and `memory` a worker's in MiB (0: none); `scheduler` is
    the address of a cluster to join, and `ship` says whether its workers read scans where they lie or get their bytes.
    """

    workers: int = 0
    seconds: float = 3600.0
    memory: int = 0
    scheduler: str = ""
    ship: Literal["path", "bytes"] = "path"

    @property
    def count(self) -> int:
        return self.workers or os.cpu_count() or 1


class Executor(Protocol):
    """Work on tasks; the parent alone writes. A failed task's future holds a DesuntError."""

    workers: int

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]: ...

    def submit_here(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        """Work where the parent's own files are: exports are made there."""
        ...

    def close(self, *, at_once: bool) -> None:
        """Wait for the work in hand, or drop it."""
        ...


class Closing:
    """Close at the end of a `with` block; at once if it ends by an exception."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(at_once=kind is not None)

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        raise NotImplementedError

    def submit_here(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        return self.submit(work, *arguments)

    def close(self, *, at_once: bool) -> None:
        raise NotImplementedError


class SerialExecutor(Closing):
    """Work in this process, one task after another: for debugging and for one page. It sets no limits."""

    workers = 1

    def __init__(self, means: Means) -> None:
        pass

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        future: Future[R] = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:
            future.set_exception(as_failure(error))
        return future

    def close(self, *, at_once: bool) -> None:
        pass


class ProcessExecutor(Closing):
    """Work in processes; a task that crashes, or exceeds its time or memory, ends itself alone, and its worker is replaced.

    Workers are spawned, not forked: a forked copy of a threaded parent may hang.
    """

    def __init__(self, means: Means) -> None:
        from pebble import ProcessPool

        self.workers, self._seconds = means.count, means.seconds
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(max_workers=self.workers, context=context, initializer=_ready_worker, initargs=(means.memory,))

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        inner = self._pool.schedule(work, args=list(arguments), timeout=self._seconds)
        outer: Future[R] = Future()
        inner.add_done_callback(lambda done: pass_on(done, outer, self._seconds))
        return outer

    def close(self, *, at_once: bool) -> None:
        if at_once:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()


def pass_on(done: Any, outer: Future[R], seconds: float) -> None:
    """Give a future what another future of whatever kind came to."""
    if done.cancelled():
        outer.cancel()
        return
    error = done.exception()
    if error is None:
        outer.set_result(done.result())
    else:
        outer.set_exception(as_failure(error, seconds))


def as_failure(error: BaseException, seconds: float = 0.0) -> BaseException:
    """Return the error as one of desunt's own, so that a run can go on and say why.

    `MachineFailed` is no page's fault, `Passing` may be gone at another try; all else is the page's own.
    """
    from pebble import ProcessExpired

    if isinstance(error, DesuntError):
        return error
    if isinstance(error, TimeoutError) and not isinstance(error.errno, int):
        return PageTimeout(f"no result after {seconds:.0f} s", remedy="Raise --page-seconds, or look at the page")
    if isinstance(error, ProcessExpired):
        return Passing(f"the worker died (exit code {error.exitcode})", remedy="Memory may have run out: use fewer --jobs")
    if isinstance(error, OSError) and error.errno in MACHINE:
        return MachineFailed(f"{MACHINE[error.errno]} ({error})", remedy="Mend that and run the same command again")
    if isinstance(error, OSError) and error.errno in PASSING:
        return Passing(f"{error}", remedy="Run the same command with --retry-failed")
    if isinstance(error, MemoryError) or any(sign in str(error).casefold() for sign in NO_MEMORY):
        return ImageTooLarge("the page needs more memory than a worker may have", remedy="Raise --page-memory, or lower --max-pixels")
    return PageFailed(f"{type(error).__name__}: {error}", remedy="This is a bug in desunt: please report it with the page")


def _ready_worker(memory: int) -> None:
    """Leave Ctrl-C to the parent, end when it ends, and keep within the limits."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    limit_worker(memory)


def _end_with(parent: int) -> None:
    """End this process when its parent was killed: nobody waits for its page, and the run that goes on needs the processor."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


def limit_worker(memory: int) -> None:
    """Keep every library to one thread, for pages are what runs in parallel; and this process and the engine's to so many MiB each.

    What counts is memory that is written to (RLIMIT_DATA, Linux): libraries reserve much more address space than they use.
    """
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    if memory:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = memory * MIB if hard == resource.RLIM_INFINITY else min(memory * MIB, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def load_executor(name: str, means: Means) -> Executor:
    """Return the executor of that name; raises UsageError for an unknown one, DependencyMissing if it needs an extra."""
    if name not in EXECUTORS:
        raise UsageError(f"unknown executor {name!r}", remedy=f"Known: {', '.join(EXECUTORS)}")
    module, _, kind = EXECUTORS[name].partition(":")
    made: Executor = getattr(import_module(module), kind)(means)
    return made
