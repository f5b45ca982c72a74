"""A desk's database that desunt 0.2.0 made: it opens, its decisions hold, work goes on, and it exports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from desunt.record.files import read_record
from desunt.review import decision_lookup
from desunt.review.store import Store, open_store
from desunt.review.store.file_stamp import file_stamp
from desunt.review.store.migrations import upgrade
from desunt.review.store.types import Proposal, QueueFilter
from tests.support.collections import write_collection

# What the tables held after a few decisions, an undo, two second readings and an edit.
ROWS = Path(__file__).parents[2] / "golden" / "desk-0.2.0.sql"
REVISION_OF_0_2_0 = "0001"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    write_collection(tmp_path, documents=1, lines=6)
    engine = create_engine(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    with engine.begin() as connection:
        upgrade(connection, REVISION_OF_0_2_0)
        for row in ROWS.read_text("utf-8").splitlines()[1:]:
            connection.exec_driver_sql(row)
        # The files lie in another place now, and are the same: the rows of the index are what 0.2.0 wrote.
        connection.exec_driver_sql("UPDATE documents SET glance = ?", (file_stamp(tmp_path / "a0"),))
    engine.dispose()
    return tmp_path


@pytest.fixture
def store(outputs: Path):
    opened = open_store(outputs)
    yield opened
    opened.close()


def gaps_by_status(store: Store) -> dict[str, str]:
    return {row.top: row.status for row in store.queue.page(QueueFilter("document", status=None)).rows[:4]}


def test_what_was_decided_holds_and_the_chain_too(store):
    assert store.index.refresh().changed == 0
    assert store.decisions.verify_chain().broken is None
    assert gaps_by_status(store) == {"quondam": "decided", "1945": "left-open", "Harriman": "open", "lease": "contested"}
    assert [row.reading for row in store.queue.page(QueueFilter(status="decided")).rows] == ["quondam"]
    assert [row.text for row in (disagreement.first for disagreement in store.second_readings.disagreements())] == ["lease"]


def test_the_word_for_excluded_gaps_is_read_as_it_was_written(store, outputs):
    (row,) = store.queue.page(QueueFilter(status="excluded")).rows
    assert (row.reason, row.status) == ("withheld", "excluded")
    assert store.queue.counts(QueueFilter(status=None)).status["excluded"] == 1
    assert store.progress.by_document()[0].aside == 1
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT status FROM gaps WHERE gap_id = ?", (row.gap_id,)).scalar() == "aside"


def test_work_goes_on(store):
    row = store.queue.page(QueueFilter("document")).rows[0]
    entry = store.decisions.decide(Proposal(row.gap_id, "accepted", "Carl", row.version, "guess", "Harriman", shown=("Harriman",)))
    assert entry.seq == 9
    undone = store.decisions.undo(store.decisions.recent("Ben")[0].uid, "Ben")
    assert undone.action == "revoke"
    assert store.decisions.verify_chain().broken is None
    assert store.index.refresh(redo=True).problems == ()
    assert store.index.find_gap(row.gap_id).reading == "Harriman"


def test_it_exports(store, outputs):
    lines = [json.loads(line) for line in store.exchange.export_jsonl()]
    assert [line["seq"] for line in lines] == list(range(1, 9))
    assert {line["schema"] for line in lines} == {"desunt-decisions-1"}
    decisions = decision_lookup(outputs, None)(read_record(outputs / "a0").document.id)
    assert {decision.verdict for decision in decisions.decisions.values()} == {"accepted", "left-open"}
    assert [edit.kind for edit in decisions.edits] == ["move"]
