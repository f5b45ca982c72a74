"""Measure whole runs against OCRmyPDF on the same pages with the same workers, and show where a page's time goes.

usage: python -m benchmarks.batch --easy IMAGE... --hard IMAGE... [--ocrmypdf PATH] [--jobs 1 2] [--profile IMAGE]

desunt: all default exports, gaps filled, a fresh outputs folder. OCRmyPDF: `--force-ocr --deskew --output-type pdf` over one PDF of the
same images. Wall seconds, CPU seconds of a command and all its children, time to the first page. Prints Markdown; the last column says
how busy the machine was before.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

# Where a page's time goes: the function that stands for each part, and what it is called.
PARTS = {
    ("scan/__init__.py", "read_page"): "reading the scan",
    ("ocr/tesseract.py", "read"): "Tesseract, all variants",
    ("cleanup/__init__.py", "read_best"): "cleanup, with Tesseract",
    ("cleanup/reread.py", "read_beside_blots"): "words beside blots, with Tesseract",
    ("gaps/__init__.py", "find_gaps"): "finding gaps",
    ("restore/__init__.py", "restore"): "conjectures, all",
    ("lm/adapter.py", "propose"): "- masked proposals",
    ("lm/causal.py", "score"): "- causal scores",
    ("lm/ngram.py", "propose"): "- counted phrases",
    ("restore/confusion.py", "explains"): "- ink",
}


@dataclass(frozen=True)
class Spent:
    """What one command took; `first` is the time to the first page, if it can be told."""

    wall: float
    cpu: float
    first: float
    code: int
    load: float


def spent(command: list[str], out: Path | None = None) -> Spent:
    """Run a command; watch its outputs folder for the first page."""
    before, started, first = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), [0.0]
    load, over = os.getloadavg()[0], threading.Event()

    def watch() -> None:
        while out and not over.wait(0.05):
            if any(out.glob("*/pages/[0-9]*.json")):
                first[0] = time.perf_counter() - started
                return

    watching = threading.Thread(target=watch)
    watching.start()
    code = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    over.set()
    watching.join()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(wall, cpu, first[0], code, load)


def row(kind: str, by: str, jobs: int, pages: int, one: Spent) -> None:
    first = f"{one.first:.1f}" if one.first else ""
    rates = f"{60 * pages / one.wall:.1f} | {one.cpu / pages:.1f}"
    print(f"| {kind} | {by} | {jobs} | {pages} | {one.wall:.0f} | {rates} | {first} | {one.code} | {one.load:.1f} |", flush=True)


def compare(kind: str, images: list[Path], jobs: int, ocrmypdf: str | None, home: Path) -> None:
    """Print a line for desunt and one for OCRmyPDF."""
    out = home / f"{kind}-{jobs}"
    command = [sys.executable, "-m", "desunt", "run", *map(str, images), "--out", str(out), "--jobs", str(jobs)]
    row(kind, "desunt", jobs, len(images), spent(command, out))
    if ocrmypdf:
        joined = home / f"{kind}.pdf"
        pages = [Image.open(path).convert("L") for path in images]
        pages[0].save(joined, save_all=True, append_images=pages[1:], resolution=300)
        flags = ["--force-ocr", "--deskew", "--output-type", "pdf", "-l", "eng", "-j", str(jobs)]
        row(kind, "OCRmyPDF", jobs, len(images), spent([ocrmypdf, *flags, str(joined), str(home / "read.pdf")]))


def profile(image: Path) -> None:
    """Print where the time of one page goes, in this process, models loaded before."""
    from desunt.record.files import sha256_of
    from desunt.run.workflow import PageTask, model_of, work_page
    from desunt.settings import Settings

    task = PageTask(image, image.name, 1, sha256_of(image), "key", Settings())
    model_of(task.settings)
    watched = cProfile.Profile()
    result = watched.runcall(work_page, task)
    stats = pstats.Stats(watched)
    total = stats.total_tt  # type: ignore[attr-defined]
    print(f"\n{len(result.opinions.opinions)} gaps asked about; {total:.1f} s under the profiler\n\n| part | s | share |\n|---|---|---|")
    for (file, name), said in PARTS.items():
        taken = [v[3] for (path, _, function), v in stats.stats.items() if path.endswith(file) and function == name]  # type: ignore[attr-defined]
        print(f"| {said} | {max(taken, default=0):.1f} | {max(taken, default=0) / total:.0%} |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--easy", type=Path, nargs="*", default=[])
    options.add_argument("--hard", type=Path, nargs="*", default=[])
    options.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    options.add_argument("--ocrmypdf", default=shutil.which("ocrmypdf"))
    options.add_argument("--profile", type=Path)
    chosen = options.parse_args()
    print("| pages | by | workers | n | wall s | pages a minute | CPU s a page | first page s | exit | load before |\n" + "|---" * 10 + "|")
    with tempfile.TemporaryDirectory() as home:
        for jobs in chosen.jobs:
            for kind, images in (("easy", chosen.easy), ("hard", chosen.hard)):
                if images:
                    compare(kind, images, jobs, chosen.ocrmypdf, Path(home))
    if chosen.profile:
        profile(chosen.profile)


if __name__ == "__main__":
    main()
