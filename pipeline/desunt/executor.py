"""Where pages are worked on: in this process, or in a pool of processes that a bad page cannot take down."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future
from importlib import import_module
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from desunt.errors import DesuntError, PageFailed, PageTimeout, UsageError

R = TypeVar("R")

EXECUTORS: dict[str, str] = {
    "serial": "desunt.executor:SerialExecutor",
    "process": "desunt.executor:ProcessExecutor",
}


class Executor(Protocol):
    """Work on tasks; the parent alone writes. A failed task's future holds a DesuntError."""

    workers: int

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]: ...

    def close(self, *, at_once: bool) -> None:
        """Wait for the work in hand, or drop it."""
        ...


class Closing:
    """Close at the end of a `with` block; at once if it ends by an exception."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool) -> None:
        raise NotImplementedError


class SerialExecutor(Closing):
    """Work in this process, one task after another: for debugging and for one page."""

    workers = 1

    def __init__(self, workers: int, seconds: float) -> None:
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
    """Work in `workers` processes; a task that crashes or exceeds `seconds` ends itself alone, and its worker is replaced.

    Workers are spawned, not forked: a forked copy of a threaded parent may hang.
    """

    def __init__(self, workers: int, seconds: float) -> None:
        from pebble import ProcessPool

        self.workers = workers or os.cpu_count() or 1
        self._seconds = seconds
        self._pool = ProcessPool(max_workers=self.workers, context=multiprocessing.get_context("spawn"), initializer=_quiet_worker)

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        inner = self._pool.schedule(work, args=list(arguments), timeout=self._seconds)
        outer: Future[R] = Future()
        inner.add_done_callback(lambda done: _pass_on(done, outer, self._seconds))
        return outer

    def close(self, *, at_once: bool) -> None:
        if at_once:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()


def _pass_on(done: Future[R], outer: Future[R], seconds: float) -> None:
    if done.cancelled():
        outer.cancel()
        return
    error = done.exception()
    if error is None:
        outer.set_result(done.result())
    else:
        outer.set_exception(as_failure(error, seconds))


def as_failure(error: BaseException, seconds: float = 0.0) -> BaseException:
    """Return the error as one of desunt's own, so that a run can go on and say why."""
    from pebble import ProcessExpired

    if isinstance(error, DesuntError):
        return error
    if isinstance(error, TimeoutError):
        return PageTimeout(f"no result after {seconds:.0f} s", remedy="Raise --page-seconds, or look at the page")
    if isinstance(error, ProcessExpired):
        return PageFailed(f"the worker died (exit code {error.exitcode})", remedy="Memory may have run out: use fewer --jobs")
    if isinstance(error, MemoryError):
        return PageFailed("out of memory", remedy="Use fewer --jobs, or lower --max-pixels")
    return PageFailed(f"{type(error).__name__}: {error}", remedy="This is a bug in desunt: please report it with the page")


def _quiet_worker() -> None:
    """Leave Ctrl-C to the parent, and keep every library to one thread: pages are what runs in parallel."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def load_executor(name: str, workers: int, seconds: float) -> SerialExecutor | ProcessExecutor:
    """Return the executor of that name; raises UsageError for an unknown one."""
    if name not in EXECUTORS:
        raise UsageError(f"unknown executor {name!r}", remedy=f"Known: {', '.join(EXECUTORS)}")
    module, _, kind = EXECUTORS[name].partition(":")
    made: SerialExecutor | ProcessExecutor = getattr(import_module(module), kind)(workers, seconds)
    return made
