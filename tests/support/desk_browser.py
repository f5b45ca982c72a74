"""What an editor does at the desk in a browser, and who asks over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LAPTOP, TABLET = (1280, 800), (820, 1180)


@contextmanager
def next_gap(page: Any) -> Iterator[None]:
    """Do something, and wait until another gap is shown."""
    before = page.get_attribute(".gap-page", "data-gap")
    yield
    page.wait_for_function("(gap) => document.querySelector('.gap-page')?.dataset.gap !== gap", arg=before)


def start(page: Any, *, script: bool = True) -> None:
    page.goto("/queue?offered=yes")
    page.click("text=Start deciding")
    # The script has taken over the scan, and listens to keys.
    page.wait_for_selector(".pane.live" if script else ".sheet")


def offered(page: Any) -> list[str]:
    """Return what can be taken with one key: what was weighed and is not offered lies behind a summary that is closed."""
    return [guess.inner_text() for guess in page.locator(".take .guess").all() if guess.is_visible()]
