"""The desk over HTTP: who may ask, what is refused, what a page may load, and what it serves."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from desunt.record.conjecture import Candidate, Conjecture
from desunt.record.document import Box, Line, Region, Word
from desunt.record.files import Record, write_record
from desunt.review.environment import document_key
from tests.support.desk_client import BASE, gap_of, visitor
from tests.support.records import MODEL, SCRIPT, draw_scan, sample_record

PAGES = ("/", "/queue", "/series", "/second", "/disagreements", "/decisions", "/progress", "/exports")


def test_a_stranger_is_asked_who_they_are_and_comes_back(plain_desk):
    stranger = visitor(plain_desk, None)
    for page in PAGES:
        assert stranger.get(page).headers["location"].startswith("/sign-in?to=")
        assert stranger.get(f"/api{page}").status_code == 401
    response = stranger.post("/sign-in", data={"name": "Anna", "to": "/queue?order=doubt"})
    assert response.headers["location"] == "/queue?order=doubt"
    assert stranger.get("/queue").status_code == 200


@pytest.mark.parametrize(
    "to", ["//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "/\r\nset-cookie: a=b"]
)
def test_signing_in_leads_nowhere_else(plain_desk, to):
    assert visitor(plain_desk, None).post("/sign-in", data={"name": "Anna", "to": to}).headers["location"] == "/"


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u202e", "\x00"])
def test_a_name_has_letters(plain_desk, name):
    answer = visitor(plain_desk, None).post("/sign-in", data={"name": name})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": BASE, "sec-fetch-site": "cross-site"},
        {"origin": "http://localhost:9999", "sec-fetch-site": "same-origin"},
    ],
)
def test_no_other_site_changes_anything(plain_desk, headers):
    client = visitor(plain_desk)
    del client.headers["origin"]
    gap = gap_of(plain_desk, "quondam")
    for address in (f"/gaps/{gap}/decisions", f"/api/gaps/{gap}/decisions", "/refresh", "/sign-out", "/preferences"):
        assert client.post(address, data={"verdict": "rejected"}, headers=headers).status_code == 403
    assert plain_desk.store.decisions.recent() == ()


def test_the_desk_answers_under_the_name_of_this_machine_only(plain_desk):
    client = visitor(plain_desk)
    assert client.get("/", headers={"host": "evil.example:8571"}).status_code == 403
    assert client.get("/", headers={"host": "[::1"}).status_code == 403
    assert client.get("/", headers={"host": "127.0.0.1:8571"}).status_code == 200


def test_nothing_changes_by_asking(client, plain_desk):
    gap = gap_of(plain_desk, "quondam")
    for address in (f"/gaps/{gap}/decisions", "/decisions/" + "0" * 32 + "/undo", "/refresh", "/series/decisions"):
        assert client.get(address).status_code in (404, 405)
        assert client.get(f"/api{address}").status_code in (404, 405)


def test_every_page_forbids_what_it_does_not_need(client, plain_desk):
    gap = gap_of(plain_desk, "quondam")
    for page in (*PAGES, f"/gaps/{gap}", "/sign-in", "/nowhere"):
        answer = client.get(page)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|<style", answer.text)
        assert "http" not in "".join(re.findall(r'(?:src|href)="([^"]*)"', answer.text))


def test_every_page_has_its_twin(client, plain_desk):
    gap, key = gap_of(plain_desk, "quondam"), document_key("letter.tif")
    for page in (*PAGES, f"/gaps/{gap}", f"/gaps/{gap}/history", f"/documents/{key}/pages/1", f"/documents/{key}/pages/2?at=w9"):
        assert client.get(page).headers["content-type"].startswith("text/html"), page
        assert isinstance(client.get(f"/api{page}").json(), dict), page


def test_hostile_text_is_shown_as_text(plain_desk, by_hand):
    record = sample_record("hostile.tif", scanned=False)
    page = record.document.pages[0]
    words = (Word("long", "x" * 10_000, Box(1, 1, 99, 9), "tesseract", 0.9, 0.2), Word("turned", "\u202e\u2067left", None, "tesseract"))
    line = Line("l", None, (*words, page.gaps[0], Word("s", SCRIPT, None, "tesseract")))
    opinion = Conjecture("g1", (Candidate(SCRIPT, 0.5), Candidate("\u202eeht", 0.1), Candidate("y" * 10_000, 0.05)), 0.35, MODEL, ("", ""))
    line = replace(line, tokens=tuple(_renamed(token) for token in line.tokens))
    page = replace(page, image=None, regions=(Region("r", "body", None, (line,)),))
    title = f'"><img src=x onerror=alert(1)>{SCRIPT}'
    document = replace(record.document, id=f"<b>{SCRIPT}", metadata=(("title", title),), pages=(page,))
    opinions = {"0000000000aa": replace(opinion, gap_id="0000000000aa")}
    write_record(Record(document, opinions, record.steps), by_hand / "hostile")
    plain_desk.store.index.refresh()
    client = visitor(plain_desk, f"Eve {SCRIPT}")
    key = document_key(document.id)
    for address in ("/", "/queue?text=x", "/gaps/0000000000aa", f"/documents/{key}/pages/1?at=s", "/queue?text=%3Cscript%3E"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
    assert "&lt;script&gt;alert(1)" in client.get("/gaps/0000000000aa").text
    decided = client.post("/gaps/0000000000aa/decisions", data={"verdict": "amended", "text": SCRIPT, "note": "\u202enote", "basis": "ink"})
    assert decided.status_code == 303
    assert "<script>alert" not in client.get("/decisions").text
    assert plain_desk.store.index.find_gap("0000000000aa").reading == SCRIPT


def _renamed(token: object) -> object:
    return replace(token, id="0000000000aa") if getattr(token, "id", "") == "g1" else token


def test_scans_are_served_by_id_and_never_by_path(client, plain_desk, by_hand):
    row = plain_desk.store.index.find_gap(gap_of(plain_desk, "quondam"))
    picture = client.get(f"/scans/{row.scan_sha256}/0/original.jpg")
    assert picture.headers["content-type"] == "image/jpeg"
    assert client.get(f"/scans/{row.scan_sha256}/1/cleaned-small.jpg").content != picture.content
    assert client.get(f"/documents/{document_key('letter.tif')}/lines/{row.gap_id}/original.jpg").content.startswith(b"\xff\xd8")
    for address in (
        f"/scans/{row.scan_sha256}/7/original.jpg", f"/scans/{'0' * 64}/0/original.jpg", "/scans/..%2f..%2fetc%2fpasswd/0/original.jpg",
        f"/scans/{row.scan_sha256}/0/..%2f..%2fdesk.sqlite", "/static/..%2fapp.py", "/static/../app.py", "/static/%2e%2e/app.py",
        "/documents/..%2f..%2f/pages/1", f"/documents/{'0' * 12}/pages/1", "/static//etc/passwd", f"/scans/{by_hand}/0/original.jpg",
    ):  # fmt: skip
        assert client.get(address).status_code in (404, 422), address


def test_a_scan_that_changed_is_not_shown(client, plain_desk, by_hand):
    row = plain_desk.store.index.find_gap(gap_of(plain_desk, "quondam"))
    draw_scan(by_hand.parent / "letter.tif", 2)
    answer = client.get(f"/scans/{row.scan_sha256}/0/original.jpg")
    assert answer.status_code == 404
    assert "has changed" in answer.text
