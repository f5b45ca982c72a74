"""The store: what there is to decide, in which order, and what becomes of a decision."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from desunt.document import Box
from desunt.errors import UsageError
from desunt.record import write_record
from desunt.review import decided
from desunt.review.store import Store, open_store
from desunt.review.store.types import Conflict, EditProposal, Invalid, NewGap, NotAllowed, Proposal, Query, Unknown
from tests.collections_made import made_record, write_collection


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


def walk(store: Store, query: Query, limit: int) -> list[str]:
    found, cursor = [], None
    while True:
        page = store.queue.page(query, cursor, limit)
        found += [row.gap_id for row in page.rows]
        cursor = page.following
        if cursor is None:
            return found


@pytest.mark.parametrize("order", ["cheap", "document", "doubt"])
def test_queue_gives_each_gap_once_in_every_order(store, gaps, order):
    query = Query(order)
    found = walk(store, query, 3)
    assert sorted(found) == sorted(gaps)
    assert found == [row.gap_id for row in store.queue.page(query, None, 100).rows]


def test_order_by_document_is_reading_order(store, gaps):
    assert walk(store, Query("document"), 5) == gaps


def test_cheap_has_the_likeliest_first_and_refusals_last(store):
    rows = store.queue.page(Query("cheap"), limit=100).rows
    assert [row.probability for row in rows[:4]] == [0.91] * 4
    assert all(row.refusal for row in rows[-4:])
    doubt = store.queue.page(Query("doubt"), limit=100).rows
    assert [row.probability for row in doubt] == sorted(row.probability for row in rows)


def test_queue_goes_back_as_it_came(store):
    first = store.queue.page(Query(), limit=3)
    second = store.queue.page(Query(), first.following, 3)
    assert first.preceding is None
    assert store.queue.page(Query(), second.preceding, 3).rows == first.rows
    assert store.queue.page(Query(), second.preceding, 3).preceding is None


def test_a_cursor_of_another_order_is_refused(store):
    cursor = store.queue.page(Query("cheap"), limit=3).following
    for wrong in (cursor, "x", "", "é", "WzFd"):
        if wrong:
            with pytest.raises(Invalid):
                store.queue.page(Query("document"), wrong)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (Query(document="a1.tif"), 8), (Query(kind="number"), 4), (Query(kind="name"), 4), (Query(refused=True), 4),
        (Query(text="HARRI"), 4),
        (Query(text="100%"), 0), (Query(least=9), 4), (Query(most=4), 8), (Query(reason="damaged"), 0), (Query(mine="anna"), 0),
        (Query(status="decided"), 0), (Query(status=None), 16),
    ],
)  # fmt: skip
def test_filters(store, query, count):
    assert store.queue.counts(query).total == count == len(walk(store, query, 5))


def test_counts_offer_the_other_choices(store, gaps):
    store.decisions.decide(amend(store, gaps[0], "quondam"))
    counts = store.queue.counts(Query(document="a0.tif"))
    assert counts.total == 7
    assert counts.status == {"open": 7, "decided": 1}
    assert counts.document == {"a1.tif": 8, "a0.tif": 7}


def test_next_works_from_a_gap_that_was_just_decided(store, gaps):
    query = Query("document")
    store.decisions.decide(amend(store, gaps[3], "lease"))
    assert [row.gap_id for row in store.queue.ahead(query, gaps[3], 2)] == gaps[4:6]
    assert store.queue.ahead(query, gaps[-1]) == ()


def test_a_row_tells_all_a_page_needs(store, gaps):
    row = store.index.gap(gaps[2])
    assert (row.document_id, row.page, row.line, row.box) == ("a0.tif", 1, 3, Box(240, 140, 340, 170))
    assert (row.top, row.probability, row.engine_reading, row.kind) == ("Harriman", 0.34, "H4rr!man", "name")
    assert row.before.endswith("We then")
    assert row.after.startswith("agreed word2")
    assert (row.status, row.version) == ("open", "")


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
    row = store.index.gap(gaps[0])
    assert (row.status, row.reading, row.decided_by, row.version) == ("decided", "quondam", "anna", entry.uid)


def test_the_second_of_two_is_told_and_both_are_logged(store, gaps):
    first = store.decisions.decide(amend(store, gaps[0], "quondam"))
    with pytest.raises(Conflict) as told:
        store.decisions.decide(amend(store, gaps[0], "quandary", "bob", version=""))
    assert told.value.theirs == first
    assert "anna" in str(told.value)
    assert told.value.mine.text == "quandary"
    assert store.decisions.conflicts() == (told.value.mine,)
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
    assert store.index.gap(gaps[0]).status == "open"
    store.decisions.undo(undone.uid, "carl")
    assert store.decisions.standing(gaps[0]).decision.text == "one"
    assert len(store.decisions.history(gaps[0])) == 5


def test_undo_of_what_was_undone_is_a_conflict(store, gaps):
    entry = store.decisions.decide(amend(store, gaps[0], "one"))
    undone = store.decisions.undo(entry.uid, "bob")
    with pytest.raises(Conflict) as told:
        store.decisions.undo(entry.uid, "carl")
    assert told.value.theirs == undone
    with pytest.raises(Unknown):
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


def test_hostile_text_is_kept_letter_by_letter(store, gaps):
    hostile = "<script>alert(1)</script> \u202ekcab\u2066 " + "w" * 10_000 + " '; DROP TABLE entries; -- 100%_\\ \U0001f5ff"
    store.decisions.decide(amend(store, gaps[0], hostile))
    assert store.decisions.standing(gaps[0]).decision.text == hostile
    assert store.index.gap(gaps[0]).reading == hostile
    assert store.decisions.verify_chain().broken is None


@pytest.mark.parametrize("verdict", ["rejected", "left-open", "withheld", "blank", "handwriting"])
def test_verdicts_without_text(store, gaps, verdict):
    store.decisions.decide(Proposal(gaps[0], verdict, "anna", "", note="seen on the scan"))
    standing = store.decisions.standing(gaps[0])
    assert (standing.decision.verdict, standing.decision.note) == (verdict, "seen on the scan")
    assert standing.status == ("left-open" if verdict == "left-open" else "decided")


def test_a_word_that_was_never_flagged_is_corrected(store):
    line = store.index.shown("a0.tif").document.pages[0].lines[0]
    word = line.tokens[1]
    entry = store.decisions.decide(Proposal(word.id, "corrected", "anna", "", "ink", "them", document_id="a0.tif"))
    assert (entry.box, entry.page) == (word.box, 1)
    assert store.index.record("a0.tif").decisions[word.id].text == "them"
    with pytest.raises(Conflict):
        store.decisions.decide(Proposal(word.id, "corrected", "bob", "", "ink", "than", document_id="a0.tif"))


def test_a_gap_is_added_decided_and_taken_back(store, outputs, database):
    line = store.index.shown("a0.tif").document.pages[0].lines[0]
    word = line.tokens[3]
    proposal = EditProposal("a0.tif", "add", line.id, (word.id,), None, (NewGap(word.box),), "anna", "")
    entry = store.decisions.edit(proposal)
    added = store.index.gap(entry.edit.gaps[0].id)
    assert (added.engine_reading, added.status, added.box) == ("agreed", "open", word.box)
    store.decisions.decide(amend(store, added.gap_id, "argued"))
    decisions, edits = decided(outputs, database)("a0.tif")
    assert (decisions[added.gap_id].text, edits) == ("argued", (entry.edit,))
    with pytest.raises(Conflict):
        store.decisions.edit(proposal)
    store.decisions.undo(entry.uid, "bob")
    with pytest.raises(Unknown):
        store.index.gap(added.gap_id)
    assert [one.entry.text for one in store.decisions.detached()] == ["argued"]


def test_gaps_are_split_joined_and_moved(store, gaps):
    line = store.index.shown("a0.tif").document.pages[0].lines[0].id
    halves = (NewGap(Box(240, 40, 280, 70)), NewGap(Box(290, 40, 340, 70)))
    split = store.decisions.edit(EditProposal("a0.tif", "split", line, (gaps[0],), None, halves, "anna", ""))
    names = tuple(gap.id for gap in split.edit.gaps)
    assert [row.gap_id for row in store.queue.page(Query("document"), limit=2).rows] == list(names)
    moved = EditProposal("a0.tif", "move", line, names[:1], None, (NewGap(Box(230, 40, 285, 70)),), "bob", split.uid)
    version = store.decisions.edit(moved).uid
    assert store.index.gap(names[0]).box == Box(230, 40, 285, 70)
    joined = EditProposal("a0.tif", "join", line, names, None, (NewGap(Box(230, 40, 340, 70)),), "bob", version)
    store.decisions.edit(joined)
    assert store.queue.counts(Query()).total == len(gaps)
    assert store.decisions.verify_chain() == replace(store.decisions.verify_chain(), rows=3, broken=None)


@pytest.mark.parametrize(
    ("kind", "tokens", "count"),
    [("add", ("nothing",), 1), ("split", (), 2), ("split", ("gap",), 1), ("join", ("gap",), 1), ("move", ("word",), 1)],
)
def test_an_edit_of_the_wrong_shape_is_refused(store, gaps, kind, tokens, count):
    line = store.index.shown("a0.tif").document.pages[0].lines[0]
    names = tuple({"gap": gaps[0], "word": line.tokens[0].id}.get(token, token) for token in tokens)
    with pytest.raises(Invalid):
        store.decisions.edit(EditProposal("a0.tif", kind, line.id, names, None, (NewGap(None),) * count, "anna", ""))
    assert store.decisions.verify_chain().rows == 0


def test_index_reads_only_what_changed(store, outputs):
    assert store.index.refresh().changed == 0
    write_record(made_record("a1.tif", lines=9), outputs / "a1")
    assert store.index.refresh().changed == 1
    assert store.queue.counts(Query()).total == 17


def test_a_folder_that_is_gone_keeps_its_decisions_listed(store, outputs, gaps):
    entry = store.decisions.decide(amend(store, gaps[0], "quondam"))
    (outputs / "a0").rename(outputs.parent / "away")
    store.index.refresh()
    assert [row.missing for row in store.index.documents()] == [True, False]
    assert [(one.entry.uid, one.problem) for one in store.decisions.detached()] == [(entry.uid, "the document's folder is gone")]
    (outputs.parent / "away").rename(outputs / "a0")
    store.index.refresh()
    assert store.index.gap(gaps[0]).reading == "quondam"
    assert store.decisions.detached() == ()


def test_a_broken_record_is_named_and_the_others_are_read(store, outputs):
    (outputs / "a0" / "record.json").write_text("{}")
    found = store.index.refresh()
    assert len(found.problems) == 1
    assert "a0" in found.problems[0]
    assert store.queue.counts(Query(document="a1.tif")).total == 8


def test_where_a_candidate_stands_elsewhere(store):
    assert [(one.document_id, one.times) for one in store.index.occurrences("AGREED.")] == [("a0.tif", 8), ("a1.tif", 8)]
    assert len(store.index.occurrences("we then", "a0.tif")) == 8
    assert store.index.occurrences("quondam") == ()


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


def test_without_a_desk_nothing_is_decided_and_no_database_made(outputs, gaps):
    assert decided(outputs, None)("a0.tif") == ({}, ())
    assert not (outputs / "desk.sqlite").exists()


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "nonsense", "sqlite:////no/such/folder/desk.sqlite", "postgresql://nobody@127.0.0.1:1/none"]
)
def test_a_database_that_cannot_be_opened_is_a_usage_error(outputs, url):
    with pytest.raises(UsageError) as told:
        open_store(outputs, url)
    assert told.value.remedy


def test_a_password_in_an_address_is_not_shown(outputs):
    with pytest.raises(UsageError) as told:
        open_store(outputs, "postgresql://nobody:secret@127.0.0.1:1/none")
    assert "secret" not in str(told.value)
