"""Runs on a cluster whose workers share no folder with the parent: the same bytes as page after page, even if a worker is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.command_line import FinishedRun, output_bytes, run_desunt
from tests.support.rendered_pages import letter_page

pytest.importorskip("distributed")
PAGES = 6


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("letters")
    for number in range(PAGES):
        letter_page(f"Letter {number}\nThe Ambassador informed the Minister.").save(folder / f"{number}.png", dpi=(300, 300))
    return folder


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each in a folder of its own."""
    started = []

    def start(*command: str, home: Path) -> subprocess.Popen[bytes]:
        home.mkdir()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home, "start_new_session": True}
        own = os.environ | {"TMPDIR": str(home), "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "1.0"}
        started.append(subprocess.Popen([sys.executable, "-m", "distributed.cli." + command[0], *command[1:]], env=own, **quiet))
        return started[-1]

    told = tmp_path / "scheduler.json"
    start("dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(told), home=tmp_path / "head")
    deadline = time.monotonic() + 60
    while not told.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    address = json.loads(told.read_text())["address"]
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory")
    workers = [start("dask_worker", address, *options, str(tmp_path / name), home=tmp_path / name) for name in ("one", "two")]
    yield address, workers
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_lost_worker_changes_no_byte(letters: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path) -> None:
    address, workers = cluster
    serial = run_desunt("run", letters, "--out", tmp_path / "serial", "--executor", "serial", cwd=tmp_path)
    assert serial.returncode == 0, serial.stderr
    command = [sys.executable, "-m", "desunt", "run", str(letters), "--out", str(tmp_path / "dask"), "--executor", "dask"]
    running = subprocess.Popen([*command, "--scheduler", address, "--ship", "bytes"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not list((tmp_path / "dask").glob("*/pages/0001.json")) and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.02)
    os.killpg(workers[0].pid, signal.SIGKILL)
    _, said = running.communicate(timeout=300)
    assert running.returncode == 0, said
    assert len(list((tmp_path / "dask").glob("*/pages/0001.json"))) == PAGES
    assert output_bytes(tmp_path / "dask") == output_bytes(tmp_path / "serial")


def test_a_local_cluster_gives_the_same_bytes(finished: FinishedRun, tmp_path: Path) -> None:
    done = run_desunt(
        "run",
        finished.scans,
        "--model",
        finished.model,
        "--out",
        tmp_path / "out",
        "--executor",
        "dask",
        "--jobs",
        "2",
        cwd=finished.scans.parent,
    )
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert output_bytes(tmp_path / "out") == output_bytes(finished.out)


def test_shares_are_the_whole_and_nothing_twice(letters: Path, tmp_path: Path) -> None:
    shares = []
    for share in ("1/3", "2/3", "3/3"):
        done = run_desunt("run", letters, "--out", tmp_path / "out", "--shard", share, "--executor", "serial", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        shares.append({path.parent.name for path in (tmp_path / "out").glob("*/record.json")})
    assert len(shares[0]) < len(shares[1]) < len(shares[2]) == PAGES
    again = run_desunt("run", letters, "--out", tmp_path / "out", "--executor", "serial", cwd=tmp_path)
    assert f"{PAGES} skipped" in again.stderr


def test_workers_end_with_their_parent(letters: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "desunt", "run", str(letters), "--out", str(tmp_path / "out"), "--jobs", "2"]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob("*/pages/0001.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    running.wait()
    assert workers
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive, gone


def test_a_list_and_a_pattern_name_the_same_documents(letters: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# two of them\n" + "".join(f"{letters / name}\n" for name in ("3.png", "4.png")), encoding="utf-8")
    listed = run_desunt("run", "--list", tmp_path / "list.txt", "--out", tmp_path / "out", "--dry-run", cwd=tmp_path)
    assert (listed.returncode, "2 would read" in listed.stderr) == (0, True), listed.stderr
    pattern = run_desunt("run", str(letters / "[34].png"), "--out", tmp_path / "out", "--dry-run", cwd=tmp_path)
    assert (pattern.returncode, "2 would read" in pattern.stderr) == (0, True), pattern.stderr
    none = run_desunt("run", str(letters / "*.tif"), "--out", tmp_path / "out", cwd=tmp_path)
    assert (none.returncode, "no file matches" in none.stderr) == (2, True)
