"""The desk over HTTP when things move under it: a run at work, another list, another desk's decisions, accounts that go."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from desunt.record.conjecture import Candidate, Conjecture
from desunt.record.decision_log import hash_of_dict
from desunt.record.files import read_record, write_record
from desunt.review.environment import Environment, open_environment
from desunt.review.store.types import QueueFilter
from tests.support.collections import write_collection
from tests.support.desk_client import gap_of, version_of, visitor
from tests.support.paths import GOLDEN
from tests.support.records import MODEL

PASSWORD = "a long pass phrase"


def suppose(folder: Path, gap: str, *candidates: Candidate) -> None:
    """Write a record anew with another list for one gap, as a later run of a model does."""
    record = read_record(folder)
    rest = round(1 - sum(candidate.probability for candidate in candidates), 4)
    opinion = Conjecture(gap, candidates, rest, MODEL, ("", ""))
    write_record(replace(record, opinions={**record.opinions, gap: opinion}), folder)


def test_a_run_at_work_is_told_and_its_end_is_seen(client, plain_desk, by_hand):
    gap, folder = gap_of(plain_desk, "quondam"), by_hand / "letter"
    record = read_record(folder)
    (folder / "record.json").unlink()
    for address in (f"/gaps/{gap}", f"/api/gaps/{gap}"):
        away = client.get(address)
        assert away.status_code == 503, address
        assert "run" in away.text
    assert client.post(f"/api/gaps/{gap}/decisions", json={"accept": "quondam"}).status_code == 503
    assert client.get("/queue").status_code == 200
    write_record(record, folder)
    assert client.get(f"/gaps/{gap}").status_code == 200


def test_a_list_that_changed_since_it_was_shown_is_not_logged_as_shown(client, plain_desk, by_hand):
    gap = gap_of(plain_desk, "quondam")
    seen = client.get(f"/api/gaps/{gap}").json()["gap"]["list_key"]
    suppose(by_hand / "letter", gap, Candidate("quorum", 0.7), Candidate("quondam", 0.1))
    form = {"accept": "quondam", "shown": True, "seen": seen, "version": version_of(plain_desk, gap)}
    assert client.post(f"/api/gaps/{gap}/decisions", json=form).status_code == 409
    response = client.post(f"/gaps/{gap}/decisions", data={"verdict": "amended", "text": "typed", "shown": "true", "seen": seen})
    assert response.status_code == 409
    assert 'value="typed"' in response.text
    assert "quorum" in response.text
    assert plain_desk.store.decisions.recent() == ()
    now = client.get(f"/api/gaps/{gap}").json()["gap"]["list_key"]
    assert client.post(f"/api/gaps/{gap}/decisions", json={**form, "seen": now}).status_code == 201
    (entry,) = plain_desk.store.decisions.recent()
    assert (entry.shown, entry.record_sha256) == (("quorum", "quondam"), plain_desk.store.index.record_sha256("letter.tif"))


def test_what_is_only_possible_has_a_heading_no_key_and_no_place_in_the_queue(client, plain_desk, by_hand):
    gap = gap_of(plain_desk, "quondam")
    suppose(by_hand / "letter", gap, Candidate("Mongolia", 0.6, possible=True), Candidate("quorum", 0.2))
    view = client.get(f"/api/gaps/{gap}").json()["gap"]
    assert [(candidate["text"], candidate["key"]) for candidate in view["offered"]] == [("quorum", 1)]
    assert [(candidate["text"], candidate["key"], candidate["label"]) for candidate in view["possible"]] == [
        ("Mongolia", None, "CONJECTURE")
    ]
    page = client.get(f"/gaps/{gap}").text
    assert page.index("quorum</bdi>") < page.index("Possible:") < page.index("Mongolia</bdi>")
    plain_desk.store.index.refresh()
    row = plain_desk.store.index.find_gap(gap)
    assert (row.top, row.probability) == ("quorum", 0.2)
    assert client.post(f"/api/gaps/{gap}/decisions", json={"accept": "Mongolia"}).status_code == 422
    assert client.post(f"/api/gaps/{gap}/decisions", json={"accept": "Mongolia", "deliberate": True}).status_code == 201


def test_a_conjecture_is_never_certain_and_never_nothing(client, plain_desk, by_hand):
    gap = gap_of(plain_desk, "quondam")
    suppose(by_hand / "letter", gap, Candidate("quondam", 1.0), Candidate("quorum", 0.0))
    page = client.get(f"/gaps/{gap}").text
    assert "over 99.9 %" in page
    assert "under 0.1 %" in page
    assert "100.0 %" not in page
    assert ">0.0 %" not in page


def test_a_desk_that_listens_elsewhere_stays_shut_without_its_last_account(by_hand):
    first = open_environment(by_hand)
    first.store.accounts.add("Anna", PASSWORD, "approver")
    first.store.close()
    desk = open_environment(by_hand, host="0.0.0.0")
    anna = visitor(desk, None)
    assert anna.post("/sign-in", data={"name": "Anna", "password": PASSWORD}).status_code == 303
    assert anna.get("/queue").status_code == 200
    desk.store.accounts.remove("Anna")
    assert anna.get("/queue").status_code == 303
    stranger = visitor(desk, None)
    assert stranger.post("/sign-in", data={"name": "Anna"}).status_code == 403
    assert stranger.get("/queue").status_code == 303
    desk.store.close()


@pytest.fixture
def elsewhere(tmp_path: Path):
    """Another desk over the collection that the golden decisions are about."""
    write_collection(tmp_path / "elsewhere")
    desk = open_environment(tmp_path / "elsewhere")
    yield desk
    desk.store.close()


def standing(desk: Environment) -> dict[str, tuple[str, str | None]]:
    rows = desk.store.queue.page(QueueFilter(status=None), limit=500).rows
    return {row.gap_id: (row.status, row.reading) for row in rows if row.status not in ("open", "excluded")}


@pytest.mark.parametrize("name", ["decisions-1.jsonl", "decisions-1.csv"])
def test_what_version_0_1_0_exported_is_read_by_this_one(elsewhere, name):
    client, content = visitor(elsewhere), (GOLDEN / name).read_bytes()
    response = client.post("/imports", files={"file": (name, content)})
    assert response.status_code == 200
    assert "6 entries" in response.text
    assert sorted(standing(elsewhere).values(), key=str) == [("contested", "lease"), ("decided", "<b>quorum</b>"), ("decided", "quondam")]
    again = client.post("/api/imports", files={"file": (name, content)}).json()
    assert again == {"added": 0, "known": 6, "conflicts": []}
    assert elsewhere.store.decisions.verify_chain().broken is None
    lines = [json.loads(line) for line in (GOLDEN / "decisions-1.jsonl").read_text("utf-8").splitlines()]
    assert [(entry.uid, entry.at, entry.editor, entry.shown) for entry in reversed(elsewhere.store.decisions.recent())] == [
        (entry["uid"], entry["at"], entry["editor"], tuple(entry["shown"])) for entry in lines
    ]


CSV = (GOLDEN / "decisions-1.csv").read_bytes()
REFUSED = [
    b"", b"{}\n", b"\xff\xfe", b"a,b\n1,2\n", b'{"schema": "desunt-decisions-99"}\n', b"[" * 99_999,
    b"{" + b'"a":[' * 99_999, b"a\x00b\n1,2\n",
    b"a" * 200_000, CSV[: len(CSV) // 2], CSV.replace(b"Anna", b"Eva"), CSV.split(b"\n")[0] + b"\none cell\n",
]  # fmt: skip


@pytest.mark.parametrize("content", REFUSED, ids=range(len(REFUSED)))
def test_a_file_that_is_no_export_is_refused_whole(elsewhere, content):
    client = visitor(elsewhere)
    response = client.post("/imports", files={"file": ("x", content)})
    assert response.status_code == (200 if not content else 422)
    assert elsewhere.store.decisions.recent() == ()


@pytest.mark.parametrize("changes", [{"probability": float("nan")}, {"probability": float("inf")}, {"page": 2**70}, {"probability": 1}])
def test_what_would_break_the_chain_here_is_refused_or_set_right(elsewhere, changes):
    values = {**json.loads((GOLDEN / "decisions-1.jsonl").read_text("utf-8").splitlines()[0]), **changes}
    line = json.dumps({**values, "hash": hash_of_dict(values)})
    response = visitor(elsewhere).post("/api/imports", files={"file": ("x.jsonl", line.encode())})
    assert response.status_code == (200 if changes == {"probability": 1} else 422)
    assert elsewhere.store.decisions.verify_chain().broken is None


def test_a_folder_that_cannot_be_read_is_named(client, by_hand):
    (by_hand / "letter" / "record.json").write_text("{", "utf-8")
    response = client.post("/refresh")
    assert response.status_code == 200
    assert "Not read" in response.text
    assert "letter" in response.text


def test_only_an_approver_takes_over(elsewhere):
    for name, role in (("Anna", "editor"), ("Otto", "approver")):
        elsewhere.store.accounts.add(name, PASSWORD, role)
    content = (GOLDEN / "decisions-1.jsonl").read_bytes()
    for name, status in (("Anna", 403), ("Otto", 200)):
        client = visitor(elsewhere, None)
        client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert ("Take over" in client.get("/exports").text) is (status == 200)
        assert client.post("/api/imports", files={"file": ("x.jsonl", content)}).status_code == status
