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
PROFILED_PARTS = {
    ("scan/__init__.py", "read_page"): "reading the scan",
    ("ocr/engines/tesseract.py", "read"): "Tesseract, all variants",
    ("ocr/preprocessing/__init__.py", "read_best"): "preprocessing, with Tesseract",
    ("ocr/preprocessing/blot_removal.py", "read_without_blots"): "words beside blots, with Tesseract",
    ("ocr/confidence/recovered_text.py", "combine_and_recover"): "the second engine",
    ("gaps/__init__.py", "find_gaps"): "finding gaps",
    ("restore/__init__.py", "restore"): "conjectures, all",
    ("lm/adapters.py", "propose"): "- masked proposals",
    ("lm/causal.py", "score"): "- causal scores",
    ("lm/ngram.py", "propose"): "- n-gram proposals",
    ("restore/error_model.py", "log_likelihood_with_specks"): "- error model",
}


@dataclass(frozen=True)
class CommandCost:
    """What one command took; `first_page_s` is the time to the first page, if it can be told."""

    wall_s: float
    cpu_s: float
    first_page_s: float
    exit_code: int
    load_before: float


def measure(command: list[str], out: Path | None = None) -> CommandCost:
    """Run a command; watch its outputs folder for the first page."""
    before, started, first_page_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), [0.0]
    load_before, is_over = os.getloadavg()[0], threading.Event()

    def watch() -> None:
        while out and not is_over.wait(0.05):
            if any(out.glob("*/pages/[0-9]*.json")):
                first_page_s[0] = time.perf_counter() - started
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    is_over.set()
    watcher.join()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return CommandCost(wall, cpu, first_page_s[0], code, load_before)


def print_row(kind: str, program: str, jobs: int, pages: int, cost: CommandCost) -> None:
    first = f"{cost.first_page_s:.1f}" if cost.first_page_s else ""
    rates = f"{60 * pages / cost.wall_s:.1f} | {cost.cpu_s / pages:.1f}"
    cells = (kind, program, jobs, pages, f"{cost.wall_s:.0f}", rates, first, cost.exit_code, f"{cost.load_before:.1f}")
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def compare(kind: str, images: list[Path], jobs: int, ocrmypdf: str | None, home: Path) -> None:
    """Print a line for desunt and one for OCRmyPDF."""
    out = home / f"{kind}-{jobs}"
    command = [sys.executable, "-m", "desunt", "run", *map(str, images), "--out", str(out), "--jobs", str(jobs)]
    print_row(kind, "desunt", jobs, len(images), measure(command, out))
    if ocrmypdf:
        pdf = home / f"{kind}.pdf"
        pages = [Image.open(path).convert("L") for path in images]
        pages[0].save(pdf, save_all=True, append_images=pages[1:], resolution=300)
        flags = ["--force-ocr", "--deskew", "--output-type", "pdf", "-l", "eng", "-j", str(jobs)]
        print_row(kind, "OCRmyPDF", jobs, len(images), measure([ocrmypdf, *flags, str(pdf), str(home / "read.pdf")]))


def profile(image: Path) -> None:
    """Print where the time of one page goes, in this process, models loaded before."""
    from desunt.record.atomic import sha256_of
    from desunt.run.workflow import PageTask, cached_gap_model, work_page
    from desunt.settings import Settings

    task = PageTask(image, image.name, 1, sha256_of(image), "key", Settings())
    cached_gap_model(task.settings)
    profiler = cProfile.Profile()
    result = profiler.runcall(work_page, task)
    stats = pstats.Stats(profiler)
    total = stats.total_tt  # type: ignore[attr-defined]
    print(f"\n{len(result.opinions.opinions)} gaps asked about; {total:.1f} s under the profiler\n\n| part | s | share |\n|---|---|---|")
    for (file, name), part in PROFILED_PARTS.items():
        seconds = [v[3] for (path, _, function), v in stats.stats.items() if path.endswith(file) and function == name]  # type: ignore[attr-defined]
        print(f"| {part} | {max(seconds, default=0):.1f} | {max(seconds, default=0) / total:.0%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--easy", type=Path, nargs="*", default=[])
    parser.add_argument("--hard", type=Path, nargs="*", default=[])
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--ocrmypdf", default=shutil.which("ocrmypdf"))
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    print("| pages | by | workers | n | wall s | pages a minute | CPU s a page | first page s | exit | load before |\n" + "|---" * 10 + "|")
    with tempfile.TemporaryDirectory() as home:
        for jobs in options.jobs:
            for kind, images in (("easy", options.easy), ("hard", options.hard)):
                if images:
                    compare(kind, images, jobs, options.ocrmypdf, Path(home))
    if options.profile:
        profile(options.profile)


if __name__ == "__main__":
    main()
