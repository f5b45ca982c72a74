"""The whole desk in a browser over real typescript: pages of the development data, or, without it, the repository's own facsimile."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from desunt.record.document import Token, Word
from desunt.record.files import write_record
from desunt.review.environment import Environment, open_environment
from desunt.review.store.types import EditProposal, NewGap, QueueFilter
from tests.support.desk_browser import next_gap, offered
from tests.support.desk_collection import Drawn, read_drawn

pytestmark = pytest.mark.browser

# Two letters of 1938 with some twenty-five gaps; the facsimile has four.
LETTERS = ("EHRI-BF-19380509b_EN_03.jpg", "EHRI-BF-19380802_EN_01.jpg")
FACSIMILE = "harriman-cable-1945-07-03.tif"
MAX_DECIDED = 20
# Gaps that are left for what comes after the decisions by keys: one that is read blind, two of a series, one to spare.
LEFT_OVER = 4


@pytest.fixture(scope="module")
def real_pages(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of real pages, read once."""
    folder = tmp_path_factory.mktemp("real")
    letters = Path(os.environ.get("DESUNT_SHARED", root.parent / "shared")) / "data" / "scans" / "ehri"
    scans = [letters / name for name in LETTERS if (letters / name).exists()] or [root / "scans" / FACSIMILE]
    for scan in scans:
        write_record(read_drawn(Drawn(scan, ())), folder / scan.stem)
    return folder


@pytest.fixture
def outputs(real_pages: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(real_pages, tmp_path / "outputs"))


@pytest.fixture
def desk(outputs: Path):
    environment = open_environment(outputs)
    make_series(environment)
    yield environment
    environment.store.close()


def make_series(desk: Environment) -> None:
    """Make gaps of two places where the same word was read in the same kind of context: the engine's reading is then the same."""
    for row in desk.store.index.documents():
        seen: dict[str, tuple[str, Word]] = {}
        for page in desk.store.index.stored_record(row.document_id).document.pages:
            for line in page.lines:
                for before, word, after in zip(line.tokens, line.tokens[1:], line.tokens[2:], strict=False):
                    if not all(is_small_word(token) for token in (before, word, after)) or len(word.text) < 3:
                        continue
                    if word.text in seen and seen[word.text][0] != line.id:
                        for line_id, same in (seen[word.text], (line.id, word)):
                            edit = EditProposal(row.document_id, "add", line_id, (same.id,), None, (NewGap(same.box),), "Otto", "")
                            desk.store.decisions.edit(edit)
                        return
                    seen.setdefault(word.text, (line.id, word))


def is_small_word(token: Token) -> bool:
    return isinstance(token, Word) and token.text.islower() and token.text.isalpha()


def test_the_whole_desk_over_real_pages(visit, desk, outputs):
    count = min(MAX_DECIDED, desk.store.queue.counts(QueueFilter()).total - LEFT_OVER)
    assert count >= (2 if (outputs / Path(FACSIMILE).stem).exists() else 8)
    anna = visit("Anna", "/queue")
    anna.click("text=Start deciding")
    anna.wait_for_selector(".pane.live")
    taken = decide_by_keys(anna, desk, count)
    undo_and_amend(anna, desk, taken)
    read_blind_first(anna, desk)
    decide_a_series(anna, desk)
    read_second(visit("Ben"), desk, taken)
    export_all(anna, desk)


def decide_by_keys(page, desk, count: int) -> list[str]:
    """Take the first candidate where one is offered, leave open what is refused: one key each."""
    taken = []
    for _ in range(count):
        taken.append(page.get_attribute(".gap-page", "data-gap"))
        assert page.locator(".ink .line-image").is_visible()
        reads = offered(page)
        if reads:
            assert page.locator(".candidates .label").first.inner_text() == "CONJECTURE:"
            assert "None of these" in page.inner_text(".panel")
        with next_gap(page):
            page.keyboard.press("1" if reads else "o")
        entry = desk.store.decisions.history(taken[-1])[-1]
        assert (entry.verdict, entry.text) == (("accepted", reads[0]) if reads else ("left-open", None))
    return taken


def undo_and_amend(page, desk, taken: list[str]) -> None:
    with next_gap(page):
        page.keyboard.press("u")
    assert page.get_attribute(".gap-page", "data-gap") == taken[-1]
    assert desk.store.index.find_gap(taken[-1]).status == "open"
    page.keyboard.press("a")
    page.keyboard.type("as Anna reads it")
    with next_gap(page):
        page.keyboard.press("Shift+Enter")
    entry = desk.store.decisions.history(taken[-1])[-1]
    assert (entry.verdict, entry.basis, entry.text) == ("amended", "ink", "as Anna reads it")


def read_blind_first(page, desk) -> None:
    page.click("text=turn blind first on")
    page.wait_for_selector("[data-first]")
    gap = page.get_attribute(".gap-page", "data-gap")
    assert "CONJECTURE" not in page.content()
    page.keyboard.type("typed blind")
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    page.wait_for_selector("input[name=blind]", state="attached")
    with next_gap(page):
        page.click("[name=verdict][value=amended]")
    assert desk.store.decisions.history(gap)[-1].blind == "typed blind"
    page.click("text=blind first is on")
    page.wait_for_selector("text=turn blind first on")


def decide_a_series(page, desk) -> None:
    page.goto("/series")
    page.click("tbody a >> nth=0")
    page.click("text=tick all")
    page.fill("#reading", "seen together")
    page.click("button:has-text('Record for all ticked')")
    page.wait_for_selector("text=Decided together")
    entries = [entry for entry in desk.store.decisions.recent() if entry.text == "seen together"]
    assert len(entries) >= 2
    assert len({entry.series for entry in entries}) == 1


def read_second(page, desk, taken: list[str]) -> None:
    assigned = [gap for gap in taken if desk.store.index.find_gap(gap).status == "decided"][-2:]
    assert desk.store.second_readings.assign(assigned, "Ben", "Anna") == len(assigned)
    page.goto("/second")
    page.click("text=Start reading")
    for number in range(len(assigned)):
        page.wait_for_selector(".gap-page")
        gap = page.get_attribute(".gap-page", "data-gap")
        first = desk.store.index.find_gap(gap).reading
        page.fill("#reading", first if number == 0 else "otherwise")
        page.press("#reading", "Enter")
        page.wait_for_function("(gap) => document.querySelector('.gap-page')?.dataset.gap !== gap", arg=gap)
    agreement = desk.store.progress.agreement()
    assert (agreement.confirmed, agreement.contested) == (1, len(assigned) - 1)


def export_all(page, desk) -> None:
    page.goto("/exports")
    with page.expect_download() as waiting:
        page.click("text=decisions.jsonl >> nth=0")
    lines = [json.loads(line) for line in Path(waiting.value.path()).read_text("utf-8").splitlines()]
    assert [line["uid"] for line in lines] == [entry.uid for entry in reversed(desk.store.decisions.recent(limit=1000))]
    assert {"decide", "revoke", "edit", "confirm"} <= {line["action"] for line in lines}
    assert "chain of hashes holds" in page.inner_text("main")
