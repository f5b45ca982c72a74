"""What becomes of a decision: it stands, is told of another, is undone, and is proved."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from desunt.record.document import Box
from desunt.review import decision_lookup
from desunt.review.store import Store, open_store
from desunt.review.store.types import Conflict, EditProposal, Invalid, NewGap, NotAllowed, NotFound, Proposal, QueueFilter
from tests.support.collections import write_collection


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def gaps(outputs: Path) -> list[str]:
    return write_collection(outputs)


@pytest.fixture
def store(outputs: Path, gaps: list[str], database: str | None) -> Iterator[Store]:
    opened = open_store(outputs, database)
    opened.index.refresh()
    yield opened
    opened.close()


def amend(store: Store, gap: str, text: str, editor: str = "anna", version: str | None = None, **more: object) -> Proposal:
    seen = store.decisions.version(gap) if version is None else version
    return Proposal(gap, "amended", editor, seen, "ink", text, **more)  # type: ignore[arg-type]


def test_an_accepted_candidate_stands_with_what_was_shown(store, gaps):
    entry = store.decisions.decide(
        Proposal(gaps[0], "accepted", "anna", "", "ink", "quondam", shown=("quondams", "quondam"), blind="quond")
    )
    assert (entry.shown, entry.probabilities, entry.blind) == (("quondams", "quondam"), (0.095, 0.62), "quond")
    assert (entry.top, entry.probability, entry.refused) == ("quondam", 0.62, False)
    assert entry.model is not None
    assert entry.settings[-1] == ("restore.model", "a-model")
    decision = store.decisions.standing(gaps[0]).decision
    assert (decision.text, decision.basis, decision.editor, decision.shown) == ("quondam", "ink", "anna", ("quondams", "quondam"))
    row = store.index.find_gap(gaps[0])
    assert (row.status, row.reading, row.decided_by, row.version) == ("decided", "quondam", "anna", entry.uid)


def test_the_second_of_two_is_told_and_both_are_logged(store, gaps):
    first = store.decisions.decide(amend(store, gaps[0], "quondam"))
    with pytest.raises(Conflict) as raised:
        store.decisions.decide(amend(store, gaps[0], "quandary", "bob", version=""))
    assert raised.value.theirs == first
    assert "anna" in str(raised.value)
    assert raised.value.mine.text == "quandary"
    assert store.decisions.conflicts() == (raised.value.mine,)
    assert [entry.text for entry in store.decisions.history(gaps[0])] == ["quondam", "quandary"]
    assert store.decisions.standing(gaps[0]).decision.text == "quondam"


def test_handing_in_twice_decides_once(store, gaps):
    proposal = amend(store, gaps[0], "quondam", version="", uid="a" * 32)
    assert store.decisions.decide(proposal) == store.decisions.decide(proposal)
    assert len(store.decisions.history(gaps[0])) == 1
    with pytest.raises(Invalid):
        store.decisions.decide(replace(proposal, gap_id=gaps[1]))


def test_undo_of_any_age_brings_back_what_stood_before(store, gaps):
    first = store.decisions.decide(amend(store, gaps[0], "one"))
    second = store.decisions.decide(amend(store, gaps[0], "two", "bob"))
    undone = store.decisions.undo(first.uid, "carl")
    assert store.decisions.standing(gaps[0]).decision.text == "two"
    store.decisions.undo(second.uid, "carl")
    assert store.decisions.standing(gaps[0]).status == "open"
    assert store.index.find_gap(gaps[0]).status == "open"
    store.decisions.undo(undone.uid, "carl")
    assert store.decisions.standing(gaps[0]).decision.text == "one"
    assert len(store.decisions.history(gaps[0])) == 5


def test_undo_of_what_was_undone_is_a_conflict(store, gaps):
    entry = store.decisions.decide(amend(store, gaps[0], "one"))
    undone = store.decisions.undo(entry.uid, "bob")
    with pytest.raises(Conflict) as raised:
        store.decisions.undo(entry.uid, "carl")
    assert raised.value.theirs == undone
    with pytest.raises(NotFound):
        store.decisions.undo("f" * 32, "carl")


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": None}, {"text": "  "}, {"basis": None}, {"verdict": "accepted", "text": "no candidate"}, {"verdict": "rejected"},
        {"verdict": "corrected", "document_id": "a0.tif"}, {"text": "a\x00b"}, {"text": "\ud800"}, {"editor": " "}, {"uid": "short"},
        {"verdict": "guessed"}, {"text": "x" * 20_001},
    ],
)  # fmt: skip
def test_a_decision_that_means_nothing_is_refused_and_not_logged(store, gaps, wrong):
    with pytest.raises(Invalid):
        store.decisions.decide(replace(amend(store, gaps[0], "quondam"), **wrong))
    assert store.decisions.verify_chain().rows == 0


def test_hostile_text_is_kept_letter_by_letter_but_for_what_nobody_sees(store, gaps):
    hostile = "<script>alert(1)</script> \u202ekcab\u2066 " + "w" * 10_000 + " '; DROP TABLE entries; -- 100%_\\ \U0001f5ff"
    store.decisions.decide(amend(store, gaps[0], hostile))
    seen = hostile.replace("\u202e", "").replace("\u2066", "")
    assert store.decisions.standing(gaps[0]).decision.text == seen
    assert store.index.find_gap(gaps[0]).reading == seen
    assert store.decisions.verify_chain().broken is None


@pytest.mark.parametrize("verdict", ["rejected", "left-open", "withheld", "blank", "handwriting"])
def test_verdicts_without_text(store, gaps, verdict):
    store.decisions.decide(Proposal(gaps[0], verdict, "anna", "", note="seen on the scan"))
    standing = store.decisions.standing(gaps[0])
    assert (standing.decision.verdict, standing.decision.note) == (verdict, "seen on the scan")
    assert standing.status == ("left-open" if verdict == "left-open" else "decided")


def test_a_word_that_was_never_flagged_is_corrected(store):
    line = store.index.edited_record("a0.tif").document.pages[0].lines[0]
    word = line.tokens[1]
    entry = store.decisions.decide(Proposal(word.id, "corrected", "anna", "", "ink", "them", document_id="a0.tif"))
    assert (entry.box, entry.page) == (word.box, 1)
    assert store.index.decided_record("a0.tif").decisions[word.id].text == "them"
    with pytest.raises(Conflict):
        store.decisions.decide(Proposal(word.id, "corrected", "bob", "", "ink", "than", document_id="a0.tif"))


def test_a_gap_is_added_decided_and_taken_back(store, outputs, database):
    line = store.index.edited_record("a0.tif").document.pages[0].lines[0]
    word = line.tokens[3]
    proposal = EditProposal("a0.tif", "add", line.id, (word.id,), None, (NewGap(word.box),), "anna", "")
    entry = store.decisions.edit(proposal)
    added = store.index.find_gap(entry.edit.gaps[0].id)
    assert (added.engine_reading, added.status, added.box) == ("agreed", "open", word.box)
    store.decisions.decide(amend(store, added.gap_id, "argued"))
    current = decision_lookup(outputs, database)("a0.tif")
    assert (current.decisions[added.gap_id].text, current.edits) == ("argued", (entry.edit,))
    with pytest.raises(Conflict):
        store.decisions.edit(proposal)
    store.decisions.undo(entry.uid, "bob")
    with pytest.raises(NotFound):
        store.index.find_gap(added.gap_id)
    assert [detached.entry.text for detached in store.decisions.detached()] == ["argued"]


def test_gaps_are_split_joined_and_moved(store, gaps):
    line = store.index.edited_record("a0.tif").document.pages[0].lines[0].id
    halves = (NewGap(Box(240, 40, 280, 70)), NewGap(Box(290, 40, 340, 70)))
    split = store.decisions.edit(EditProposal("a0.tif", "split", line, (gaps[0],), None, halves, "anna", ""))
    names = tuple(gap.id for gap in split.edit.gaps)
    assert [row.gap_id for row in store.queue.page(QueueFilter("document"), limit=2).rows] == list(names)
    moved = EditProposal("a0.tif", "move", line, names[:1], None, (NewGap(Box(230, 40, 285, 70)),), "bob", split.uid)
    version = store.decisions.edit(moved).uid
    assert store.index.find_gap(names[0]).box == Box(230, 40, 285, 70)
    joined = EditProposal("a0.tif", "join", line, names, None, (NewGap(Box(230, 40, 340, 70)),), "bob", version)
    store.decisions.edit(joined)
    assert store.queue.counts(QueueFilter()).total == len(gaps)
    assert store.decisions.verify_chain() == replace(store.decisions.verify_chain(), rows=3, broken=None)


@pytest.mark.parametrize(
    ("kind", "tokens", "count"),
    [("add", ("nothing",), 1), ("split", (), 2), ("split", ("gap",), 1), ("join", ("gap",), 1), ("move", ("word",), 1)],
)
def test_an_edit_of_the_wrong_shape_is_refused(store, gaps, kind, tokens, count):
    line = store.index.edited_record("a0.tif").document.pages[0].lines[0]
    names = tuple({"gap": gaps[0], "word": line.tokens[0].id}.get(token, token) for token in tokens)
    with pytest.raises(Invalid):
        store.decisions.edit(EditProposal("a0.tif", kind, line.id, names, None, (NewGap(None),) * count, "anna", ""))
    assert store.decisions.verify_chain().rows == 0


def test_the_chain_refuses_changes(store, gaps):
    store.decisions.decide(amend(store, gaps[0], "quondam"))
    for statement in ("UPDATE entries SET text = 'x'", "DELETE FROM entries"):
        with pytest.raises(DBAPIError, match="append-only"), store.database.writing() as connection:
            connection.execute(text(statement))
    assert store.decisions.standing(gaps[0]).decision.text == "quondam"


@pytest.mark.parametrize(
    ("tampering", "row"),
    [
        ("UPDATE entries SET text = 'x' WHERE seq = 2", 2), ("UPDATE entries SET editor = 'bob' WHERE seq = 3", 3),
        ("DELETE FROM entries WHERE seq = 2", 3), ("DELETE FROM entries WHERE seq = 4", 4),
        ("UPDATE entries SET stale = 1 WHERE seq = 1", 1), ("UPDATE entries SET box = '[]' WHERE seq = 4", 4),
    ],
)  # fmt: skip
def test_tampering_is_found_at_its_row(outputs, gaps, tampering, row):
    store = open_store(outputs)
    store.index.refresh()
    for gap in gaps[:4]:
        store.decisions.decide(amend(store, gap, "word"))
    assert (store.decisions.verify_chain().rows, store.decisions.verify_chain().broken) == (4, None)
    with sqlite3.connect(outputs / "desk.sqlite") as connection:
        for trigger in ("entries_no_update", "entries_no_delete"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(tampering)
    assert store.decisions.verify_chain().broken == row
    store.close()
    connection.close()


def test_readers_may_look_and_not_decide(store, gaps):
    store.accounts.add("rita", "a long password", "reader")
    with pytest.raises(NotAllowed):
        store.decisions.decide(amend(store, gaps[0], "quondam", "rita"))
    with pytest.raises(NotAllowed):
        store.decisions.decide(amend(store, gaps[0], "quondam", "a stranger"))
    assert store.decisions.verify_chain().rows == 0
