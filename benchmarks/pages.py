"""Measure what a user waits for: `make bench`. Prints a table; timings are never tested, the machines are noisy."""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def spent(command: list[str]) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak memory (MiB, largest process) of a command and its children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024


def row(name: str, runs: list[tuple[float, float, float]], pages: int = 0) -> str:
    wall, cpu, memory = (statistics.median(values) for values in zip(*runs, strict=True))
    rate = f"{60 * pages / wall:.1f}" if pages else ""
    return f"| {name} | {len(runs)} | {wall:.2f} | {cpu:.2f} | {memory:.0f} | {rate} |"


def run_command(scans: list[str], out: str, jobs: int) -> list[str]:
    return [sys.executable, "-m", "desunt", "run", *scans, "--out", out, "--jobs", str(jobs)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scans", nargs="*", default=[str(ROOT / "scans")])
    options.add_argument("--pages", type=int, default=2, help="pages in the scans")
    options.add_argument("--jobs", type=int, nargs="*", default=[1, os.cpu_count() or 1])
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    print("| command | runs | wall s | CPU s | peak MiB | pages a minute |\n|---|---|---|---|---|---|")
    print(row("`desunt --help`", [spent([sys.executable, "-m", "desunt", "--help"]) for _ in range(5)]))
    for jobs in dict.fromkeys(chosen.jobs):
        runs = []
        for _ in range(chosen.runs):
            with tempfile.TemporaryDirectory() as out:
                runs.append(spent(run_command(chosen.scans, out, jobs)))
        print(row(f"`desunt run --jobs {jobs}`", runs, chosen.pages), flush=True)
    with tempfile.TemporaryDirectory() as out:
        spent(run_command(chosen.scans, out, jobs))
        print(row("the same again, all done", [spent(run_command(chosen.scans, out, jobs)) for _ in range(chosen.runs)]))


if __name__ == "__main__":
    main()
