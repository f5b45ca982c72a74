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


def measure(command: list[str]) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak memory (MiB, largest process) of a command and its children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024


def table_row(name: str, runs: list[tuple[float, float, float]], pages: int = 0) -> str:
    wall, cpu, memory = (statistics.median(values) for values in zip(*runs, strict=True))
    rate = f"{60 * pages / wall:.1f}" if pages else ""
    return f"| {name} | {len(runs)} | {wall:.2f} | {cpu:.2f} | {memory:.0f} | {rate} |"


def run_command(scans: list[str], out: str, jobs: int) -> list[str]:
    return [sys.executable, "-m", "desunt", "run", *scans, "--out", out, "--jobs", str(jobs)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", nargs="*", default=[str(ROOT / "scans")])
    parser.add_argument("--pages", type=int, default=2, help="pages in the scans")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, os.cpu_count() or 1])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print("| command | runs | wall s | CPU s | peak MiB | pages a minute |\n|---|---|---|---|---|---|")
    print(table_row("`desunt --help`", [measure([sys.executable, "-m", "desunt", "--help"]) for _ in range(5)]))
    for jobs in dict.fromkeys(options.jobs):
        runs = []
        for _ in range(options.runs):
            with tempfile.TemporaryDirectory() as out:
                runs.append(measure(run_command(options.scans, out, jobs)))
        print(table_row(f"`desunt run --jobs {jobs}`", runs, options.pages), flush=True)
    with tempfile.TemporaryDirectory() as out:
        measure(run_command(options.scans, out, jobs))
        print(table_row("the same again, all done", [measure(run_command(options.scans, out, jobs)) for _ in range(options.runs)]))


if __name__ == "__main__":
    main()
