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

from tests.integration.conftest import typed_page
from tests.integration.test_run import contents
from tests.support.malformed_more import judged, write

from desunt.errors import ExitCode
from desunt.scan import count_pages

WAIT = 0.02


@dataclass
class Found:
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
    found = []
    for path in out.rglob("*.json"):
        if path.name.startswith("."):
            continue
        try:
            json.loads(path.read_bytes())
        except ValueError:
            found.append(str(path))
    return found


def small_scans(folder: Path, pages: int = 8) -> Path:
    """Draw a few quick pages: single ones, and a TIFF of three."""
    folder.mkdir(parents=True)
    for number in range(pages - 3):
        typed_page(f"Letter {number}\nThe Ambassador informed the Minister.").save(folder / f"{number}.png", dpi=(300, 300))
    frames = [typed_page(f"Page {number}") for number in range(3)]
    frames[0].save(folder / "long.tif", save_all=True, append_images=frames[1:], dpi=(300, 300))
    return folder


def killed_often(home: Path, kills: int, seed: int = 1) -> Found:
    """Kill runs at random moments and go on, until each is done; compare with a run that nobody disturbed."""
    chance, found = random.Random(seed), Found()
    scans, calm = small_scans(home / "scans"), home / "calm"
    started = time.monotonic()
    assert start(scans, calm).wait() == 0
    took, expected = time.monotonic() - started, contents(calm)
    while found.kills < kills:
        out = home / f"out-{found.runs}"
        while True:
            before = pages_done(out)
            running = start(scans, out)
            try:
                code = running.wait(chance.uniform(0, took) if found.kills < kills else None)
            except subprocess.TimeoutExpired:
                kill(running)
                found.kills += 1
                code = None
            after = pages_done(out)
            found.redone += sum(after.get(path) != number for path, number in before.items())
            found.broken += broken_files(out)
            if code is not None:
                break
        found.runs += 1
        if code or contents(out) != expected:
            found.broken.append(f"{out}: exit code {code}, or other bytes than the undisturbed run's")
        else:
            shutil.rmtree(out)
    return found


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


def real_batch(home: Path, folder: Path, pages: int, flags: list[str]) -> Found:
    """Run over real scans with two workers, killed after a third and after two thirds of the pages; then verify."""
    found, scans, out = Found(), home / "scans", home / "outputs"
    total = batch_of(folder, scans, pages)
    print(f"{total} pages in {len(list(scans.iterdir()))} documents", flush=True)
    started = time.monotonic()
    for share in (1 / 3, 2 / 3, None):
        before, running = pages_done(out), start(scans, out, *flags, log=home / "run.log")
        while running.poll() is None and (share is None or len(pages_done(out)) < share * total):
            time.sleep(1)
        if share is not None:
            kill(running)
            found.kills += 1
        found.redone += sum(pages_done(out).get(path) != number for path, number in before.items())
        found.broken += broken_files(out)
        print(f"{len(pages_done(out))} pages done after {time.monotonic() - started:.0f} s", flush=True)
    if running.returncode:
        found.broken.append(f"the last run ended with {running.returncode}")
    proof = [sys.executable, "-m", "desunt", "verify", str(out), "--scans", str(scans)]
    proved = subprocess.run(proof, check=False, capture_output=True, text=True)
    if proved.returncode:
        found.broken.append(proved.stdout[-2000:])
    found.runs = 1
    print((home / "run.log").read_text("utf-8").splitlines()[-1], proved.stdout.splitlines()[-1], sep="\n", flush=True)
    return found


def malformed_inputs(home: Path) -> Found:
    """Run over broken and odd inputs of every kind; each must end with a reason of its own, or be read."""
    scans, out, found = home / "scans", home / "outputs", Found(runs=1)
    written = write(scans)
    code = start(scans, out, "--model", "ngram", "--page-seconds", "60", log=home / "run.log").wait()
    status = [sys.executable, "-m", "desunt", "status", str(out), "--json"]
    ended = json.loads(subprocess.run(status, check=True, capture_output=True).stdout)
    found.broken += judged(written, out, ended)
    if code != ExitCode.SOME_FAILED:
        found.broken.append(f"the run ended with {code}: {(home / 'run.log').read_text('utf-8')[-2000:]}")
    failed = sum(one["state"] == "failed" for one in ended)
    print(f"{len(written)} files: {failed} documents failed, {len(ended) - failed} were read", flush=True)
    return found


def told(what: str, found: Found) -> int:
    print(f"{what}: {found.kills} kills, {found.runs} runs finished, {found.redone} pages done twice, {len(found.broken)} broken")
    for one in found.broken:
        print(f"  {one}")
    return int(bool(found.broken or found.redone))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=0)
    options.add_argument("--malformed", action="store_true")
    options.add_argument("--batch", type=Path)
    options.add_argument("--pages", type=int, default=300)
    options.add_argument("--flags", default="", help="more flags of `desunt run` for the batch")
    options.add_argument("--home", type=Path, help="keep the batch here")
    chosen = options.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        home = chosen.home or Path(folder)
        if chosen.kills:
            failed |= told("killed at random", killed_often(home / "kills", chosen.kills))
        if chosen.malformed:
            failed |= told("malformed", malformed_inputs(home / "malformed"))
        if chosen.batch:
            failed |= told("batch", real_batch(home / "batch", chosen.batch, chosen.pages, chosen.flags.split()))
    sys.exit(failed)


if __name__ == "__main__":
    main()
