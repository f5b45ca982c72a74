"""Many editors at once, and a server that is killed: nothing acknowledged is lost, nothing is decided twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from desunt.review.store import Store, open_store
from desunt.review.store.types import QueueFilter
from tests.support.collections import write_collection
from tests.support.concurrent_editor import decide
from tests.support.paths import ROOT


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def store(outputs: Path, database: str | None) -> Iterator[Store]:
    write_collection(outputs, documents=2, lines=6)
    opened = open_store(outputs, database)
    opened.index.refresh()
    yield opened
    opened.close()


def start(outputs: Path, database: str | None, name: str, threads: int, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.concurrent_editor", str(outputs), database or "", name, str(threads), str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def prove(store: Store, acknowledged: list[str]) -> None:
    """Everything that was acknowledged is there as it was acknowledged, and each decision was made on the one before it."""
    chain = store.decisions.verify_chain()
    assert (chain.broken, chain.problem) == (None, "")
    for line in acknowledged:
        word, uid, gap = line.split()
        entry = store.decisions.find(uid)
        assert (entry.target, entry.stale) == (gap, word == "late")
    for row in store.queue.page(QueueFilter(status=None), limit=500).rows:
        effective = [entry for entry in store.decisions.history(row.gap_id) if not entry.stale]
        assert [entry.saw for entry in effective] == ["", *(entry.uid for entry in effective)][:-1] if effective else True
        assert row.version == (effective[-1].uid if effective else "")
        assert row.reading == (effective[-1].text if effective else None)


def settle(store: Store) -> None:
    """Wait until what a killed process had begun is over.

    Its server may still be about to commit what it was told to. Writers follow each other: whoever is let in as a writer comes after that,
    and what waits behind cannot commit any more, for nobody is left to ask for it.
    """
    with store.database.writing():
        pass


def test_four_processes_of_five_editors_decide_the_same_gaps(store, outputs, database):
    running = [start(outputs, database, f"p{number}", 5, 6) for number in range(4)]
    acknowledged = []
    for process in running:
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        acknowledged += out.splitlines()
    counts = Counter(line.split()[0] for line in acknowledged)
    assert sum(counts.values()) == 4 * 5 * 6 == store.decisions.verify_chain().rows
    assert counts["ok"] >= 12
    prove(store, acknowledged)


def test_every_acknowledged_decision_outlives_a_kill(store, outputs, database):
    process = start(outputs, database, "killed", 3, 10_000)
    assert process.stdout
    acknowledged = [process.stdout.readline().strip() for _ in range(25)]
    process.kill()
    rest, _ = process.communicate(timeout=60)
    settle(store)
    whole = [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    prove(store, [*acknowledged, *(line.strip() for line in whole)])
    more = decide(store, "after", 3)
    prove(store, more)


def test_two_processes_open_a_new_database_at_once(tmp_path, database):
    outputs = tmp_path / "fresh"
    write_collection(outputs)
    code = "import sys; from pathlib import Path; from desunt.review.store import open_store\n"
    code += "store = open_store(Path(sys.argv[1]), sys.argv[2] or None); store.index.refresh(); store.close()"
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(outputs), database or ""], stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in running:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
    store = open_store(outputs, database)
    assert store.queue.counts(QueueFilter()).total == 16
    store.close()
