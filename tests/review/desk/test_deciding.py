"""Deciding in a browser: a real server, a real database, records of rendered pages that Tesseract read."""

from __future__ import annotations

import pytest

from tests.support.desk_browser import next_gap, offered, start

pytestmark = pytest.mark.browser


def test_twenty_gaps_by_one_key_each_and_undo(visit, desk):
    page = visit("Anna")
    start(page)
    taken = []
    for _ in range(20):
        taken.append((page.get_attribute(".gap-page", "data-gap"), offered(page)[0]))
        with next_gap(page):
            page.keyboard.press("1")
    entries = desk.store.decisions.recent(limit=100)
    assert [(entry.target, entry.text) for entry in reversed(entries)] == taken
    assert {(entry.verdict, entry.basis, entry.editor) for entry in entries} == {("accepted", "guess", "Anna")}
    assert all(entry.shown and entry.shown[0] == entry.text and entry.model for entry in entries)
    assert "Recorded:" in page.inner_text(".done")
    with next_gap(page):
        page.keyboard.press("u")
    assert page.get_attribute(".gap-page", "data-gap") == taken[-1][0]
    assert desk.store.index.find_gap(taken[-1][0]).status == "open"
    page.goto("/decisions")
    page.locator(f"tr:has(a[href='/gaps/{taken[3][0]}']) button").click()
    page.wait_for_load_state()
    assert desk.store.index.find_gap(taken[3][0]).status == "open"
    assert desk.store.index.find_gap(taken[4][0]).status == "decided"


def test_every_key_decides_what_it_says(visit, desk):
    page = visit("Anna")
    start(page)
    expected = {}
    for key, verdict in (("r", "rejected"), ("o", "left-open"), ("w", "withheld"), ("e", "blank"), ("h", "handwriting")):
        expected[page.get_attribute(".gap-page", "data-gap")] = (verdict, None, None)
        with next_gap(page):
            page.keyboard.press(key)
    expected[page.get_attribute(".gap-page", "data-gap")] = ("accepted", "ink", offered(page)[0])
    with next_gap(page):
        page.keyboard.press("Shift+Digit1")
    expected[page.get_attribute(".gap-page", "data-gap")] = ("accepted", "ink", offered(page)[1])
    page.keyboard.press("b")
    with next_gap(page):
        page.keyboard.press("2")
    expected[page.get_attribute(".gap-page", "data-gap")] = ("amended", "guess", "my own 1 reading")
    page.keyboard.press("n")
    page.keyboard.type("seen under the lens")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.type("my own 1 reading")
    with next_gap(page):
        page.keyboard.press("Enter")
    expected[page.get_attribute(".gap-page", "data-gap")] = ("amended", "ink", "in ink")
    page.keyboard.press("a")
    page.keyboard.type("in ink")
    with next_gap(page):
        page.keyboard.press("Shift+Enter")
    entries = {entry.target: entry for entry in desk.store.decisions.recent()}
    assert {target: (entry.verdict, entry.basis, entry.text) for target, entry in entries.items()} == expected
    assert [entry.note for entry in entries.values() if entry.note] == ["seen under the lens"]


def test_keys_can_be_turned_off(visit, desk):
    page = visit("Anna")
    start(page)
    page.keyboard.press("?")
    page.uncheck("[data-single-keys]")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("r")
    page.wait_for_timeout(300)
    assert desk.store.decisions.recent() == ()


def test_blind_first_types_before_the_list_is_there(visit, desk):
    page = visit("Anna")
    start(page)
    first = offered(page)[0]
    page.click("text=turn blind first on")
    page.wait_for_selector("[data-first]")
    assert page.locator("[data-candidate]").count() == 0
    assert "CONJECTURE" not in page.content()
    assert page.evaluate("document.activeElement.id") == "reading"
    page.keyboard.type(first)
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.wait_for_selector("[data-candidate]")
    with next_gap(page):
        page.keyboard.press("1")
    (entry,) = desk.store.decisions.recent()
    assert (entry.blind, entry.text, entry.verdict) == (first, first, "accepted")
    assert page.locator("[data-candidate]").count() == 0
    agreement = desk.store.progress.agreement()
    assert (agreement.blind, agreement.blind_same) == (1, 1)


def test_two_on_one_gap_the_second_is_told_and_loses_nothing(visit, desk):
    visit.expected = "409"
    anna, ben = visit("Anna"), visit("Ben")
    start(anna)
    ben.goto(anna.url)
    ben.keyboard.press("a")
    ben.keyboard.type("what Ben reads")
    with next_gap(anna):
        anna.keyboard.press("1")
    gap = ben.get_attribute(".gap-page", "data-gap")
    ben.keyboard.press("Enter")
    ben.wait_for_selector("[role=alert]")
    assert "Anna" in ben.inner_text("[role=alert]")
    assert ben.input_value("#reading") == "what Ben reads"
    assert desk.store.index.find_gap(gap).decided_by == "Anna"
    with next_gap(ben):
        ben.click("[name=verdict][value=amended]")
    assert desk.store.index.find_gap(gap).reading == "what Ben reads"


def test_what_is_typed_outlives_a_desk_that_does_not_answer(visit, desk):
    visit.expected = "500"
    page = visit("Anna")
    start(page)
    page.keyboard.press("a")
    page.keyboard.type("held fast")
    page.route("**/api/**", lambda route: route.fulfill(status=500, json={"problem": "the disk is full", "remedy": ""}))
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "the disk is full" in page.inner_text("[role=alert]")
    assert page.input_value("#reading") == "held fast"
    page.unroute("**/api/**")
    page.reload()
    assert page.input_value("#reading") == "held fast"


def test_series_together_and_undone_together(visit, desk):
    page = visit("Anna", "/series")
    page.click("tbody a >> nth=0")
    page.wait_for_selector(".members")
    places = page.locator(".members li").count()
    assert places >= 2
    assert page.locator(".members .line-image").count() == places
    page.click("text=tick all")
    page.locator(".suggested .take").first.click()
    page.wait_for_selector("text=Decided together")
    entries = desk.store.decisions.recent()
    assert len(entries) == places
    assert len({entry.series for entry in entries}) == 1
    page.click("text=Undo all")
    page.wait_for_load_state()
    assert {desk.store.index.find_gap(entry.target).status for entry in entries} == {"open"}


def test_second_reader_is_blind_and_a_disagreement_is_settled(visit, desk):
    anna = visit("Anna")
    start(anna)
    for _ in range(2):
        with next_gap(anna):
            anna.keyboard.press("1")
    first, second = sorted(entry.target for entry in desk.store.decisions.recent())
    taken = {entry.target: entry.text for entry in desk.store.decisions.recent()}
    desk.store.second_readings.assign([first, second], "Ben", "Anna")
    ben = visit("Ben", "/second")
    ben.click("text=Start reading")
    ben.wait_for_selector(".gap-page")
    for gap, reads in ((ben.get_attribute(".gap-page", "data-gap"), "agree"), (None, "something else")):
        seen = ben.get_attribute(".gap-page", "data-gap")
        assert "Anna" not in ben.inner_text("main")
        assert ben.locator("[data-candidate], .decision").count() == 0
        ben.fill("#reading", taken[seen] if gap else reads)
        if gap:
            with next_gap(ben):
                ben.press("#reading", "Enter")
        else:
            ben.press("#reading", "Enter")
            ben.wait_for_url("**/second")
    agreement = desk.store.progress.agreement()
    assert (agreement.confirmed, agreement.contested) == (1, 1)
    cleo = visit("Cleo", "/disagreements")
    assert cleo.locator(".quarrels .card").count() == 1
    cleo.fill(".quarrels input[name=text]", "as Cleo settles it")
    cleo.click("button:has-text('Settle')")
    cleo.wait_for_load_state()
    assert desk.store.second_readings.disagreements() == ()
    assert "as Cleo settles it" in {desk.store.index.find_gap(first).reading, desk.store.index.find_gap(second).reading}
