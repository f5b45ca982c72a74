"""What there is to decide, in which order, and what the index of the records knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from desunt.errors import UsageError
from desunt.record.document import Box
from desunt.record.files import write_record
from desunt.review import decided
from desunt.review.store import Store, open_store
from desunt.review.store.types import Invalid, Proposal, Query
from tests.support.collections import made_record, write_collection


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


def amended(gap: str, text: str) -> Proposal:
    return Proposal(gap, "amended", "anna", "", "ink", text)


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
    store.decisions.decide(amended(gaps[0], "quondam"))
    counts = store.queue.counts(Query(document="a0.tif"))
    assert counts.total == 7
    assert counts.status == {"open": 7, "decided": 1}
    assert counts.document == {"a1.tif": 8, "a0.tif": 7}


def test_next_works_from_a_gap_that_was_just_decided(store, gaps):
    query = Query("document")
    store.decisions.decide(amended(gaps[3], "lease"))
    assert [row.gap_id for row in store.queue.ahead(query, gaps[3], 2)] == gaps[4:6]
    assert store.queue.ahead(query, gaps[-1]) == ()


def test_a_row_tells_all_a_page_needs(store, gaps):
    row = store.index.gap(gaps[2])
    assert (row.document_id, row.page, row.line, row.box) == ("a0.tif", 1, 3, Box(240, 140, 340, 170))
    assert (row.top, row.probability, row.engine_reading, row.kind) == ("Harriman", 0.34, "H4rr!man", "name")
    assert row.before.endswith("We then")
    assert row.after.startswith("agreed word2")
    assert (row.status, row.version) == ("open", "")


def test_index_reads_only_what_changed(store, outputs):
    assert store.index.refresh().changed == 0
    write_record(made_record("a1.tif", lines=9), outputs / "a1")
    assert store.index.refresh().changed == 1
    assert store.queue.counts(Query()).total == 17


def test_a_folder_that_is_gone_keeps_its_decisions_listed(store, outputs, gaps):
    entry = store.decisions.decide(amended(gaps[0], "quondam"))
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


def test_without_a_desk_nothing_is_decided_and_no_database_made(outputs, gaps):
    assert decided(outputs, None)("a0.tif") is None
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
