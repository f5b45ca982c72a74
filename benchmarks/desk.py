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
from tests.support.chromium import chromium
from tests.support.desk_server import client, free_port, started

from benchmarks.desk_load import index_collection, make_collection, percentiles_ms
from desunt.record.files import read_record
from desunt.record.folder import document_folders
from desunt.review.environment import document_key

# Pages of the queue that are asked for: every order, filters that use no index, and far into the queue.
QUEUE_QUERIES = (
    "", "?order=least_certain", "?order=document", "?kind=name", "?length=5-9",
    "?text=the", "?text=nowhere", "?status=any", "?offered=yes&reason=illegible",
)  # fmt: skip
PAGES_ONWARD = 10


@contextmanager
def desk(options: argparse.Namespace) -> Iterator[tuple[str, int, list[str]]]:
    """Run a desk of its own over so many gaps and the documents that are added; give its address, process and their keys."""
    with tempfile.TemporaryDirectory() as folder:
        outputs, keys, database = options.folder or Path(folder), [], options.database
        if not (outputs / "desk.sqlite").exists():
            make_collection(outputs, options.gaps)
        for document in document_folders(options.outputs, finished=True) if options.outputs else ():
            shutil.copytree(document, outputs / document.name, dirs_exist_ok=True)
            keys.append(document_key(read_record(document).document.id))
        index_collection(outputs, database)
        port = free_port()
        process = started(outputs, database, port)
        try:
            yield f"http://localhost:{port}", process.pid, keys
        finally:
            process.kill()
            process.wait()


def press_keys(page: Any, query: str, max_presses: int) -> list[float]:
    """Decide gap after gap by one key each; return the seconds from the key until the next one was painted."""
    page.goto(f"/queue{query}")
    seconds: list[float] = []
    if not page.locator("text=Start deciding").count():
        return seconds
    page.click("text=Start deciding")
    page.wait_for_selector(".gap-page")
    for _ in range(max_presses):
        # An editor looks at a gap before deciding: by then the next one is there.
        page.wait_for_timeout(700)
        before = page.get_attribute(".gap-page", "data-gap")
        page.keyboard.press("1" if page.locator('.take[data-key="1"]').count() else "o")
        page.wait_for_function("(gap) => document.querySelector('main > *')?.dataset.gap !== gap", arg=before)
        if not page.locator(".gap-page").count():
            break
        page.wait_for_function("document.querySelector('.gap-page').dataset.took")
        seconds.append(int(page.get_attribute(".gap-page", "data-took")) / 1000)
    return seconds


def keys(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the way from a key to the next gap."""
    with desk(options) as (address, _, document_keys), chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", base_url=address)
        page.goto("/sign-in")
        page.fill("#name", "Bench")
        page.click("main button")
        synthetic = press_keys(page, "", options.times)
        real = [seconds for key in document_keys for seconds in press_keys(page, f"?order=document&document={key}", 20)]
    return {
        "key_to_next_gap_ms": percentiles_ms(synthetic),
        "n": len(synthetic),
        "real_pages_ms": percentiles_ms(real),
        "n_real": len(real),
    }


def queue(options: argparse.Namespace) -> dict[str, Any]:
    """Measure pages of the queue, and how the server's memory grows over them."""
    with desk(options) as (address, pid, _):
        visitor = client(address, "Bench")
        visitor.get("/queue")
        memory_before, cpu_before = memory_mib(pid), cpu_seconds(pid)
        page_times: dict[str, dict[str, float]] = {}
        visits = options.times // len(QUEUE_QUERIES) + 2
        for query in QUEUE_QUERIES:
            page_times[query or "plain"] = percentiles_ms([seconds_of_page(visitor, f"/queue{query}") for _ in range(visits)])
            page_times[query or "plain"]["server_cpu"] = round(1000 * (cpu_seconds(pid) - cpu_before) / visits, 1)
            cpu_before = cpu_seconds(pid)
        page_times[f"{PAGES_ONWARD} pages on"] = percentiles_ms(list(follow_later(visitor)))
        return {"queue_page_ms": page_times, "memory_mib": [memory_before, memory_mib(pid)]}


def seconds_of_page(visitor: httpx.Client, address: str, on_text: Callable[[str], None] = lambda _: None) -> float:
    """Return the seconds until a page was there whole."""
    started_at = time.perf_counter()
    answer = visitor.get(address)
    seconds = time.perf_counter() - started_at
    answer.raise_for_status()
    on_text(answer.text)
    return seconds


def follow_later(visitor: httpx.Client) -> Iterator[float]:
    """Yield the times of one page after the other, as `later` leads to them."""
    addresses: list[str] = ["/queue"]

    def follow(text: str) -> None:
        link = re.search(r'href="([^"]*)">later', text)
        addresses.append(link[1].replace("&amp;", "&") if link else "/queue")

    for _ in range(PAGES_ONWARD):
        yield seconds_of_page(visitor, addresses[-1], follow)


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> int:
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
    options = parser.parse_args()
    options.gaps = options.gaps or (10_000 if options.what == "keys" else 100_000)
    print(json.dumps({"gaps": options.gaps, "load": os.getloadavg()[0], **(keys if options.what == "keys" else queue)(options)}))


if __name__ == "__main__":
    main()
