"""The whole desk in a browser over real typescript: pages of the development data, or, without it, the repository's own facsimile."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from desunt.record.document import Word
from desunt.record.files import write_record
from desunt.review.environment import Environment, open_environment
from desunt.review.store.types import EditProposal, NewGap, Query
from tests.support.desk_browser import next_gap, offered
from tests.support.desk_collection import Drawn, read_drawn

pytestmark = pytest.mark.browser

# Two letters of 1938 with some twenty-five gaps.
PAGES = ("EHRI-BF-19380509b_EN_03.jpg", "EHRI-BF-19380802_EN_01.jpg")
MANY = 20


@pytest.fixture(scope="module")
def real_pages(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of real pages, read once."""
    folder = tmp_path_factory.mktemp("real")
    data = Path(os.environ.get("DESUNT_SHARED", root.parent / "shared")) / "data" / "scans" / "ehri"
    scans = [data / name for name in PAGES if (data / name).exists()] or [root / "scans" / "harriman-cable-1945-07-03.tif"]
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
        for page in desk.store.index.facts(row.document_id).document.pages:
            for line in page.lines:
                for before, word, after in zip(line.tokens, line.tokens[1:], line.tokens[2:], strict=False):
                    around = all(isinstance(one, Word) and one.text.islower() and one.text.isalpha() for one in (before, word, after))
                    if not around or len(word.text) < 3:
                        continue
                    if word.text in seen and seen[word.text][0] != line.id:
                        for where, one in (seen[word.text], (line.id, word)):
                            change = EditProposal(row.document_id, "add", where, (one.id,), None, (NewGap(one.box),), "Otto", "")
                            desk.store.decisions.edit(change)
                        return
                    seen.setdefault(word.text, (line.id, word))


def test_the_whole_desk_over_real_pages(visit, desk):
    many = min(MANY, desk.store.queue.counts(Query()).total - 4)
    assert many >= 8
    anna = visit("Anna", "/queue")
    anna.click("text=Start deciding")
    anna.wait_for_selector(".pane.live")
    taken = decide_by_keys(anna, desk, many)
    undo_and_amend(anna, desk, taken)
    read_blind_first(anna, desk)
    decide_a_series(anna, desk)
    read_second(visit("Ben"), desk, taken)
    export_all(anna, desk)


def decide_by_keys(page, desk, many: int) -> list[str]:
    """Take the first candidate where one is offered, leave open what is refused: one key each."""
    taken = []
    for _ in range(many):
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
    assert desk.store.index.gap(taken[-1]).status == "open"
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
    entries = [one for one in desk.store.decisions.recent() if one.text == "seen together"]
    assert len(entries) >= 2
    assert len({one.series for one in entries}) == 1


def read_second(page, desk, taken: list[str]) -> None:
    given = [gap for gap in taken if desk.store.index.gap(gap).status == "decided"][-2:]
    assert desk.store.second.assign(given, "Ben", "Anna") == len(given)
    page.goto("/second")
    page.click("text=Start reading")
    for number in range(len(given)):
        page.wait_for_selector(".gap-page")
        here = page.get_attribute(".gap-page", "data-gap")
        first = desk.store.index.gap(here).reading
        page.fill("#reading", first if number == 0 else "otherwise")
        page.press("#reading", "Enter")
        page.wait_for_function("(gap) => document.querySelector('.gap-page')?.dataset.gap !== gap", arg=here)
    agreement = desk.store.progress.agreement()
    assert (agreement.confirmed, agreement.contested) == (1, len(given) - 1)


def export_all(page, desk) -> None:
    page.goto("/exports")
    with page.expect_download() as waiting:
        page.click("text=decisions.jsonl >> nth=0")
    lines = [json.loads(line) for line in Path(waiting.value.path()).read_text("utf-8").splitlines()]
    assert [one["uid"] for one in lines] == [one.uid for one in reversed(desk.store.decisions.recent(limit=1000))]
    assert {"decide", "revoke", "edit", "confirm"} <= {one["action"] for one in lines}
    assert "chain of hashes holds" in page.inner_text("main")
