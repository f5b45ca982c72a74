"""A small collection of scans, and one run over it that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import FinishedRun, run_desunt
from tests.support.rendered_pages import letter_page

NO_NETWORK = """
import socket

def refused(self, address, *rest):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        raise PermissionError(f"the network is cut off: {address}")
    return connect(self, address, *rest)

connect = socket.socket.connect
socket.socket.connect = socket.socket.connect_ex = refused
socket.getaddrinfo = socket.create_connection = lambda *_, **__: (_ for _ in ()).throw(PermissionError("the network is cut off"))
"""


@pytest.fixture(scope="session")
def scans(tmp_path_factory) -> Path:
    """Two good scans of three pages, one in a sub-folder, and two files that cannot be read."""
    folder = tmp_path_factory.mktemp("scans")
    letter_page(blot=(592, 268, 790, 350)).save(folder / "letter.png", dpi=(300, 300))
    (folder / "box").mkdir()
    pages = [letter_page(), letter_page("The second page of the letter.\nIt has two lines.")]
    pages[0].save(folder / "box" / "note.tif", save_all=True, append_images=pages[1:], dpi=(300, 300))
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("not an image")
    (folder / "cable.txt").write_text("texts are read only when named", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def offline(tmp_path_factory) -> str:
    """A folder for PYTHONPATH that cuts the network off in every process, workers included."""
    folder = tmp_path_factory.mktemp("offline")
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    return str(folder)


@pytest.fixture(scope="session", params=["ngram", pytest.param("embedded", marks=pytest.mark.slow)])
def finished(scans: Path, offline: str, tmp_path_factory, request: pytest.FixtureRequest) -> FinishedRun:
    """The run, with the network cut off, by a quick model and by the one that is used."""
    out = tmp_path_factory.mktemp("results") / "out"
    done = run_desunt("run", scans, "--out", out, "--model", request.param, "--jobs", "2", cwd=scans.parent, PYTHONPATH=offline)
    return FinishedRun(scans, out, request.param, done.returncode, done.stderr)
