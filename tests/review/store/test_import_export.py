"""Decisions travel: to another database and back, and over to a page that was read anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desunt.errors import IntegrityError
from desunt.record.files import write_record
from desunt.review.store import Store, open_store
from desunt.review.store.types import EditProposal, NewGap, Proposal, QueueFilter
from desunt.review.store.validation import visible_text
from tests.support.collections import made_record, read_anew, write_collection

HOSTILE = "=cmd|' /C calc'!A0,\"x\"\r\n'null' \u202e<script>"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    write_collection(tmp_path / "outputs")
    return tmp_path / "outputs"


@pytest.fixture
def gaps() -> list[str]:
    return [gap.id for number in range(2) for gap in made_record(f"a{number}.tif", lines=8).document.gaps]


@pytest.fixture
def store(outputs: Path, database: str | None) -> Iterator[Store]:
    opened = open_store(outputs, database)
    opened.index.refresh()
    yield opened
    opened.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    write_collection(tmp_path / "elsewhere")
    opened = open_store(tmp_path / "elsewhere")
    opened.index.refresh()
    yield opened
    opened.close()


def says(store: Store, gap: str, text: str, editor: str = "anna") -> Proposal:
    return Proposal(gap, "amended", editor, store.decisions.version(gap), "ink", text)


@pytest.fixture
def worked(store: Store, gaps: list[str]) -> Store:
    """A store with entries of many kinds."""
    store.decisions.decide(Proposal(gaps[0], "accepted", "anna", "", "guess", "quondam", shown=("quondam",), blind="null"))
    store.decisions.decide(says(store, gaps[1], HOSTILE))
    store.decisions.undo(store.decisions.decide(says(store, gaps[2], "x")).uid, "bob")
    store.decisions.decide(says(store, gaps[3], "lease"))
    store.second_readings.assign([gaps[3]], "bob", "anna")
    store.second_readings.read(store.second_readings.waiting_for("bob")[0].id, says(store, gaps[3], "port", "bob"))
    line = store.index.edited_record("a0.tif").document.pages[0].lines[6]
    store.decisions.edit(EditProposal("a0.tif", "add", line.id, (line.tokens[0].id,), None, (NewGap(line.tokens[0].box),), "carl", ""))
    return store


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_is_taken_over_whole_and_only_once(worked, other, gaps, form):
    lines = list(getattr(worked.exchange, f"export_{form}")())
    first = getattr(other.exchange, f"import_{form}")(lines)
    again = getattr(other.exchange, f"import_{form}")(lines)
    assert (first.added, first.conflicts, again.added, again.already_there) == (7, (), 0, 7)
    assert [(e.uid, e.editor, e.at, e.text, e.blind) for e in other.decisions.recent()] == [
        (e.uid, e.editor, e.at, e.text, e.blind) for e in worked.decisions.recent()
    ]
    for gap in gaps[:4]:
        assert other.decisions.standing(gap) == worked.decisions.standing(gap)
    assert other.queue.counts(QueueFilter(status=None)) == worked.queue.counts(QueueFilter(status=None))
    assert other.decisions.verify_chain().broken is None


def test_what_was_decided_otherwise_meanwhile_is_a_conflict_and_kept(worked, other, gaps):
    mine = other.decisions.decide(says(other, gaps[0], "quorum", "zoe"))
    done = other.exchange.import_jsonl(worked.exchange.export_jsonl())
    assert len(done.conflicts) == 1
    assert gaps[0] in done.conflicts[0][1]
    assert other.decisions.standing(gaps[0]).uid == mine.uid
    assert [entry.text for entry in other.decisions.conflicts()] == ["quondam"]


@pytest.mark.parametrize("field", ["text", "editor", "at", "seq", "schema", "previous"])
def test_a_line_that_was_changed_is_refused_and_nothing_taken_over(worked, other, field):
    lines = list(worked.exchange.export_jsonl())
    values = json.loads(lines[3])
    lines[3] = json.dumps({**values, field: 99 if field == "seq" else "changed"})
    with pytest.raises(IntegrityError):
        other.exchange.import_jsonl(lines)
    assert other.decisions.verify_chain().rows == 0


@pytest.mark.parametrize("line", ["{", "[]", "null", '{"schema": "desunt-decisions-99"}', "{}"])
def test_what_is_no_entry_is_refused(other, line):
    with pytest.raises(IntegrityError):
        other.exchange.import_jsonl([line])


def test_a_row_that_is_left_out_is_noticed_where_the_next_one_follows(worked, other):
    lines = list(worked.exchange.export_jsonl())
    swapped = [lines[0], json.dumps({**json.loads(lines[2]), "seq": 2}), *lines[3:]]
    with pytest.raises(IntegrityError):
        other.exchange.import_jsonl(swapped)


def anew(store: Store, outputs: Path, shift: int, **changes: frozenset[int]) -> list[str]:
    """Let another engine read the first document; return the ids of its gaps, in the old order."""
    record = read_anew(made_record("a0.tif"), shift, **changes)
    write_record(record, outputs / "a0")
    store.index.refresh()
    return [gap.id for gap in record.document.gaps]


def test_decisions_move_to_the_gap_in_their_place(worked, outputs, gaps):
    old = worked.decisions.standing(gaps[1]).decision
    new = anew(worked, outputs, 30)
    moved = worked.decisions.standing(new[1]).decision
    assert (moved.text, moved.editor, moved.at) == (old.text, old.editor, old.at)
    assert [worked.index.find_gap(gap).status for gap in new[:5]] == ["decided", "decided", "open", "contested", "open"]
    assert worked.index.decided_record("a0.tif").decisions.keys() >= {new[0], new[1]}
    assert worked.decisions.verify_chain().broken is None
    rows = worked.decisions.verify_chain().rows
    worked.index.refresh(redo=True)
    assert worked.decisions.verify_chain().rows == rows
    third = anew(worked, outputs, 30)
    assert third == new


def test_half_the_box_is_the_least_that_is_enough(worked, outputs):
    new = anew(worked, outputs, 34)
    assert {worked.index.find_gap(gap).status for gap in new} == {"open"}
    problems = {detached.entry.text: detached.problem for detached in worked.decisions.detached()}
    assert problems["quondam"] == "nothing on the page as it is read now lies in its place"
    assert len(worked.decisions.detached()) == 4


def test_what_finds_no_gap_is_listed_with_its_reason(worked, outputs):
    anew(worked, outputs, 0, drop=frozenset({0}), words=frozenset({1}))
    problems = {detached.entry.text: detached.problem for detached in worked.decisions.detached()}
    assert problems == {
        "quondam": "nothing on the page as it is read now lies in its place",
        visible_text(HOSTILE): "the page is now read there as 'quondam'",
        None: "its line is read otherwise now",
    }


def test_a_move_can_be_taken_back_and_is_not_repeated(worked, outputs, gaps):
    new = anew(worked, outputs, 10)
    worked.decisions.undo(worked.decisions.standing(new[0]).uid, "dora")
    worked.index.refresh(redo=True)
    assert worked.index.find_gap(new[0]).status == "open"


def test_decisions_come_back_when_the_old_reading_does(worked, outputs, gaps):
    new = anew(worked, outputs, 10)
    other = worked.decisions.decide(says(worked, new[0], "quorum", "dora"))
    write_record(made_record("a0.tif"), outputs / "a0")
    worked.index.refresh()
    assert worked.index.find_gap(gaps[0]).reading == "quondam"
    listed = {detached.entry.uid: detached.problem for detached in worked.decisions.detached()}
    assert listed == {other.uid: "the gap in its place was decided otherwise"}


def test_the_same_entry_with_another_content_is_not_taken(worked, other, gaps):
    other.exchange.import_jsonl(worked.exchange.export_jsonl())
    uid = worked.decisions.standing(gaps[0]).uid
    mine = other.decisions.find(uid)
    assert (mine.origin, replace(mine, origin=None).text) == (worked.decisions.find(uid).hash, "quondam")
