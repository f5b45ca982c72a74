"""Every executor returns results, and a task that fails, dies or hangs ends itself alone."""

from __future__ import annotations

import os
import time

import pytest

from desunt.errors import InputError, PageFailed, PageTimeout, UsageError
from desunt.executor import EXECUTORS, load_executor


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


@pytest.mark.parametrize("name", EXECUTORS)
def test_results_and_failures_come_back(name: str) -> None:
    with load_executor(name, 2, 30.0) as executor:
        futures = [executor.submit(double, n) for n in range(5)]
        refused, broken = executor.submit(refuse, "a.png"), executor.submit(stumble)
        assert [f.result(60) for f in futures] == [0, 2, 4, 6, 8]
        error = refused.exception(60)
        assert isinstance(error, InputError)
        assert str(error) == "a.png: empty. Scan it again"
        assert isinstance(broken.exception(60), PageFailed)
        assert "KeyError" in str(broken.exception())


def test_a_dead_worker_takes_nobody_with_it() -> None:
    with load_executor("process", 1, 30.0) as executor:
        futures = [executor.submit(double, 1), executor.submit(die), executor.submit(double, 2)]
        assert [f.result(60) for f in (futures[0], futures[2])] == [2, 4]
        assert isinstance(futures[1].exception(60), PageFailed)


def test_a_hanging_task_is_ended() -> None:
    with load_executor("process", 1, 2.0) as executor:
        hanging, after = executor.submit(hang), executor.submit(double, 2)
        assert isinstance(hanging.exception(60), PageTimeout)
        assert after.result(60) == 4


def test_an_unknown_executor_lists_the_known() -> None:
    with pytest.raises(UsageError, match="serial, process"):
        load_executor("cloud", 1, 1.0)
