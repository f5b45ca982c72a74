"""The page's text in a browser: the engine's reading at a switch, and the way through a page by keyboard."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from desunt.review.page_images import MAX_LINE_JPEG_BYTES, _encode_line
from tests.support.desk_browser import start

pytestmark = pytest.mark.browser

COPIED = """() => {
  const selection = getSelection();
  selection.selectAllChildren(document.querySelector(".text"));
  return selection.toString();
}"""


@pytest.mark.parametrize("at", ["gap", "page"])
def test_v_shows_the_engines_reading_and_it_is_never_copied(visit, desk, at):
    page = visit("Anna")
    start(page)
    if at == "page":
        page.click("[data-key=g]")
        page.wait_for_selector(".page-page .pane.live")
    token = page.locator(".text .token[data-engine]").first
    reading, gap = token.get_attribute("data-engine"), token.get_attribute("data-token")
    assert desk.store.index.find_gap(gap)
    drawn = f"getComputedStyle(document.getElementById('t-{gap}'), '::after').content"
    plain = page.evaluate(COPIED)
    assert reading not in page.evaluate(drawn)
    page.keyboard.press("v")
    assert reading in page.evaluate(drawn)
    assert page.evaluate(COPIED) == plain
    page.reload()
    assert reading in page.evaluate(drawn)
    page.click("[data-engine-switch]")
    assert reading not in page.evaluate(drawn)


def test_tab_goes_from_gap_to_gap_and_the_picture_follows(visit, desk):
    page = visit("Anna")
    start(page)
    page.click("[data-key=g]")
    page.wait_for_selector(".page-page .pane.live")
    flagged = [token.get_attribute("data-token") for token in page.locator(".text a.token:not(.word)").all()]
    page.focus(".text")
    for place in flagged[:3]:
        page.keyboard.press("Tab")
        page.wait_for_function("(id) => document.querySelector('.page-page').dataset.current === id", arg=place)
        assert page.evaluate("document.activeElement.dataset.token") == place
        assert place in page.get_attribute(".panel .line-image image", "href")
    words = [token.get_attribute("data-token") for token in page.locator(".text a.token").all()]
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.token") == words[words.index(flagged[2]) + 1]


def test_the_picture_of_a_line_is_light_whatever_the_scan(tmp_path):
    noise = np.random.default_rng(5).integers(0, 256, (400, 3000, 3), dtype=np.uint8)
    jpeg = _encode_line(noise)
    (tmp_path / "line.jpg").write_bytes(jpeg)
    with Image.open(tmp_path / "line.jpg") as picture:
        assert picture.width / picture.height == pytest.approx(3000 / 400, rel=0.02)
    assert len(jpeg) <= MAX_LINE_JPEG_BYTES


def test_a_page_is_proof_read_without_leaving_it(visit, desk):
    page = visit("Anna")
    start(page)
    page.click("[data-key=g]")
    page.wait_for_selector(".page-page .pane.live")
    address = page.url
    gaps = [token.get_attribute("data-token") for token in page.locator(".text a.token.gap").all()]
    still_open = page.locator(".text a.token:is(.gap, .refused, .silent)").count()
    page.focus(".text")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.dataset.token") != gaps[0]:
        page.keyboard.press("Tab")
    taken = []
    for key, basis in (("1", "guess"), ("Shift+Digit1", "ink")):
        place = page.evaluate("document.activeElement.dataset.token")
        page.wait_for_function(
            "(id) => document.querySelector('.page-page').dataset.current === id && document.querySelector('.panel .take')", arg=place
        )
        taken.append((place, basis, page.inner_text(".panel .take .guess >> nth=0")))
        page.keyboard.press(key)
        page.wait_for_function("(id) => document.getElementById('t-' + id).matches('.decided')", arg=place)
        page.wait_for_function("(id) => document.querySelector('.page-page').dataset.current !== id", arg=place)
        while page.locator(":focus.gap").count() == 0:
            page.keyboard.press("Tab")
    entries = desk.store.decisions.recent()
    assert [(entry.target, entry.basis, entry.text) for entry in reversed(entries)] == taken
    assert page.url == address
    assert page.inner_text("[data-left]").startswith(f"left: {still_open - 2} gap")
    page.keyboard.press("u")
    page.wait_for_function("(id) => document.getElementById('t-' + id).matches('.gap')", arg=taken[1][0])
    assert desk.store.index.find_gap(taken[1][0]).status == "open"
