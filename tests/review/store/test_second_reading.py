"""Second readers, series, progress and accounts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desunt.cli import app
from desunt.review.store import Store, open_store
from desunt.review.store.types import Conflict, Invalid, NotAllowed, NotFound, Proposal, QueueFilter, Throttled
from tests.support.collections import write_collection

PASSWORD = "a long password"


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.minute = 0

    def __call__(self) -> str:
        return f"2026-01-01T{self.minute // 60:02d}:{self.minute % 60:02d}:00.000Z"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gaps(tmp_path: Path) -> list[str]:
    return write_collection(tmp_path / "outputs")


@pytest.fixture
def store(tmp_path: Path, gaps: list[str], database: str | None, clock: Clock) -> Iterator[Store]:
    opened = open_store(tmp_path / "outputs", database, clock=clock)
    opened.index.refresh()
    yield opened
    opened.close()


def says(store: Store, gap: str, editor: str, text: str) -> Proposal:
    return Proposal(gap, "amended", editor, store.decisions.version(gap), "ink", text)


def read_again(store: Store, gap: str, reader: str, text: str) -> str:
    store.second_readings.assign([gap], reader, "anna")
    assignment = next(assignment for assignment in store.second_readings.waiting_for(reader) if assignment.gap_id == gap)
    return store.second_readings.read(assignment.id, replace(says(store, gap, reader, text), version=""))


def test_who_reads_the_same_confirms(store, gaps):
    store.decisions.decide(says(store, gaps[0], "anna", "quondam"))
    assert read_again(store, gaps[0], "bob", "quondam") == "confirm"
    assert read_again(store, gaps[0], "carl", "quondam") == "confirm"
    assert store.decisions.standing(gaps[0]).decision.confirmed_by == ("bob", "carl")
    assert store.index.find_gap(gaps[0]).confirmed == 2
    assert store.second_readings.waiting_for("bob") == ()
    assert store.progress.agreement().confirmed == 2


def test_what_is_contested_does_not_stand_until_an_approver_resolves_it(store, gaps):
    store.decisions.decide(says(store, gaps[0], "anna", "quondam"))
    assert read_again(store, gaps[0], "bob", "quandary") == "contest"
    assert store.index.decided_record("a0.tif").decisions == {}
    assert store.index.find_gap(gaps[0]).status == "contested"
    (disagreement,) = store.second_readings.disagreements()
    assert (disagreement.first.text, [entry.text for entry in disagreement.others]) == ("quondam", ["quandary"])
    with pytest.raises(NotAllowed):
        store.decisions.decide(says(store, gaps[0], "anna", "quondam"))
    with pytest.raises(NotAllowed):
        store.second_readings.resolve(gaps[0], says(store, gaps[0], "bob", "quandary"))
    seen = says(store, gaps[0], "dora", "quandary")
    store.second_readings.resolve(gaps[0], seen)
    decision = store.decisions.standing(gaps[0]).decision
    assert (decision.text, decision.editor, decision.confirmed_by) == ("quandary", "dora", ("bob",))
    assert store.second_readings.disagreements() == ()
    with pytest.raises(Conflict):
        store.second_readings.resolve(gaps[0], replace(seen, editor="erik"))


def test_the_second_reader_sees_nothing_of_the_first(store, gaps):
    store.decisions.decide(says(store, gaps[0], "anna", "quondam-by-anna"))
    store.second_readings.assign([gaps[0]], "bob", "carl")
    (assignment,) = store.second_readings.waiting_for("bob")
    assert "anna" not in repr(assignment)


def test_only_what_others_decided_is_given(store, gaps):
    store.decisions.decide(says(store, gaps[0], "anna", "one"))
    store.decisions.decide(says(store, gaps[1], "bob", "two"))
    assert store.second_readings.assign(gaps, "anna", "carl") == 1
    assert store.second_readings.assign(gaps, "anna", "carl") == 0
    assert store.second_readings.assign_sample("dora", "carl", 5) == 2
    assert store.second_readings.assign_sample("dora", "carl", 5, QueueFilter(document="a0.tif")) == 0


def test_a_second_reading_of_what_was_taken_back_is_kept_without_effect(store, gaps):
    entry = store.decisions.decide(says(store, gaps[0], "anna", "one"))
    store.second_readings.assign([gaps[0]], "bob", "anna")
    store.decisions.undo(entry.uid, "anna")
    (assignment,) = store.second_readings.waiting_for("bob")
    with pytest.raises(NotAllowed):
        store.second_readings.read(assignment.id, says(store, gaps[0], "carl", "two"))
    assert store.second_readings.read(assignment.id, says(store, gaps[0], "bob", "two")) == "void"
    assert store.decisions.standing(gaps[0]).status == "open"
    assert store.decisions.history(gaps[0])[-1].text == "two"
    with pytest.raises(Invalid):
        store.second_readings.read(assignment.id, says(store, gaps[0], "bob", "two"))


def test_roles_bind_second_readers_and_judges(store, gaps):
    for name, role in (("anna", "editor"), ("bob", "editor"), ("dora", "approver"), ("emil", "editor")):
        store.accounts.add(name, PASSWORD, role)
    store.decisions.decide(says(store, gaps[0], "anna", "one"))
    read_again(store, gaps[0], "bob", "two")
    contest = store.decisions.history(gaps[0])[-1]
    for deed in (
        lambda: store.second_readings.resolve(gaps[0], says(store, gaps[0], "emil", "two")),
        lambda: store.decisions.undo(contest.uid, "anna"),
    ):
        with pytest.raises(NotAllowed):
            deed()
    store.decisions.undo(contest.uid, "bob")
    assert store.decisions.standing(gaps[0]).decision.text == "one"


def test_a_series_is_decided_together_and_logged_singly(store, gaps):
    listed = store.series.list()
    assert {(series.engine_reading, series.open) for series in listed} == {("qu@nd", 4), ("19#5", 4), ("H4rr!man", 4), ("1ease", 4)}
    members = store.series.members(next(series.series for series in listed if series.engine_reading == "qu@nd"), like=gaps[4])
    assert [member.gap.engine_reading for member in members] == ["qu@nd"] * 4
    late = replace(says(store, members[1].gap.gap_id, "bob", "quandary"))
    store.decisions.decide(late)
    outcome = store.series.decide([Proposal(m.gap.gap_id, "accepted", "anna", m.gap.version, "guess", "quondam") for m in members])
    assert (len(outcome.entries), [entry.target for entry in outcome.stale]) == (3, [late.gap_id])
    assert {entry.series for entry in (*outcome.entries, *outcome.stale)} == {outcome.series}
    store.decisions.undo(outcome.entries[0].uid, "carl")
    assert len(store.series.undo(outcome.series, "carl")) == 2
    assert [store.index.find_gap(m.gap.gap_id).status for m in members] == ["open", "decided", "open", "open"]
    assert store.series.decided()[0].series == outcome.series
    assert store.decisions.verify_chain().broken is None


def test_a_series_with_one_wrong_member_decides_none(store, gaps):
    proposals = [says(store, gap, "anna", "word") for gap in gaps[:3]]
    with pytest.raises(Invalid):
        store.series.decide([*proposals[:2], replace(proposals[2], text="")])
    with pytest.raises(Invalid):
        store.series.decide([proposals[0], proposals[0]])
    with pytest.raises(NotFound):
        store.series.undo("nothing", "anna")
    assert store.decisions.verify_chain().rows == 0


def test_progress_counts_what_was_done(store, gaps):
    store.decisions.decide(Proposal(gaps[0], "accepted", "anna", "", "ink", "quondam", shown=("quondam",), blind="quondam"))
    store.decisions.decide(says(store, gaps[4], "anna", "quorum"))
    entry = store.decisions.decide(says(store, gaps[1], "=bob", "1945"))
    store.decisions.undo(store.decisions.decide(says(store, gaps[2], "=bob", "x")).uid, "anna")
    with pytest.raises(Conflict):
        store.decisions.decide(replace(says(store, gaps[1], "anna", "1946"), version=""))
    assert entry.text == "1945"
    anna, bob = sorted(store.progress.by_editor(), key=lambda row: row.editor, reverse=True)
    assert (bob.editor, bob.standing, bob.revoked, anna.accepted, anna.amended, anna.stale) == ("=bob", 1, 1, 1, 1, 1)
    assert [(row.open, row.decided) for row in store.progress.by_document()] == [(5, 3), (8, 0)]
    bands = {(band.least, band.most): (band.decided, band.right, band.read) for band in store.progress.bands()}
    assert bands == {(0.6, 0.7): (2, 1, 2), (0.9, 1.0): (1, 1, 1)}
    agreement = store.progress.agreement()
    assert (agreement.typed, agreement.typed_top, agreement.blind, agreement.blind_same) == (1, 1, 1, 1)
    rows = list(csv.reader(io.StringIO(store.progress.csv())))
    assert ["'=bob", "2", "1"] in [row[:3] for row in rows]


def test_sign_in_and_out(store, clock):
    store.accounts.add("anna", PASSWORD, "editor")
    token = store.accounts.sign_in("anna", PASSWORD, "::1")
    assert store.accounts.find_session(token).name == "anna"
    assert store.accounts.find_session(token + "x") is None
    store.accounts.sign_out(token)
    assert store.accounts.find_session(token) is None
    again = store.accounts.sign_in("anna", PASSWORD, "::1")
    clock.minute += 13 * 60
    assert store.accounts.find_session(again) is None
    assert [row.result for row in store.accounts.log()] == ["in", "out", "in"]


def test_a_new_password_signs_out(store):
    store.accounts.add("anna", PASSWORD, "editor")
    token = store.accounts.sign_in("anna", PASSWORD, "::1")
    store.accounts.set_password("anna", "another password")
    assert store.accounts.find_session(token) is None
    with pytest.raises(NotAllowed):
        store.accounts.sign_in("anna", PASSWORD, "::1")


def test_guessing_a_password_is_slowed_down(store, clock):
    store.accounts.add("anna", PASSWORD, "editor")
    for _ in range(5):
        with pytest.raises(NotAllowed):
            store.accounts.sign_in("anna", "wrong", "10.0.0.1")
    with pytest.raises(Throttled) as raised:
        store.accounts.sign_in("anna", PASSWORD, "10.0.0.2")
    assert raised.value.seconds == 600
    clock.minute += 11
    assert store.accounts.sign_in("anna", PASSWORD, "10.0.0.2")


def test_passwords_are_neither_stored_nor_short_nor_given(store):
    with pytest.raises(Invalid):
        store.accounts.add("anna", "short", "editor")
    assert not store.accounts.exist()
    store.accounts.add("anna", PASSWORD, "editor")
    with store.database.reading() as connection:
        password_hash = connection.exec_driver_sql("SELECT password FROM users").scalar()
    assert password_hash.startswith("$argon2id$")
    for name, role in (("anna", "editor"), ("", "editor"), ("a\nb", "editor"), ("bob", "king")):
        with pytest.raises(Invalid):
            store.accounts.add(name, PASSWORD, role)


def test_users_command(tmp_path):
    def run(*words: str, typed: str = "") -> str:
        done = CliRunner().invoke(app, ["users", *words, "--outputs", str(tmp_path)], input=typed)
        assert done.exit_code == 0, done.output
        return done.output

    assert "no accounts" in run("list")
    run("add", "anna", "editor", typed=f"{PASSWORD}\n{PASSWORD}\n")
    run("role", "anna", "approver")
    assert "anna\tapprover" in run("list")
    run("password", "anna", "--password-stdin", typed="quite another\n")
    store = open_store(tmp_path)
    assert store.accounts.sign_in("anna", "quite another", "::1")
    with pytest.raises(NotAllowed):
        store.accounts.sign_in("anna", "a guess of mine", "::2")
    store.close()
    attempts = [line.split("\t")[1:] for line in run("log").splitlines()]
    assert attempts == [["wrong", "anna", "::2"], ["in", "anna", "::1"]]
    assert [row["result"] for row in json.loads(run("log", "--json", "--limit", "1"))] == ["wrong"]
    run("remove", "anna")
    assert run("list", "--json").strip() == "[]"
