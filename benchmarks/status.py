"""Measure `desunt status` over a journal of 100,000 pages: `python -m benchmarks.status`. Prints a table."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.records import sample_record

from desunt.record.files import to_json, write_record
from desunt.record.folder import SourceFile, page_path
from desunt.record.manifest import write_manifest


def make_folders(out: Path, documents: int, pages: int) -> None:
    """Write the folders of finished documents, without scans: copies of one, and empty pages, whose content is not looked at."""
    record = sample_record()
    model = out.parent / "model"
    write_record(record, model)
    write_manifest(model)
    files = {name: (model / name).read_bytes() for name in ("record.json", "conjectures.json", "manifest.json")}
    for number in range(documents):
        folder = out / f"{number:06d}"
        (folder / "pages").mkdir(parents=True)
        about = SourceFile("desunt-source-1", f"{number:06d}.pdf", f"{number:06d}.pdf", "0" * 64, pages)
        (folder / "source.json").write_bytes(to_json(about))
        for name, content in files.items():
            (folder / name).write_bytes(content)
        for page in range(1, pages + 1):
            for kind in ("", ".conjectures"):
                page_path(folder, page, kind).write_bytes(b"{}")


def measure(out: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "desunt", "status", str(out)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--each", type=int, nargs="*", default=[100, 5, 1], help="pages a document")
    options = parser.parse_args()
    print("| documents | pages each | first, s | again, s (least and most of five) | after one changed, s |\n|---|---|---|---|---|")
    for each in options.each:
        with tempfile.TemporaryDirectory() as home:
            out = Path(home) / "outputs"
            make_folders(out, options.pages // each, each)
            time.sleep(3)
            first, again = measure(out), sorted(measure(out) for _ in range(5))
            page_path(out / "000000", 1).unlink()
            print(f"| {options.pages // each:,} | {each} | {first:.1f} | {again[0]:.2f}-{again[-1]:.2f} | {measure(out):.2f} |", flush=True)


if __name__ == "__main__":
    main()
