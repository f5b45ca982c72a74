"""Every executor returns results, and a task that fails, dies or hangs ends itself alone."""

from __future__ import annotations

import errno
import os
import time

import pytest

from desunt.errors import ImageTooLarge, InputError, PageFailed, PageTimeout, SystemFailure, TransientError, UsageError
from desunt.run.executors import EXECUTORS, MIB, ExecutorConfig, load_executor, map_exception


def double(number: int) -> int:
    return 2 * number


def refuse(name: str) -> None:
    raise InputError(f"{name}: empty", remedy="Scan it again")


def stumble() -> None:
    raise KeyError("x")


def die() -> None:
    os._exit(9)


def hang() -> None:
    time.sleep(60)


def devour() -> int:
    return sum(bytearray(1500 * MIB)[:9])


def fill_the_disk() -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "pages/0001.json")


@pytest.mark.parametrize("name", EXECUTORS)
def test_results_and_failures_come_back(name: str) -> None:
    with load_executor(name, ExecutorConfig(2, 30.0)) as executor:
        futures = [executor.submit(double, n) for n in range(5)]
        refused, broken = executor.submit(refuse, "a.png"), executor.submit(stumble)
        assert [f.result(60) for f in futures] == [0, 2, 4, 6, 8]
        error = refused.exception(60)
        assert isinstance(error, InputError)
        assert str(error) == "a.png: empty. Scan it again"
        assert isinstance(broken.exception(60), PageFailed)
        assert "KeyError" in str(broken.exception())
        assert executor.submit_local(double, 8).result(60) == 16
        assert isinstance(executor.submit(fill_the_disk).exception(60), SystemFailure)


@pytest.mark.parametrize("name", ["process", "dask"])
def test_a_task_that_needs_too_much_memory_ends_itself_alone(name: str) -> None:
    with load_executor(name, ExecutorConfig(1, 60.0, 1024)) as executor:
        greedy, after = executor.submit(devour), executor.submit(double, 2)
        assert isinstance(greedy.exception(60), ImageTooLarge)
        assert after.result(60) == 4


@pytest.mark.parametrize("name", ["process", "dask"])
def test_a_dead_worker_takes_nobody_with_it(name: str) -> None:
    with load_executor(name, ExecutorConfig(1, 30.0)) as executor:
        futures = [executor.submit(double, 1), executor.submit(die), executor.submit(double, 2)]
        assert [f.result(60) for f in (futures[0], futures[2])] == [2, 4]
        assert isinstance(futures[1].exception(60), TransientError)


def test_a_hanging_task_is_ended() -> None:
    with load_executor("process", ExecutorConfig(1, 2.0)) as executor:
        hanging, after = executor.submit(hang), executor.submit(double, 2)
        assert isinstance(hanging.exception(60), PageTimeout)
        assert after.result(60) == 4


def test_an_unknown_executor_lists_the_known() -> None:
    with pytest.raises(UsageError, match="serial, process"):
        load_executor("cloud", ExecutorConfig())


def test_a_hanging_task_on_a_cluster_costs_its_workers_and_nobody_else() -> None:
    with load_executor("dask", ExecutorConfig(1, 2.0)) as executor:
        hanging, after = executor.submit(hang), executor.submit(double, 2)
        assert isinstance(hanging.exception(120), TransientError)
        assert after.result(60) == 4


def test_no_scheduler_at_an_address_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desunt.run.executors.dask_cluster.CONNECT_TIMEOUT_S", 1)
    with pytest.raises(UsageError, match="no scheduler at"):
        load_executor("dask", ExecutorConfig(scheduler="tcp://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "full"), SystemFailure),
        (OSError(errno.ESTALE, "stale"), TransientError),
        (OSError(errno.ENOENT, "gone"), PageFailed),
        (MemoryError(), ImageTooLarge),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), ImageTooLarge),
        (InputError("a.png: empty"), InputError),
        (ValueError("x"), PageFailed),
    ],
)
def test_whose_fault_an_error_is(error: Exception, kind: type) -> None:
    assert type(map_exception(error)) is kind
