"""What a run does when pages fail, and when it is the machine that fails."""

from __future__ import annotations

import errno
import subprocess
from concurrent.futures import Future
from pathlib import Path

import pytest

from desunt.errors import DependencyMissing, ExitCode, InputError, PageFailed, TransientError
from desunt.record.folder import page_path, write_failure
from desunt.run import batch
from desunt.run import executors as executor
from desunt.run import retries as failures
from desunt.run.events import failure_category
from desunt.run.executors import SerialExecutor, map_exception
from desunt.run.retries import MAX_CONSECUTIVE_FAILURES, RetryPolicy, as_system_failure
from desunt.settings import Settings
from tests.support.command_line import output_bytes
from tests.support.rendered_pages import letter_page

VERSIONS = (("desunt", "test"),)


class Failing(SerialExecutor):
    """Works as the serial executor does, but says of some pages what a test wants."""

    says: dict[str, list[Exception]] = {}  # noqa: RUF012 (a test sets it)

    def submit(self, work, *arguments):
        waiting = self.says.get(getattr(arguments[0], "document_id", ""), [])
        if not waiting:
            return super().submit(work, *arguments)
        future: Future = Future()
        future.set_exception(map_exception(waiting.pop(0)))
        return future


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    for number in range(3):
        letter_page(f"Letter {number}").save(tmp_path / "scans" / f"{number}.png", dpi=(300, 300))
    return tmp_path / "scans"


@pytest.fixture
def run(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run over the scans; `says` is what goes wrong with which of them."""
    monkeypatch.setitem(executor.EXECUTORS, "serial", f"{__name__}:Failing")
    monkeypatch.setattr(failures, "RETRY_DELAYS_S", (0.0, 0.0))

    def go(says: dict[str, list[Exception]], **settings: object) -> batch.RunSummary:
        monkeypatch.setattr(Failing, "says", says)
        made = Settings(out=tmp_path / "out", executor="serial", formats=("text",), **settings)
        return batch.run([scans], made, VERSIONS)

    return go


def test_what_may_pass_is_tried_again(run, tmp_path: Path) -> None:
    summary = run({"1.png": [OSError(errno.ESTALE, "stale"), TransientError("the worker died")]})
    assert (summary.pages["done"], summary.pages["failed"], summary.exit_code) == (3, 0, ExitCode.DONE)
    assert page_path(tmp_path / "out" / "1", 1).exists()


def test_what_does_not_pass_fails_after_three_tries(run, tmp_path: Path) -> None:
    says = [TransientError("the worker died")] * 5
    summary = run({"1.png": says})
    assert len(says) == 2
    assert (summary.pages["done"], summary.pages["failed"], summary.exit_code) == (2, 1, ExitCode.SOME_FAILED)
    assert "the worker died" in page_path(tmp_path / "out" / "1", 1, ".failed").read_text("utf-8")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), DependencyMissing("Tesseract is not installed")])
def test_what_the_machine_lacks_stops_the_run_and_no_page_is_to_blame(run, tmp_path: Path, error: Exception) -> None:
    summary = run({"1.png": [error]})
    assert (summary.exit_code, summary.pages["failed"]) == (ExitCode.DEPENDENCY, 0)
    assert summary.stop_reason.startswith("stopped: ")
    assert not list((tmp_path / "out").rglob("*.failed.json"))
    again = run({})
    assert (again.exit_code, again.pages["failed"], again.pages["done"] + again.pages["skipped"]) == (ExitCode.DONE, 0, 3)


def test_bad_inputs_are_no_streak_and_other_reasons_end_one(tmp_path: Path) -> None:
    policy = RetryPolicy()
    for number in range(3 * MAX_CONSECUTIVE_FAILURES):
        assert not policy.record_failure(tmp_path, number, InputError(f"{number}.png: empty"))
    for number in range(3 * MAX_CONSECUTIVE_FAILURES):
        assert not policy.record_failure(tmp_path, number, PageFailed("one" if number % 7 else "two"))
    for number in range(MAX_CONSECUTIVE_FAILURES - 1):
        assert not policy.record_failure(tmp_path, number, PageFailed("one"))
        if number == MAX_CONSECUTIVE_FAILURES // 2:
            policy.record_success()


def test_a_streak_of_one_reason_stops_and_its_pages_count_as_not_tried(tmp_path: Path) -> None:
    policy, error = RetryPolicy(), PageFailed("RuntimeError: engine 7 is broken")
    homes = [tmp_path / str(number) for number in range(MAX_CONSECUTIVE_FAILURES)]
    told = []
    for number, home in enumerate(homes):
        write_failure(home, 1, "key", error)
        told.append(policy.record_failure(home, 1, PageFailed(f"RuntimeError: engine {number} is broken")))
    assert told[:-1] == [""] * (MAX_CONSECUTIVE_FAILURES - 1)
    assert "count as not tried" in told[-1]
    assert not list(tmp_path.rglob("*.failed.json"))


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        ("a/b.png, page 3: the image is damaged or cut short (x). Copy the file again", "the image is damaged or cut short (x"),
        ("12.pdf: the PDF is damaged. Repair it", "the PDF is damaged"),
        ("no result after 180 s. Raise --page-seconds", "no result after # s"),
    ],
)
def test_reasons_are_told_without_what_is_a_files_own(problem: str, reason: str) -> None:
    assert failure_category(problem) == reason


def test_other_errors_are_not_the_machines() -> None:
    assert as_system_failure(OSError(errno.ENOENT, "gone")) is None
    assert as_system_failure(PageFailed("x")) is None


def test_a_full_disk(scans: Path, tmp_path: Path, run) -> None:
    small = tmp_path / "out"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", small], check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be made here")
    try:
        summary = run({})
        assert (summary.exit_code, summary.pages["failed"]) == (ExitCode.DEPENDENCY, 0)
        assert "the disk is full" in summary.stop_reason
        assert not list(small.rglob("*.failed.json"))
        subprocess.run(["mount", "-o", "remount,size=4m", small], check=True)
        again = run({})
        assert (again.exit_code, again.pages["done"] + again.pages["skipped"]) == (ExitCode.DONE, 3)
        found = output_bytes(small)
    finally:
        subprocess.run(["umount", small], check=True)
    assert not [name for name in found if name.endswith(".part")]
    run({})
    assert output_bytes(small) == found
