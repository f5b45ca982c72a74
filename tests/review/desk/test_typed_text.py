"""Nothing typed is lost, nothing that cannot be seen is recorded: a real browser, a desk that goes away and comes back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.desk_browser import next_gap, start

pytestmark = pytest.mark.browser

PASTE = """([selector, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  document.querySelector(selector).dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def type_half(page: Any) -> str:
    start(page)
    page.keyboard.press("a")
    page.keyboard.type("half a rea")
    page.fill("#note", "under the lens")
    return page.url


def test_half_a_reading_outlives_a_closed_tab_and_a_sign_out(visit):
    page = visit("Anna")
    address = type_half(page)
    other = page.context.new_page()
    page.close()
    other.goto(address)
    assert (other.input_value("#reading"), other.input_value("#note")) == ("half a rea", "under the lens")
    assert "What you typed here" in other.inner_text(".notice")
    other.click("text=Sign out")
    other.fill("#name", "Ben")
    other.click("main button")
    other.goto(address)
    assert other.input_value("#reading") == ""
    other.click("text=Sign out")
    other.fill("#name", "Anna")
    other.click("main button")
    other.goto(address)
    assert (other.input_value("#reading"), other.input_value("#note")) == ("half a rea", "under the lens")


def test_a_correction_half_typed_on_the_page_is_kept_until_it_is_recorded(visit):
    page = visit("Anna")
    start(page)
    page.click("[data-key=g]")
    page.click(".text a.token:not(.gap, .refused, .silent, .withheld) >> nth=2")
    page.fill("#correction", "otherwise")
    page.reload()
    assert page.input_value("#correction") == "otherwise"
    page.click("text=Record the correction")
    page.wait_for_selector(".done")
    page.reload()
    assert page.locator(".notice").count() == 0


def test_a_desk_that_is_away_gets_the_decision_once_when_it_is_back(visit, desk):
    page = visit("Anna")
    type_half(page)
    gap = page.get_attribute(".gap-page", "data-gap")
    page.route("**/api/**", lambda route: route.fulfill(status=503, body="away"))
    visit.expected = "503"
    page.press("#reading", "Enter")
    page.wait_for_selector(".notice.waiting")
    assert "does not answer" in page.inner_text(".notice.waiting")
    page.reload()
    assert page.input_value("#reading") == "half a rea"
    assert desk.store.decisions.recent() == ()
    with next_gap(page):
        page.unroute("**/api/**")
    page.wait_for_timeout(5000)
    (entry,) = desk.store.decisions.recent()
    assert (entry.target, entry.text, entry.note) == (gap, "half a rea", "under the lens")
    assert page.locator(".notice.waiting").count() == 0


def test_pasted_text_is_cleaned_and_the_desk_says_of_what(visit, desk):
    page = visit("Anna")
    start(page)
    page.keyboard.press("a")
    page.evaluate(PASTE, ["#reading", "sug\u00adge\u200bsted\tby\u00a0\u202ehim\ufeff"])
    assert page.input_value("#reading") == "suggested by him"
    told = page.inner_text(".notice.cleaned")
    assert all(words in told for words in ("1 soft hyphen", "2 zero-width marks", "1 direction mark", "1 tab", "1 special space"))
    with next_gap(page):
        page.keyboard.press("Enter")
    assert [entry.text for entry in desk.store.decisions.recent()] == ["suggested by him"]
