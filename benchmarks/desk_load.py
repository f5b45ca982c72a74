"""Twenty editors at one desk for some minutes, and a desk that is killed while they decide: what was acknowledged must be there, once.

    python -m benchmarks.desk_load --minutes 10
    python -m benchmarks.desk_load --minutes 10 --database postgresql://user@host/name
    python -m benchmarks.desk_load --minutes 1 --kill 5      # the server is killed (SIGKILL) and started again every 5 seconds

Prints one line of JSON: decisions acknowledged, lost (acknowledged and not in the log), double (two entries for one request), errors
(answers that are neither success nor conflict), and the times of a decision and of a page of the queue in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.support.desk_server import client, free_port, started, wait_for

from desunt.record.conjecture import Candidate, Conjecture, ModelRef
from desunt.record.decision_log import LOG_SCHEMA
from desunt.record.document import Document, Extent, Gap, Line, Page, Region, Word
from desunt.record.files import Record, write_record
from desunt.review.store import open_store

MODEL = ModelRef("load", "1", "0" * 64)
WORDS = ("the", "of", "and", "to", "in", "that", "it", "was", "for", "on", "with", "he", "be", "at", "by", "had", "not", "are")


@dataclass
class LoadResult:
    """What the editors saw: uids that were acknowledged, conflicts, errors, and times in seconds."""

    acknowledged: list[str] = field(default_factory=list)
    conflicts: int = 0
    unanswered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    decisions: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)


def make_collection(folder: Path, gaps: int, *, a_document: int = 500) -> None:
    """Write records with so many gaps, each with candidates."""
    chance = random.Random(1)
    for number in range(-(-gaps // a_document)):
        lines, opinions = [], {}
        for place in range(min(a_document, gaps - number * a_document)):
            name = f"{number:04x}{place:08x}"
            words = tuple(Word(f"{name}{n}", chance.choice(WORDS), None, "load", 0.9, 0.95) for n in range(8))
            gap = Gap(name, None, Extent("character", 3, 6), "illegible", chance.choice(["tbe", "anb", None]))
            lines.append(Line(f"l{name}", None, (*words[:4], gap, *words[4:])))
            probability = round(chance.uniform(0.1, 0.9), 4)
            opinions[name] = Conjecture(
                name, (Candidate(chance.choice(WORDS), probability), Candidate("other", 0.05)), 0.95 - probability, MODEL, ("", "")
            )
        pages = tuple(
            Page(n + 1, None, (Region(f"r{number}{n}", "body", None, tuple(lines[n * 50 : n * 50 + 50])),))
            for n in range(-(-len(lines) // 50))
        )
        write_record(Record(Document(f"d{number:04}", f"d{number:04}", (), pages), opinions), folder / f"d{number:04}")


def index_collection(outputs: Path, database: str | None) -> None:
    """Index the collection before the clock starts."""
    store = open_store(outputs, database)
    store.index.refresh()
    store.close()


def edit(address: str, name: str, end: float, result: LoadResult, lock: threading.Lock) -> None:
    """Decide as an editor does until the time is over: the queue, a gap, a decision, now and then an undo."""
    chance, session = random.Random(name), None
    while time.monotonic() < end:
        try:
            session = session or client(address, name)
            _decide_some(session, chance, end, result, lock)
        except httpx.TransportError:
            # The desk is down; what was not acknowledged may or may not have been logged.
            with lock:
                result.unanswered += 1
            time.sleep(0.2)


def _decide_some(session: httpx.Client, chance: random.Random, end: float, result: LoadResult, lock: threading.Lock) -> None:
    begun = time.perf_counter()
    rows = _answer(session.get("/api/queue", params={"order": chance.choice(["most_certain", "least_certain", "document"])}), result, lock)
    with lock:
        result.pages.append(time.perf_counter() - begun)
    for row in chance.sample(rows["page"]["rows"], min(5, len(rows["page"]["rows"]))) if rows else []:
        if time.monotonic() > end:
            return
        uid, begun = secrets.token_hex(16), time.perf_counter()
        decision = {"accept": row["top"], "version": row["version"], "uid": uid, "shown": True}
        logged = _answer(session.post(f"/api/gaps/{row['gap_id']}/decisions", json=decision), result, lock)
        with lock:
            result.decisions.append(time.perf_counter() - begun)
            if logged:
                result.acknowledged.append(logged["entry"]["uid"])
        if logged and chance.random() < 0.1:
            undone = _answer(session.post(f"/api/decisions/{uid}/undo"), result, lock)
            with lock:
                result.acknowledged += [undone["uid"]] if undone else []


def _answer(answer: httpx.Response, result: LoadResult, lock: threading.Lock) -> Any:
    if answer.is_success:
        return answer.json()
    with lock:
        if answer.status_code == 409:
            result.conflicts += 1
        else:
            result.errors[f"{answer.status_code} {answer.text[:80]}"] += 1
    return None


def work(outputs: Path, database: str | None, editors: int, minutes: float, kill: float | None) -> LoadResult:
    """Let the editors work while the desk runs, killed and started again every `kill` seconds if given."""
    port, result, lock = free_port(), LoadResult(), threading.Lock()
    address, desk = f"http://localhost:{port}", started(outputs, database, port)
    end = time.monotonic() + 60 * minutes
    editing = [threading.Thread(target=edit, args=(address, f"editor {n}", end, result, lock)) for n in range(editors)]
    for thread in editing:
        thread.start()
    try:
        while time.monotonic() < end:
            time.sleep(min(kill or 60 * minutes, max(0.1, end - time.monotonic())))
            if kill and time.monotonic() < end:
                desk.kill()
                desk.wait()
                desk = started(outputs, database, port)
        wait_for(address)
        for thread in editing:
            thread.join()
    finally:
        desk.kill()
        desk.wait()
    return result


def judge(outputs: Path, database: str | None, result: LoadResult) -> dict[str, object]:
    """Compare what was acknowledged with the log."""
    store = open_store(outputs, database)
    try:
        uids = [json.loads(line)["uid"] for line in store.exchange.export_jsonl() if LOG_SCHEMA in line]
        chain = store.decisions.verify_chain()
    finally:
        store.close()
    times_logged = Counter(uids)
    return {
        "acknowledged": len(result.acknowledged), "logged": len(uids), "lost": sum(uid not in times_logged for uid in result.acknowledged),
        "double": sum(times > 1 for times in times_logged.values()) + len(result.acknowledged) - len(set(result.acknowledged)),
        "errors": dict(result.errors), "conflicts": result.conflicts, "unanswered": result.unanswered, "chain": chain.problem or "holds",
        "decision_ms": percentiles_ms(result.decisions), "queue_ms": percentiles_ms(result.pages),
    }  # fmt: skip


def percentiles_ms(seconds: list[float]) -> dict[str, float]:
    """Return the median, the 95th percentile and the most in milliseconds; nothing for less than two."""
    if len(seconds) < 2:
        return {}
    cuts = statistics.quantiles(seconds, n=100)
    return {"median": round(1000 * cuts[49], 1), "p95": round(1000 * cuts[94], 1), "most": round(1000 * max(seconds), 1)}


def main() -> int:
    """Run the load and say what came of it; 1 if anything was lost, double, or an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--editors", type=int, default=20)
    parser.add_argument("--gaps", type=int, default=100_000)
    parser.add_argument("--database", help="URL [SQLite in a new folder]")
    parser.add_argument("--kill", type=float, help="kill the server and start it again every so many seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder)
        make_collection(outputs, options.gaps)
        index_collection(outputs, options.database)
        result = judge(outputs, options.database, work(outputs, options.database, options.editors, options.minutes, options.kill))
    print(json.dumps({"editors": options.editors, "minutes": options.minutes, "gaps": options.gaps, **result}))
    return 1 if result["lost"] or result["double"] or result["errors"] or result["chain"] != "holds" else 0


if __name__ == "__main__":
    sys.exit(main())
