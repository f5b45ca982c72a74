"""The desk over HTTP: conflicts, repeated and empty requests, blind and second reading, undo, roles."""

from __future__ import annotations

from contextlib import closing

import pytest

from desunt.errors import UsageError
from desunt.review.environment import open_environment
from desunt.review.page_images import LruCache
from desunt.review.queue_params import QueueParams
from desunt.review.store import open_store
from desunt.review.store.types import MAX_NAME_LETTERS
from tests.support.desk_client import gap_of, version_of, visitor

PAGES = ("/", "/queue", "/series", "/second", "/disagreements", "/decisions", "/progress", "/exports")


def test_second_decision_is_told_and_keeps_what_was_typed(plain_desk):
    anna, ben, gap = visitor(plain_desk), visitor(plain_desk, "Ben"), gap_of(plain_desk, "quondam")
    version = version_of(plain_desk, gap)
    assert anna.post(f"/gaps/{gap}/decisions", data={"accept": "quondam", "version": version}).status_code == 303
    late = ben.post(f"/gaps/{gap}/decisions", data={"verdict": "amended", "text": "quorum", "note": "sure", "version": version})
    assert late.status_code == 409
    assert "Anna" in late.text
    assert 'value="quorum"' in late.text
    assert 'value="sure"' in late.text
    assert ben.post(f"/api/gaps/{gap}/decisions", json={"verdict": "rejected", "version": version}).status_code == 409
    assert plain_desk.store.index.find_gap(gap).reading == "quondam"


def test_the_same_request_twice_decides_once(client, plain_desk):
    gap = gap_of(plain_desk, "quondam")
    form = {"accept": "quondam", "version": version_of(plain_desk, gap), "uid": "ab" * 16}
    uids = [client.post(f"/api/gaps/{gap}/decisions", json=form).json()["entry"]["uid"] for _ in range(2)]
    assert uids == ["ab" * 16] * 2
    assert len(plain_desk.store.decisions.recent()) == 1


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"verdict": "amended"},
        {"verdict": "amended", "text": "  "},
        {"verdict": "corrected", "text": "x"},
        {"accept": "never offered"},
        {"verdict": "accepted"},
        {"accept": "quondam", "basis": "hearsay"},
        {"accept": "quondam", "uid": "short"},
    ],
)
def test_what_says_nothing_is_not_recorded(client, plain_desk, form):
    gap = gap_of(plain_desk, "quondam")
    assert client.post(f"/api/gaps/{gap}/decisions", json=form).status_code == 422
    assert client.post(f"/gaps/{gap}/decisions", data=form).status_code == 422
    assert plain_desk.store.decisions.recent() == ()


def test_what_is_refused_is_taken_only_deliberately(client, plain_desk):
    gap = gap_of(plain_desk, "zephyr")
    assert client.post(f"/api/gaps/{gap}/decisions", json={"accept": "zephyr"}).status_code == 422
    assert client.post(f"/api/gaps/{gap}/decisions", json={"accept": "zephyr", "deliberate": True}).status_code == 201


def test_blind_first_hides_everything_the_machine_supposes(client, plain_desk):
    gap = gap_of(plain_desk, "quondam")
    client.post("/preferences", data={"blind": "yes"})
    hidden = client.get(f"/gaps/{gap}").text + client.get(f"/api/gaps/{gap}").text + client.get("/queue").text
    assert "quondam" not in hidden
    assert "quorum" not in hidden
    shown = client.post(f"/gaps/{gap}/list", data={"text": "quondan"})
    assert "quondam" in shown.text
    assert 'name="blind" value="quondan"' in shown.text
    client.post(f"/gaps/{gap}/decisions", data={"accept": "quondam", "typed_blind": "true", "blind": "quondan", "shown": "true"})
    (entry,) = plain_desk.store.decisions.recent()
    assert (entry.blind, entry.shown[0]) == ("quondan", "quondam")


def test_a_reading_typed_blind_counts_though_the_list_was_never_asked_for(client, plain_desk):
    gap = gap_of(plain_desk, "quondam")
    client.post("/preferences", data={"blind": "yes"})
    page = client.get(f"/gaps/{gap}").text
    assert 'name="typed_blind" value="true"' in page
    assert 'value="rejected"' not in page
    client.post(f"/gaps/{gap}/decisions", data={"verdict": "amended", "text": "quondam", "typed_blind": "true", "shown": "false"})
    (entry,) = plain_desk.store.decisions.recent()
    assert (entry.blind, entry.shown, entry.top) == ("quondam", (), "quondam")
    agreement = plain_desk.store.progress.agreement()
    assert (agreement.typed, agreement.typed_top, agreement.blind, agreement.blind_same) == (1, 1, 0, 0)
    assert "are the first candidate" in client.get("/progress").text


def test_second_reader_sees_nothing_of_the_first(plain_desk):
    anna, ben, gap = visitor(plain_desk), visitor(plain_desk, "Ben"), gap_of(plain_desk, "quondam")
    anna.post(f"/gaps/{gap}/decisions", data={"verdict": "amended", "text": "quinquennial", "basis": "ink"})
    assert plain_desk.store.second_readings.assign([gap], "Ben", "Anna") == 1
    (assignment,) = plain_desk.store.second_readings.waiting_for("Ben")
    page = ben.get(f"/second/{assignment.id}").text + ben.get(f"/api/second/{assignment.id}").text + ben.get("/api/second").text
    assert "quinquennial" not in page
    assert "decided" not in page.replace("what somebody else has decided", "")
    assert anna.get(f"/second/{assignment.id}").status_code == 404
    response = ben.post(f"/api/second/{assignment.id}/decisions", json={"verdict": "amended", "text": "quondam", "basis": "ink"})
    assert response.json() == {"outcome": "contest", "next": None}


def test_undo_is_an_entry_of_its_own(client, plain_desk):
    gap = gap_of(plain_desk, "quondam")
    uid = client.post(f"/api/gaps/{gap}/decisions", json={"accept": "quondam"}).json()["entry"]["uid"]
    assert client.post(f"/decisions/{uid}/undo", data={"to": f"/gaps/{gap}"}).headers["location"] == f"/gaps/{gap}"
    assert client.post(f"/api/decisions/{uid}/undo").status_code == 409
    assert [entry.action for entry in plain_desk.store.decisions.recent() if not entry.stale] == ["revoke", "decide"]


def test_the_downloads_are_those_of_the_store(client, plain_desk):
    client.post(f"/api/gaps/{gap_of(plain_desk, 'quondam')}/decisions", json={"accept": "quondam"})
    assert client.get("/exports/decisions.jsonl").text == "".join(plain_desk.store.exchange.export_jsonl())
    assert client.get("/exports/decisions.csv").text == "".join(plain_desk.store.exchange.export_csv())
    assert client.get("/exports/progress.csv").text == plain_desk.store.progress.csv()


def test_roles_hold_once_there_are_accounts(plain_desk):
    before, gap = visitor(plain_desk, "Anna"), gap_of(plain_desk, "quondam")
    for name, role in (("Anna", "editor"), ("Rita", "reader"), ("Otto", "approver")):
        plain_desk.store.accounts.add(name, "a long pass phrase", role)
    # A name that was given is no account.
    assert before.get("/queue").status_code == 303
    wrong = visitor(plain_desk, None).post("/sign-in", data={"name": "Anna", "password": "guessed"})
    assert wrong.status_code == 403
    people = {}
    for name in ("Anna", "Rita", "Otto"):
        people[name] = visitor(plain_desk, None)
        assert people[name].post("/sign-in", data={"name": name, "password": "a long pass phrase"}).status_code == 303
    assert people["Rita"].get(f"/gaps/{gap}").status_code == 200
    assert 'name="verdict"' not in people["Rita"].get(f"/gaps/{gap}").text
    assert people["Rita"].post(f"/api/gaps/{gap}/decisions", json={"accept": "quondam"}).status_code == 403
    assert people["Anna"].post(f"/api/gaps/{gap}/decisions", json={"accept": "quondam"}).status_code == 201
    assert people["Anna"].post(f"/api/disagreements/{gap}", json={"verdict": "rejected"}).status_code == 403
    nothing_contested = {"verdict": "rejected", "version": version_of(plain_desk, gap)}
    assert people["Otto"].post(f"/api/disagreements/{gap}", json=nothing_contested).status_code == 422
    people["Anna"].post("/sign-out")
    assert people["Anna"].get("/queue").status_code == 303


def test_listening_elsewhere_demands_accounts(by_hand):
    with pytest.raises(UsageError, match="accounts"):
        open_environment(by_hand, host="0.0.0.0")


def test_a_filter_reads_back_what_it_writes(client):
    params = QueueParams(order="least_certain", status="any", kind="name", length="5-9", offered="no", text="a&b=c?")
    page = client.get(f"/api/queue{params.address}").json()
    assert QueueParams(**page["filter"]) == params
    assert client.get("/queue?order=sideways").status_code == 422


def test_words_of_0_2_0_in_an_address_are_read(client):
    for old, new in (("order=cheap", "order=most_certain"), ("order=doubt", "order=least_certain"), ("status=aside", "status=excluded")):
        before, now = client.get(f"/api/queue?{old}"), client.get(f"/api/queue?{new}")
        assert (before.status_code, before.json()) == (200, now.json())
        assert client.get(f"/queue?{old}").text == client.get(f"/queue?{new}").text


def test_whoever_can_have_an_account_can_sign_in(by_hand):
    name = "x" * MAX_NAME_LETTERS
    with closing(open_store(by_hand)) as store:
        store.accounts.add(f"  {name} ", "a long password", "approver")
    desk = open_environment(by_hand)
    stranger = visitor(desk, None)
    assert stranger.post("/sign-in", data={"name": name, "password": "a long password"}).status_code == 303
    assert stranger.get("/api/me").json()["name"] == name
    desk.store.close()


def test_pictures_are_kept_within_their_bound():
    cache = LruCache(10, len)
    for number in range(5):
        cache.put(number, b"x" * 4)
        cache.get(0)
    assert cache.weight <= 10
    assert cache.get(0) == b"xxxx"
    assert cache.get(1) is None
