"""Take the pictures of docs/desk.md: run the desk over the results of the sample scans and look at it.

python -m tools.make_desk_pictures OUTPUTS      # OUTPUTS: where `desunt run scans` put its results
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from tests.support.chromium import chromium
from tests.support.desk_server import running

from desunt.review.environment import open_environment

ROOT = Path(__file__).resolve().parents[1]
SIZE = {"width": 1280, "height": 800}
COLOURS = 96
# Milliseconds that the browser waits for what must come; a busy machine answers late.
PATIENCE = 180_000


def main(outputs: Path) -> None:
    """Write docs/desk/*.png."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        desk = open_environment(outputs, f"sqlite:///{folder}/desk.sqlite")
        with running(desk) as address:
            page = browser.new_page(viewport=SIZE, reduced_motion="reduce", base_url=address)
            page.set_default_timeout(PATIENCE)
            page.goto("/sign-in")
            page.fill("#name", "Anna Berg")
            page.click("main button")
            take_all(page)
        desk.store.close()


def take_all(page: Any) -> None:
    """Take the pictures in the order of the text."""
    page.goto("/queue")
    take(page, "queue")
    page.goto("/queue?order=document")
    gap = page.locator("tbody tr", has_text="management").first.locator("a").first
    gap.click()
    page.wait_for_selector(".spot.current")
    page.keyboard.press("1")
    page.wait_for_selector(".done")
    page.go_back()
    page.wait_for_selector(".spot.current")
    page.keyboard.press("u")
    page.wait_for_selector(".take")
    page.wait_for_timeout(800)
    take(page, "gap")
    page.goto("/queue?order=document&offered=no")
    page.locator("tbody a").first.click()
    page.wait_for_selector(".spot.current")
    page.wait_for_timeout(800)
    take(page, "refused")
    page.locator("h1 a").click()
    page.wait_for_selector(".page-page")
    page.locator("a.token.word").nth(12).click()
    page.wait_for_selector(".spot.gap")
    page.wait_for_timeout(800)
    take(page, "page")


def take(page: Any, name: str) -> None:
    """Write what the window shows as a small PNG."""
    # A late scan would leave an empty frame.
    page.wait_for_function("!window.Desk?.scan?.viewer() || Desk.scan.viewer().world.getItemAt(0)?.getFullyLoaded()")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
    target = ROOT / "docs" / "desk" / f"{name}.png"
    target.parent.mkdir(exist_ok=True)
    picture.save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
