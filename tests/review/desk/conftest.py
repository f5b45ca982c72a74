"""A desk over pages that Tesseract read, in a browser, and a desk over records made by hand, over HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from desunt.record.files import write_record
from desunt.review.environment import Environment, open_environment
from tests.support.desk_browser import LAPTOP
from tests.support.desk_client import visitor
from tests.support.desk_collection import make_collection
from tests.support.desk_server import running
from tests.support.records import draw_scan, sample_record, sample_transcript

# Milliseconds that a browser waits for what must come.
PATIENCE = 180_000

# What OpenSeadragon says when another picture is opened while a piece of the one before is on its way: it drops the piece, as it should.
TILE_TOO_LATE = "Ignoring tile %s loaded before reset"


@pytest.fixture(scope="session")
def read_pages(tmp_path_factory) -> Path:
    """The collection, read once."""
    folder = tmp_path_factory.mktemp("collection")
    make_collection(folder)
    return folder


@pytest.fixture
def outputs(read_pages: Path, tmp_path: Path) -> Path:
    """A copy of the collection's results for one test."""
    return Path(shutil.copytree(read_pages / "outputs", tmp_path / "outputs"))


@pytest.fixture
def desk(outputs: Path) -> Iterator[Environment]:
    environment = open_environment(outputs)
    yield environment
    environment.store.close()


@pytest.fixture
def visit(browser: Any, desk: Environment) -> Iterator[Callable[..., Any]]:
    """Sign somebody in and open an address; what the browser complains of fails the test."""
    messages: list[str] = []
    contexts: list[Any] = []
    with running(desk) as address:

        def open_page(name: str, at: str = "/", size: tuple[int, int] = LAPTOP, *, script: bool = True, scheme: str = "light") -> Any:
            view = {"width": size[0], "height": size[1]}
            context = browser.new_context(
                viewport=view, java_script_enabled=script, color_scheme=scheme, reduced_motion="reduce", base_url=address
            )
            # A machine that other work keeps busy answers late, not wrongly.
            context.set_default_timeout(PATIENCE)
            contexts.append(context)
            page = context.new_page()
            page.on("console", lambda message: messages.append(message.text))
            page.on("pageerror", lambda error: messages.append(str(error)))
            page.on("request", lambda request: messages.append(request.url) if not request.url.startswith((address, "data:")) else None)
            page.goto(f"/sign-in?to={at}")
            page.fill("#name", name)
            page.click("main button")
            return page

        # What a browser reports as it does a missing file, where the test asks for it: the number of a status.
        open_page.expected = "none"
        yield open_page
        for context in contexts:
            context.close()
    assert [line for line in messages if f"status of {open_page.expected}" not in line and TILE_TOO_LATE not in line] == []


@pytest.fixture
def by_hand(tmp_path: Path) -> Path:
    """A scan of two frames with every kind of gap, and a transcript."""
    sha256 = draw_scan(tmp_path / "letter.tif", 1)
    record = sample_record("letter.tif", sha256)
    document = replace(record.document, source=str(tmp_path / "letter.tif"))
    write_record(replace(record, document=document), tmp_path / "outputs" / "letter")
    write_record(sample_transcript(), tmp_path / "outputs" / "cable")
    return tmp_path / "outputs"


@pytest.fixture
def plain_desk(by_hand: Path) -> Iterator[Environment]:
    environment = open_environment(by_hand)
    yield environment
    environment.store.close()


@pytest.fixture
def client(plain_desk: Environment) -> TestClient:
    return visitor(plain_desk)
