"""The rest of the desk in a browser: whole pages, exports, a new run of OCR, and whether everybody can use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from desunt.record.files import read_record, write_record
from desunt.review.store.types import QueueFilter
from tests.support.desk_browser import LAPTOP, TABLET, next_gap, offered, start
from tests.support.desk_collection import draw_page, read_drawn
from tests.support.paths import TESTS

pytestmark = pytest.mark.browser

AXE = TESTS / "vendor" / "axe.min.js"
SERIOUS = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
  .filter((one) => ['serious', 'critical'].includes(one.impact))
  .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`)"""


def test_word_never_flagged_is_corrected_and_gaps_are_made_split_and_joined(visit, desk):
    page = visit("Anna")
    page.click("tbody th a >> nth=0")
    page.wait_for_selector(".page-page")
    word = page.locator("a.token.word").nth(2)
    read_as, name = word.inner_text(), word.get_attribute("data-token")
    word.click()
    page.fill("#correction", f"{read_as}x")
    page.click("text=Record the correction")
    page.wait_for_selector(".done")
    (entry,) = desk.store.decisions.recent()
    assert (entry.verdict, entry.target, entry.text, entry.basis) == ("corrected", name, f"{read_as}x", "ink")
    # The page still says what it said.
    assert page.locator(f"#t-{name}").inner_text().startswith(read_as)
    page.click("text=Make a gap of it")
    page.click("text=Make the gap")
    page.wait_for_selector("text=gap added")
    gaps = len(desk.store.index.edited_record(entry.document_id).document.gaps)
    page.click("text=Split it")
    page.click("button:has-text('Split it')")
    page.wait_for_selector("text=gap split")
    assert len(desk.store.index.edited_record(entry.document_id).document.gaps) == gaps + 1
    page.click("text=Join it with the next gap")
    page.wait_for_selector("text=gaps joined")
    assert len(desk.store.index.edited_record(entry.document_id).document.gaps) == gaps


def test_gap_is_moved_by_drawing_on_the_scan(visit, desk):
    page = visit("Anna")
    page.click("tbody th a >> nth=0")
    page.locator("a.token.gap").first.click()
    page.wait_for_selector(".openseadragon-canvas canvas")
    page.click("text=Move it")
    page.wait_for_timeout(300)
    page.click("text=draw it on the scan")
    frame = page.locator(".viewer").bounding_box()
    page.mouse.move(frame["x"] + 120, frame["y"] + 120)
    page.mouse.down()
    page.mouse.move(frame["x"] + 200, frame["y"] + 150)
    page.mouse.up()
    page.wait_for_selector("text=draw it again")
    drawn = [int(page.input_value(f"[data-side={side}]")) for side in ("left", "top", "right", "bottom")]
    page.click("button:has-text('Move it')")
    page.wait_for_selector("text=gap moved")
    (entry,) = desk.store.decisions.recent()
    box = entry.edit.gaps[0].box
    assert [box.left, box.top, box.right, box.bottom] == drawn


def test_text_and_scan_point_at_each_other(visit):
    page = visit("Anna")
    start(page)
    page.wait_for_selector(".spot.current")
    page.locator(".text .token.word").first.hover()
    assert page.locator(".spot.pointer").is_visible()
    for _ in range(4):
        page.keyboard.press("-")
    other = page.locator("a.spot:not(.current)").first
    target = other.get_attribute("href")
    other.click()
    page.wait_for_url(f"**{target}")
    page.keyboard.press("c")
    assert "cleaned.jpg" in page.locator(".line-image image").get_attribute("href")
    assert page.get_attribute("[data-scan=cleaned]", "aria-pressed") == "true"
    page.keyboard.press("t")
    assert page.evaluate("Desk.scan.viewer().viewport.getRotation()") == 90


def test_desk_works_without_script(visit, desk):
    page = visit("Anna", script=False)
    start(page, script=False)
    gap, first = page.get_attribute(".gap-page", "data-gap"), offered(page)[0]
    assert page.locator(".sheet").is_visible()
    page.locator(".take").first.click()
    assert page.get_attribute(".gap-page", "data-gap") != gap
    assert desk.store.index.find_gap(gap).reading == first
    page.fill("#reading", "typed without a script")
    page.press("#reading", "Enter")
    assert desk.store.decisions.recent()[0].text == "typed without a script"
    page.click(".done button")
    assert desk.store.decisions.recent()[0].action == "revoke"


def test_what_is_refused_is_no_single_key(visit, desk):
    rows = desk.store.queue.page(QueueFilter(refused=True)).rows
    gap = next(row.gap_id for row in rows if row.top == "Ambassador")
    page = visit("Anna", f"/gaps/{gap}")
    page.wait_for_selector(".pane.live")
    panel = page.inner_text(".panel")
    assert "proper name" in panel
    assert panel.index("No reading is offered") < panel.index("Your reading")
    page.keyboard.press("1")
    page.wait_for_selector("[role=alert]")
    assert "no reading is offered" in page.inner_text("[role=alert]")
    assert desk.store.decisions.recent() == ()
    # Whoever looks at the list may still take one from it, deliberately.
    page.click("summary:has-text('Possible')")
    with next_gap(page):
        page.locator(".doubtful .take:has-text('Ambassador')").click()
    (entry,) = desk.store.decisions.recent()
    assert (entry.text, entry.refused, entry.basis) == ("Ambassador", True, "guess")


def test_export_is_what_was_decided(visit, desk):
    page = visit("Anna")
    start(page)
    with next_gap(page):
        page.keyboard.press("1")
    page.goto("/exports")
    with page.expect_download() as waiting:
        page.click("text=decisions.jsonl")
    content = Path(waiting.value.path()).read_text("utf-8")
    assert content == "".join(desk.store.exchange.export_jsonl())
    assert content.count("\n") == 1
    assert "chain of hashes holds" in page.inner_text("main")


def test_decisions_outlive_a_new_run_of_ocr(visit, desk, outputs, read_pages, tmp_path):
    page = visit("Anna")
    start(page)
    held = {}
    for _ in range(6):
        held[page.get_attribute(".gap-page", "data-gap")] = offered(page)[0]
        with next_gap(page):
            page.keyboard.press("1")
    for name in ("first", "second", "worn"):
        before = read_record(outputs / name)
        again = read_drawn(draw_page(name, read_pages), read=0.2)
        assert before.document.id == again.document.id
        write_record(again, outputs / name)
    page.goto("/")
    page.click("text=Look at the folders again")
    page.wait_for_load_state()
    stands = {row.reading for row in desk.store.queue.page(QueueFilter(status="decided")).rows}
    lost = {detached.entry.text for detached in desk.store.decisions.detached()}
    assert set(held.values()) <= stands | lost
    assert stands
    for text in lost:
        assert text in page.inner_text(".detached")


PAGES = ("/", "/queue", "/series", "/second", "/disagreements", "/decisions", "/progress", "/exports", "/nowhere")


@pytest.mark.parametrize(("scheme", "size"), [("light", LAPTOP), ("dark", TABLET)], ids=["light", "dark"])
def test_nothing_serious_for_accessibility(visit, desk, scheme, size):
    visit.expected = "404"
    page = visit("Anna", size=size, scheme=scheme)
    start(page)
    with next_gap(page):
        page.keyboard.press("1")
    gap = page.get_attribute(".gap-page", "data-gap")
    desk.store.second_readings.assign([desk.store.decisions.recent()[0].target], "Ben", "Anna")
    document = page.locator("h1 a").first.get_attribute("href")
    series = desk.store.series.list()[0].series
    violations = {}

    def look(at: str) -> None:
        page.goto(at)
        page.wait_for_timeout(150)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        page.evaluate(AXE.read_text("utf-8"))
        violations[at] = page.evaluate(SERIOUS)

    for at in (*PAGES, f"/gaps/{gap}", document, document.split("?")[0], f"/series/gaps?key={series}", f"/gaps/{gap}/history", "/sign-in"):
        look(at)
    page.goto(f"/gaps/{gap}")
    page.keyboard.press("?")
    page.evaluate(AXE.read_text("utf-8"))
    violations["keys"] = page.evaluate(SERIOUS)
    assert {at: serious for at, serious in violations.items() if serious} == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
