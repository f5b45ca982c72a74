"""What an editor waits for at the desk; never asserted, the machines are noisy.

    python -m benchmarks.desk keys                       # from a key to the next gap on the screen, 10,000 gaps, Chromium
    python -m benchmarks.desk keys --outputs OUTPUTS     # the same through the gaps of real pages that lie among them
    python -m benchmarks.desk queue                      # pages of the queue at 100,000 gaps, over HTTP, and the server's memory

Prints one line of JSON with times in milliseconds: median, 95th percentile, most; and the server's own CPU time for a page, which a busy
machine stretches less.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.export.formats.test_html import FLAGS
from tests.support.desk_server import client, free_port, started

from benchmarks.desk_load import first_look, make_collection, times
from desunt.export.outputs import document_folders
from desunt.record.files import read_record
from desunt.review.environment import document_key

# Pages of the queue that are asked for: every order, filters that use no index, and far into the queue.
ASKED = (
    "", "?order=doubt", "?order=document", "?kind=name", "?length=5-9",
    "?text=the", "?text=nowhere", "?status=any", "?offered=yes&reason=illegible",
)  # fmt: skip
DEEP = 10


@contextmanager
def desk(asked: argparse.Namespace) -> Iterator[tuple[str, int, list[str]]]:
    """Run a desk of its own over so many gaps and the documents that are added; give its address, process and their keys."""
    with tempfile.TemporaryDirectory() as folder:
        outputs, keys, database = asked.folder or Path(folder), [], asked.database
        if not (outputs / "desk.sqlite").exists():
            make_collection(outputs, asked.gaps)
        for one in document_folders(asked.outputs) if asked.outputs else ():
            shutil.copytree(one, outputs / one.name, dirs_exist_ok=True)
            keys.append(document_key(read_record(one).document.id))
        first_look(outputs, database)
        port = free_port()
        process = started(outputs, database, port)
        try:
            yield f"http://localhost:{port}", process.pid, keys
        finally:
            process.kill()
            process.wait()


def press(page: Any, start: str, most: int) -> list[float]:
    """Decide gap after gap by one key each; return the seconds from the key until the next one was painted."""
    page.goto(f"/queue{start}")
    found = []
    if not page.locator("text=Start deciding").count():
        return found
    page.click("text=Start deciding")
    page.wait_for_selector(".gap-page")
    for _ in range(most):
        # An editor looks at a gap before deciding: by then the next one is there.
        page.wait_for_timeout(700)
        before = page.get_attribute(".gap-page", "data-gap")
        page.keyboard.press("1" if page.locator('.take[data-key="1"]').count() else "o")
        page.wait_for_function("(gap) => document.querySelector('main > *')?.dataset.gap !== gap", arg=before)
        if not page.locator(".gap-page").count():
            break
        page.wait_for_function("document.querySelector('.gap-page').dataset.took")
        found.append(int(page.get_attribute(".gap-page", "data-took")) / 1000)
    return found


def keys(asked: argparse.Namespace) -> dict[str, Any]:
    """Measure the way from a key to the next gap."""
    from playwright.sync_api import sync_playwright

    with desk(asked) as (address, _, documents), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", base_url=address)
        page.goto("/sign-in")
        page.fill("#name", "Bench")
        page.click("main button")
        plain = press(page, "", asked.times)
        real = [took for key in documents for took in press(page, f"?order=document&document={key}", 20)]
        browser.close()
    return {"key_to_next_gap_ms": times(plain), "n": len(plain), "real_pages_ms": times(real), "n_real": len(real)}


def queue(asked: argparse.Namespace) -> dict[str, Any]:
    """Measure pages of the queue, and how the server's memory grows over them."""
    with desk(asked) as (address, pid, _):
        visitor = client(address, "Bench")
        visitor.get("/queue")
        before, spent, took = memory(pid), cpu(pid), {}
        each = asked.times // len(ASKED) + 2
        for address_asked in ASKED:
            took[address_asked or "plain"] = times([timed(visitor, f"/queue{address_asked}") for _ in range(each)])
            took[address_asked or "plain"]["server_cpu"] = round(1000 * (cpu(pid) - spent) / each, 1)
            spent = cpu(pid)
        took[f"{DEEP} pages on"] = times(list(onward(visitor)))
        return {"queue_page_ms": took, "memory_mib": [before, memory(pid)]}


def timed(visitor: httpx.Client, address: str, seen: Callable[[str], None] = lambda _: None) -> float:
    """Return the seconds until a page was there whole."""
    begun = time.perf_counter()
    answer = visitor.get(address)
    took = time.perf_counter() - begun
    answer.raise_for_status()
    seen(answer.text)
    return took


def onward(visitor: httpx.Client) -> Iterator[float]:
    """Yield the times of one page after the other, as `later` leads to them."""
    address: list[str] = ["/queue"]

    def follow(text: str) -> None:
        found = re.search(r'href="([^"]*)">later', text)
        address.append(found[1].replace("&amp;", "&") if found else "/queue")

    for _ in range(DEEP):
        yield timed(visitor, address[-1], follow)


def cpu(pid: int) -> float:
    """Return the CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["keys", "queue"])
    parser.add_argument("--gaps", type=int, help="[10,000 for keys, 100,000 for the queue]")
    parser.add_argument("--times", type=int, default=90)
    parser.add_argument("--outputs", type=Path, help="results of real pages, to lie among the gaps")
    parser.add_argument("--folder", type=Path, help="keep the collection and its database here for the next time [a temporary folder]")
    parser.add_argument("--database", help="URL [SQLite in a new folder]")
    asked = parser.parse_args()
    asked.gaps = asked.gaps or (10_000 if asked.what == "keys" else 100_000)
    print(json.dumps({"gaps": asked.gaps, "load": os.getloadavg()[0], **(keys if asked.what == "keys" else queue)(asked)}))


if __name__ == "__main__":
    main()
