"""Measure the memory of `desunt export`: one long document, and many short ones. Prints a table: `python -m benchmarks.export`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from desunt.record.atomic import sha256_of
from desunt.record.conjecture import Candidate, Conjecture, ModelRef, Opinion
from desunt.record.document import Box, Document, Extent, Gap, ImageRef, Line, Page, Region, Token, Word
from desunt.record.files import Record, write_record

LINES_A_PAGE, WORDS_A_LINE = 40, 10
PAGE_SIZE = (1240, 1754)
MODEL = ModelRef("a-model", "1", "9" * 64)


def draw(path: Path, frames: int) -> None:
    """Draw a TIFF of grey pages with marks in place of words, JPEG inside, as scanners write it."""
    rng = np.random.default_rng(1)
    pages = []
    for _ in range(4):
        pixels = rng.integers(225, 250, PAGE_SIZE[::-1], dtype=np.uint8)
        for line in range(LINES_A_PAGE):
            pixels[100 + 40 * line : 120 + 40 * line, 100:1100] = rng.integers(20, 240, (20, 1000), dtype=np.uint8)
        pages.append(Image.fromarray(pixels))
    rest = (pages[n % 4] for n in range(1, frames))
    pages[0].save(path, save_all=True, append_images=rest, compression="jpeg", dpi=(150, 150))


def draw_page(number: int, frame: int, name: str, sha256: str, opinions: dict[str, Opinion]) -> Page:
    lines = []
    for line in range(LINES_A_PAGE):
        tokens: list[Token] = []
        for place in range(WORDS_A_LINE):
            token_id = f"{number:05d}{line:02d}{place:02d}"
            box = Box(100 + 100 * place, 100 + 40 * line, 180 + 100 * place, 120 + 40 * line)
            if (line, place) in ((7, 3), (21, 8)):
                tokens.append(Gap(token_id, box, Extent("character", 5, 7), "illegible", "infonned"))
                candidates = tuple(Candidate(f"candidate{n}", 0.04) for n in range(20))
                opinions[token_id] = Conjecture(token_id, candidates, 0.2, MODEL, ("before", "after"))
            else:
                tokens.append(Word(token_id, f"word{number * 400 + line * 10 + place}", box, "tesseract", 0.9, 0.95))
        lines.append(Line(f"{number}-{line}", None, tuple(tokens)))
    return Page(number, ImageRef(name, sha256, *PAGE_SIZE, 150, frame), (Region(f"r{number}", "body", None, tuple(lines)),), 0.95)


def long_document(home: Path, pages: int) -> None:
    scan = home / "scans" / "long.tif"
    scan.parent.mkdir()
    draw(scan, pages)
    opinions: dict[str, Opinion] = {}
    sha256 = sha256_of(scan)
    drawn_pages = tuple(draw_page(n, n - 1, scan.name, sha256, opinions) for n in range(1, pages + 1))
    write_record(Record(Document("long.tif", str(scan), (), drawn_pages), opinions), home / "outputs" / "long")


def short_documents(home: Path, number: int) -> None:
    scan = home / "scans" / "short.tif"
    scan.parent.mkdir()
    draw(scan, 1)
    opinions: dict[str, Opinion] = {}
    record = Record(Document("short.tif", str(scan), (), (draw_page(1, 0, scan.name, sha256_of(scan), opinions),)), opinions)
    for n in range(number):
        write_record(replace(record, document=replace(record.document, id=f"{n:04d}.tif")), home / "outputs" / f"{n:04d}")


def measure(command: list[str]) -> tuple[float, float, float]:
    """Return seconds, peak MiB of one command, and the peak of its own memory: without files that are only looked into where they lie."""
    started, own_mib = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        own_mib = max(own_mib, own_memory_mib(process.pid))
        time.sleep(0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        sys.exit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - started, used.ru_maxrss / 1024, own_mib


def own_memory_mib(pid: int) -> float:
    """Return the MiB of a process that no file backs (Linux)."""
    match = re.search(r"^RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(match[1]) / 1024 if match else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--formats", nargs="*", default=["text", "html", "pdf", "iiif"])
    parser.add_argument("--kinds", nargs="*", default=["long", "short"])
    options = parser.parse_args()
    makers = {"long": long_document, "short": short_documents}
    print("| what | pages | format | s | peak MiB | own MiB |\n|---|---|---|---|---|---|")
    for kind in options.kinds:
        for pages in options.pages:
            with tempfile.TemporaryDirectory() as home:
                # In a process of its own: a child's peak is never less than its parent's size when it was forked.
                maker = multiprocessing.get_context("spawn").Process(target=makers[kind], args=(Path(home), pages))
                maker.start()
                maker.join()
                for name in options.formats:
                    command = [sys.executable, "-m", "desunt", "export", f"{home}/outputs", "--format", name]
                    seconds, peak, own = measure(command)
                    print(f"| {kind} | {pages} | {name} | {seconds:.1f} | {peak:.0f} | {own:.0f} |", flush=True)


if __name__ == "__main__":
    main()
