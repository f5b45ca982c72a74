"""The review page in a browser: what is copied, pressed and printed, without and with its script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from desunt.export import load_exporter
from desunt.record.conjecture import Candidate, Conjecture
from desunt.record.document import Box, Line, Region, Word
from desunt.record.files import Record
from tests.support.records import MODEL, SQUARE, sample_record, sample_transcript

pytestmark = pytest.mark.browser

SIZES = [(1400, 900), (1280, 800), (1024, 768), (768, 1024), (390, 800)]
SELECTED = "() => { getSelection().selectAllChildren(document.querySelector('[data-text]')); return getSelection().toString() }"
# Relative luminance and contrast as WCAG 2.2 defines them; the background is that of the nearest opaque ancestor.
CONTRASTS = """() => {
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *:not(script):not(svg *)")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length) continue;
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${element.className || element.tagName} ${ratio.toFixed(2)}: ${element.textContent.slice(0, 40)}`);
  }
  return found;
}"""


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open the review page of a record; what the browser complains of fails the test."""
    said: list[str] = []
    contexts = []

    def opened(record: Record, size: tuple[int, int] = (1280, 800), *, script: bool = True, scheme: str = "light", at: str = "") -> Any:
        path = tmp_path / "page.html"
        path.write_bytes(b"".join(load_exporter("html").export(record, lambda _: SQUARE, "apparatus")))
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, java_script_enabled=script, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri() + at)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("record", [sample_record(), sample_transcript()], ids=["scan", "transcript"])
def test_copying_the_text_gives_the_diplomatic_text(show, record):
    text = record.document.pages[0].text if record.document.pages[0].image else record.document.text
    assert show(record).evaluate(SELECTED).rstrip() == text.rstrip()


def test_copying_a_candidate_takes_its_label_with_it(show):
    page = show(sample_record())
    page.locator("#gap-1 .guess").first.dblclick()
    assert page.evaluate("getSelection().toString()").replace("\xa0", " ").strip() in ("", "CONJECTURE: quondam")
    selected = page.evaluate(
        "() => { const s = getSelection(); s.selectAllChildren(document.querySelector('#gap-1 .reading')); return s.toString() }"
    )
    assert selected.strip() == "CONJECTURE: quondam"


def test_keys_go_from_gap_to_gap(show):
    page = show(sample_record())
    for key, gap in (("n", 1), ("n", 2), ("n", 3), ("p", 2), ("p", 1), ("p", 7)):
        page.keyboard.press(key)
        assert page.evaluate("[document.activeElement.id, location.hash]") == [f"gap-{gap}", f"#gap-{gap}"]
        assert "lit" in page.locator(f"#mark-{gap}").get_attribute("class")
        assert page.locator(f"#gap-{gap}").is_visible()


def test_key_brings_card_mark_and_box_into_the_window(show):
    record = sample_record()
    first = record.document.pages[0]
    filler = Region("r0", "body", None, tuple(Line(f"f{n}", None, (Word(f"f{n}", f"line {n}", None, "tesseract"),)) for n in range(80)))
    page = show(replace(record, document=replace(record.document, pages=(replace(first, regions=(filler, *first.regions)),))), (1280, 800))
    page.keyboard.press("n")
    for part in ("#gap-1", "#mark-1", "#box-1"):
        box = page.locator(part).bounding_box()
        assert 0 <= box["y"] <= 800 - 10, part


def test_mark_box_and_card_light_up_together(show):
    page = show(sample_record())
    page.locator("#mark-1").hover()
    assert page.locator(".lit").count() == 3
    page.locator("#gap-3").hover()
    assert "lit" in page.locator("#mark-3").get_attribute("class")
    page.locator("#box-5").hover()
    assert "lit" in page.locator("#gap-5").get_attribute("class")
    page.locator("[data-box]").first.hover()
    assert page.locator(".pointer").first.get_attribute("width") == "60"


def test_click_on_the_scan_opens_the_card(show):
    page = show(sample_record())
    page.locator("#box-1").click()
    assert page.evaluate("document.activeElement.id") == "gap-1"


def test_scan_grows_and_shrinks(show):
    page = show(sample_record())
    width = page.locator(".sheet").first.bounding_box()["width"]
    page.keyboard.press("+")
    assert page.locator(".sheet").first.bounding_box()["width"] == pytest.approx(1.4 * width, rel=0.02)
    page.keyboard.press("0")
    assert page.locator(".sheet").first.bounding_box()["width"] == pytest.approx(width, rel=0.02)


def test_page_works_without_its_script(show):
    page = show(sample_record(), script=False, at="#gap-2")
    assert not page.locator(".zoom").first.is_visible()
    page.locator("#mark-1").click()
    assert page.url.endswith("#gap-1")
    page.locator("#gap-5 .more > summary").click()
    assert page.locator("#gap-5 .more .candidate").first.is_visible()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_hostile_text_does_not_break_the_layout(show, size):
    record = sample_record()
    first = record.document.pages[0]
    words = (Word("long", "x" * 10_000, Box(1, 1, 99, 9), "tesseract", 0.9, 0.2), Word("turned", "\u202e\u2067left", None, "tesseract"))
    page = replace(first, regions=(Region("r0", "body", None, (Line("l", None, (*words, *first.gaps[:1])),)), *first.regions[1:]))
    opinion = Conjecture("g1", (Candidate("y" * 10_000, 0.5), Candidate("\u202eeht", 0.1)), 0.4, MODEL, ("", ""))
    pages = (page, *record.document.pages[1:])
    document = replace(record.document, metadata=(("title", "t" * 3000), ("z" * 500, "v")), pages=pages, notes=("n" * 5000,))
    shown = show(replace(record, document=document, opinions={**record.opinions, "g1": opinion}), size)
    assert shown.evaluate("document.documentElement.scrollWidth") <= size[0]
    # What follows a turning character still stands to the right of it: the turn ends with its word.
    turned = shown.evaluate("document.querySelector('[data-text]').textContent.includes('\\u202e\\u2067left [ILLEGIBLE]')")
    assert turned
    label, guess = (shown.locator(f"#gap-1 .candidate:nth-child(2) {part}").bounding_box() for part in (".label", ".guess"))
    assert label["x"] + label["width"] <= guess["x"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("record", [sample_record(), sample_transcript()], ids=["scan", "transcript"])
def test_contrast_is_enough(show, scheme, record):
    page = show(record, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    assert page.evaluate(CONTRASTS) == []


def test_print_keeps_every_label_and_candidate(show, tmp_path):
    page = show(sample_record(), script=False)
    page.emulate_media(media="print")
    assert page.locator(".label:visible").count() >= 11
    assert page.locator(".candidate summary").count() == page.locator(".candidate:visible").count() == 11
    assert not page.locator(".zoom").first.is_visible()


def test_headings_are_nested_and_regions_named(show):
    page = show(sample_record())
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    named = "e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.querySelector('h2')"
    regions = "[...document.querySelectorAll('[role=region],[role=group],[role=img],section')]"
    assert page.evaluate(f"{regions}.filter((e) => !({named})).length") == 0
