"""The long tests, `make soak`: runs killed at random moments, inputs that are broken in every way, and a batch of real scans killed twice.

usage: python -m benchmarks.soak [--kills 100] [--malformed] [--batch FOLDER --pages 300 --flags '--read 0']

Prints what was found, a line each, and ends with 1 if anything is not as it must be. The short forms are in `make test`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.command_line import output_bytes
from tests.support.rendered_pages import letter_page
from tests.support.soak_inputs import violations, write_inputs

from desunt.errors import ExitCode
from desunt.scan import count_pages


@dataclass
class SoakResult:
    """What a soak found; `broken` must stay empty."""

    kills: int = 0
    runs: int = 0
    redone: int = 0
    broken: list[str] = field(default_factory=list)


def command(scans: Path, out: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "desunt", "run", str(scans), "--out", str(out), "--jobs", "2", *flags]


def start(scans: Path, out: Path, *flags: str, log: Path | None = None) -> subprocess.Popen[bytes]:
    target = log.open("ab") if log else subprocess.DEVNULL
    return subprocess.Popen(command(scans, out, *flags), stdout=target, stderr=target, start_new_session=True)


def kill(running: subprocess.Popen[bytes]) -> None:
    """Kill the run and all its workers at once, as a power cut does."""
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def pages_done(out: Path) -> dict[Path, int]:
    """Return the pages that are done, with the number of the file each is: one that is written anew is another file."""
    return {path: path.stat().st_ino for path in out.glob("*/pages/[0-9][0-9][0-9][0-9].json")}


def broken_files(out: Path) -> list[str]:
    """Return the files that a reader would find cut off; hidden ones are in work and no reader's."""
    broken = []
    for path in out.rglob("*.json"):
        if path.name.startswith("."):
            continue
        try:
            json.loads(path.read_bytes())
        except ValueError:
            broken.append(str(path))
    return broken


def small_scans(folder: Path, pages: int = 8) -> Path:
    """Draw a few quick pages: single ones, and a TIFF of three."""
    folder.mkdir(parents=True)
    for number in range(pages - 3):
        letter_page(f"Letter {number}\nThe Ambassador informed the Minister.").save(folder / f"{number}.png", dpi=(300, 300))
    frames = [letter_page(f"Page {number}") for number in range(3)]
    frames[0].save(folder / "long.tif", save_all=True, append_images=frames[1:], dpi=(300, 300))
    return folder


def kill_often(home: Path, kills: int, seed: int = 1) -> SoakResult:
    """Kill runs at random moments and go on, until each is done; compare with a run that nobody disturbed."""
    random_moment, result = random.Random(seed), SoakResult()
    scans, calm = small_scans(home / "scans"), home / "calm"
    started = time.monotonic()
    assert start(scans, calm).wait() == 0
    calm_seconds, expected = time.monotonic() - started, output_bytes(calm)
    while result.kills < kills:
        out = home / f"out-{result.runs}"
        while True:
            pages_before = pages_done(out)
            running = start(scans, out)
            try:
                code = running.wait(random_moment.uniform(0, calm_seconds) if result.kills < kills else None)
            except subprocess.TimeoutExpired:
                kill(running)
                result.kills += 1
                code = None
            pages_after = pages_done(out)
            result.redone += sum(pages_after.get(path) != number for path, number in pages_before.items())
            result.broken += broken_files(out)
            if code is not None:
                break
        result.runs += 1
        if code or output_bytes(out) != expected:
            result.broken.append(f"{out}: exit code {code}, or other bytes than the undisturbed run's")
        else:
            shutil.rmtree(out)
    return result


def batch_of(folder: Path, scans: Path, pages: int) -> int:
    """Link PDFs under new names, again and again, until they have so many pages; return how many."""
    scans.mkdir(parents=True)
    named = [(path, count_pages(path)) for path in sorted(folder.glob("*.pdf"))]
    total, again = 0, 0
    while total < pages:
        again += 1
        for path, count in named:
            if total + count <= pages or total == 0:
                shutil.copyfile(path, scans / f"{again:03d}-{path.name}")
                total += count
        if not any(total + count <= pages for _, count in named):
            break
    return total


def real_batch(home: Path, folder: Path, pages: int, flags: list[str]) -> SoakResult:
    """Run over real scans with two workers, killed after a third and after two thirds of the pages; then verify."""
    result, scans, out = SoakResult(), home / "scans", home / "outputs"
    total = batch_of(folder, scans, pages)
    print(f"{total} pages in {len(list(scans.iterdir()))} documents", flush=True)
    started = time.monotonic()
    for share in (1 / 3, 2 / 3, None):
        pages_before, running = pages_done(out), start(scans, out, *flags, log=home / "run.log")
        while running.poll() is None and (share is None or len(pages_done(out)) < share * total):
            time.sleep(1)
        if share is not None:
            kill(running)
            result.kills += 1
        result.redone += sum(pages_done(out).get(path) != number for path, number in pages_before.items())
        result.broken += broken_files(out)
        print(f"{len(pages_done(out))} pages done after {time.monotonic() - started:.0f} s", flush=True)
    if running.returncode:
        result.broken.append(f"the last run ended with {running.returncode}")
    verify_command = [sys.executable, "-m", "desunt", "verify", str(out), "--scans", str(scans)]
    verified = subprocess.run(verify_command, check=False, capture_output=True, text=True)
    if verified.returncode:
        result.broken.append(verified.stdout[-2000:])
    result.runs = 1
    print((home / "run.log").read_text("utf-8").splitlines()[-1], verified.stdout.splitlines()[-1], sep="\n", flush=True)
    return result


def malformed_inputs(home: Path) -> SoakResult:
    """Run over broken and odd inputs of every kind; each must end with a reason of its own, or be read."""
    scans, out, result = home / "scans", home / "outputs", SoakResult(runs=1)
    written = write_inputs(scans)
    code = start(scans, out, "--model", "ngram", "--page-seconds", "60", log=home / "run.log").wait()
    status_command = [sys.executable, "-m", "desunt", "status", str(out), "--json"]
    statuses = json.loads(subprocess.run(status_command, check=True, capture_output=True).stdout)
    result.broken += violations(written, out, statuses)
    if code != ExitCode.SOME_FAILED:
        result.broken.append(f"the run ended with {code}: {(home / 'run.log').read_text('utf-8')[-2000:]}")
    failed = sum(document["state"] == "failed" for document in statuses)
    print(f"{len(written)} files: {failed} documents failed, {len(statuses) - failed} were read", flush=True)
    return result


def report(what: str, result: SoakResult) -> int:
    print(f"{what}: {result.kills} kills, {result.runs} runs finished, {result.redone} pages done twice, {len(result.broken)} broken")
    for problem in result.broken:
        print(f"  {problem}")
    return int(bool(result.broken or result.redone))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--malformed", action="store_true")
    parser.add_argument("--batch", type=Path)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--flags", default="", help="more flags of `desunt run` for the batch")
    parser.add_argument("--home", type=Path, help="keep the batch here")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        if options.kills:
            failed |= report("killed at random", kill_often(home / "kills", options.kills))
        if options.malformed:
            failed |= report("malformed", malformed_inputs(home / "malformed"))
        if options.batch:
            failed |= report("batch", real_batch(home / "batch", options.batch, options.pages, options.flags.split()))
    sys.exit(failed)


if __name__ == "__main__":
    main()
