"""What there is to decide, in which order, and what the index of the records knows."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from desunt.errors import UsageError
from desunt.record.document import Box
from desunt.record.files import write_record
from desunt.review import decision_lookup
from desunt.review.store import Store, open_store
from desunt.review.store.types import Invalid, Proposal, QueueFilter
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


def walk(store: Store, queue_filter: QueueFilter, limit: int) -> list[str]:
    ids, cursor = [], None
    while True:
        page = store.queue.page(queue_filter, cursor, limit)
        ids += [row.gap_id for row in page.rows]
        cursor = page.following
        if cursor is None:
            return ids


@pytest.mark.parametrize("order", ["most_certain", "document", "least_certain"])
def test_queue_gives_each_gap_once_in_every_order(store, gaps, order):
    queue_filter = QueueFilter(order)
    ids = walk(store, queue_filter, 3)
    assert sorted(ids) == sorted(gaps)
    assert ids == [row.gap_id for row in store.queue.page(queue_filter, None, 100).rows]


def test_order_by_document_is_reading_order(store, gaps):
    assert walk(store, QueueFilter("document"), 5) == gaps


def test_most_certain_has_the_likeliest_first_and_refusals_last(store):
    rows = store.queue.page(QueueFilter("most_certain"), limit=100).rows
    assert [row.probability for row in rows[:4]] == [0.91] * 4
    assert all(row.refusal for row in rows[-4:])
    least_certain = store.queue.page(QueueFilter("least_certain"), limit=100).rows
    assert [row.probability for row in least_certain] == sorted(row.probability for row in rows)


def test_queue_goes_back_as_it_came(store):
    first = store.queue.page(QueueFilter(), limit=3)
    second = store.queue.page(QueueFilter(), first.following, 3)
    assert first.preceding is None
    assert store.queue.page(QueueFilter(), second.preceding, 3).rows == first.rows
    assert store.queue.page(QueueFilter(), second.preceding, 3).preceding is None


def test_a_cursor_of_another_order_is_refused(store):
    cursor = store.queue.page(QueueFilter("most_certain"), limit=3).following
    for wrong in (cursor, "x", "", "é", "WzFd"):
        if wrong:
            with pytest.raises(Invalid):
                store.queue.page(QueueFilter("document"), wrong)


def test_a_cursor_with_the_word_of_0_2_0_is_read(store):
    first = store.queue.page(QueueFilter("most_certain"), limit=3)
    order, *position = json.loads(base64.urlsafe_b64decode(first.following))
    assert order == "most_certain"
    old = base64.urlsafe_b64encode(json.dumps(["cheap", *position]).encode()).decode()
    assert store.queue.page(QueueFilter("most_certain"), old, 3) == store.queue.page(QueueFilter("most_certain"), first.following, 3)


@pytest.mark.parametrize(
    ("queue_filter", "count"),
    [
        (QueueFilter(document="a1.tif"), 8), (QueueFilter(kind="number"), 4), (QueueFilter(kind="name"), 4), (QueueFilter(refused=True), 4),
        (QueueFilter(text="HARRI"), 4),
        (QueueFilter(text="100%"), 0), (QueueFilter(least=9), 4), (QueueFilter(most=4), 8), (QueueFilter(reason="damaged"), 0),
        (QueueFilter(mine="anna"), 0),
        (QueueFilter(status="decided"), 0), (QueueFilter(status=None), 16),
    ],
)  # fmt: skip
def test_filters(store, queue_filter, count):
    assert store.queue.counts(queue_filter).total == count == len(walk(store, queue_filter, 5))


def test_counts_offer_the_other_choices(store, gaps):
    store.decisions.decide(amended(gaps[0], "quondam"))
    counts = store.queue.counts(QueueFilter(document="a0.tif"))
    assert counts.total == 7
    assert counts.status == {"open": 7, "decided": 1}
    assert counts.document == {"a1.tif": 8, "a0.tif": 7}


def test_next_works_from_a_gap_that_was_just_decided(store, gaps):
    queue_filter = QueueFilter("document")
    store.decisions.decide(amended(gaps[3], "lease"))
    assert [row.gap_id for row in store.queue.following(queue_filter, gaps[3], 2)] == gaps[4:6]
    assert store.queue.following(queue_filter, gaps[-1]) == ()


def test_a_row_tells_all_a_page_needs(store, gaps):
    row = store.index.find_gap(gaps[2])
    assert (row.document_id, row.page, row.line, row.box) == ("a0.tif", 1, 3, Box(240, 140, 340, 170))
    assert (row.top, row.probability, row.engine_reading, row.kind) == ("Harriman", 0.34, "H4rr!man", "name")
    assert row.before.endswith("We then")
    assert row.after.startswith("agreed word2")
    assert (row.status, row.version) == ("open", "")


def test_index_reads_only_what_changed(store, outputs):
    assert store.index.refresh().changed == 0
    write_record(made_record("a1.tif", lines=9), outputs / "a1")
    assert store.index.refresh().changed == 1
    assert store.queue.counts(QueueFilter()).total == 17


def test_a_folder_that_is_gone_keeps_its_decisions_listed(store, outputs, gaps):
    entry = store.decisions.decide(amended(gaps[0], "quondam"))
    (outputs / "a0").rename(outputs.parent / "away")
    store.index.refresh()
    assert [row.missing for row in store.index.documents()] == [True, False]
    assert [(detached.entry.uid, detached.problem) for detached in store.decisions.detached()] == [
        (entry.uid, "the document's folder is gone")
    ]
    (outputs.parent / "away").rename(outputs / "a0")
    store.index.refresh()
    assert store.index.find_gap(gaps[0]).reading == "quondam"
    assert store.decisions.detached() == ()


def test_a_broken_record_is_named_and_the_others_are_read(store, outputs):
    (outputs / "a0" / "record.json").write_text("{}")
    result = store.index.refresh()
    assert len(result.problems) == 1
    assert "a0" in result.problems[0]
    assert store.queue.counts(QueueFilter(document="a1.tif")).total == 8


def test_where_a_candidate_stands_elsewhere(store):
    assert [(occurrence.document_id, occurrence.times) for occurrence in store.index.find_occurrences("AGREED.")] == [
        ("a0.tif", 8),
        ("a1.tif", 8),
    ]
    assert len(store.index.find_occurrences("we then", "a0.tif")) == 8
    assert store.index.find_occurrences("quondam") == ()


def test_without_a_desk_nothing_is_decided_and_no_database_made(outputs, gaps):
    assert decision_lookup(outputs, None)("a0.tif") is None
    assert not (outputs / "desk.sqlite").exists()


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "nonsense", "sqlite:////no/such/folder/desk.sqlite", "postgresql://nobody@127.0.0.1:1/none"]
)
def test_a_database_that_cannot_be_opened_is_a_usage_error(outputs, url):
    with pytest.raises(UsageError) as raised:
        open_store(outputs, url)
    assert raised.value.remedy


def test_a_password_in_an_address_is_not_shown(outputs):
    with pytest.raises(UsageError) as raised:
        open_store(outputs, "postgresql://nobody:secret@127.0.0.1:1/none")
    assert "secret" not in str(raised.value)
