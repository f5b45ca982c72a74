"""A small collection of scans, and one run over it that several tests look at."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

TEXT = """DEPARTMENT OF STATE
The Ambassador informed the Minister that the
agreement had been signed on the second of March
and that the railroad would remain under the joint
control of both governments for thirty years."""
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


def typed_page(text: str = TEXT, blot: tuple[int, int, int, int] | None = None) -> Image.Image:
    """A small typed page, 300 dpi, with a blot over a word if asked."""
    image = Image.new("L", (1500, 700), 245)
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype("DejaVuSansMono.ttf", 46)
    for row, line in enumerate(text.splitlines()):
        draw.text((80, 80 + 100 * row), line, fill=30, font=font)
    if blot:
        draw_blot(draw, blot)
    return image


def draw_blot(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    """A cloudy, ragged blot: a smooth black bar would be a redaction."""
    rng = random.Random(3)
    left, top, right, bottom = box
    for x in range(left + 15, right - 15, 12):
        y, r = (top + bottom) // 2 + rng.randint(-8, 8), rng.randint(30, 52)
        draw.ellipse((x - r // 2, y - r, x + r // 2, y + r), fill=rng.randint(55, 95))


@dataclass(frozen=True)
class Run:
    """A folder of scans, the results, and how the command ended."""

    scans: Path
    out: Path
    code: int
    log: str


def desunt(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "desunt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, env=os.environ | environment)


@pytest.fixture(scope="session")
def scans(tmp_path_factory) -> Path:
    """Two good scans of three pages, one in a sub-folder, and two files that cannot be read."""
    folder = tmp_path_factory.mktemp("scans")
    typed_page(blot=(592, 268, 790, 350)).save(folder / "letter.png", dpi=(300, 300))
    (folder / "box").mkdir()
    pages = [typed_page(), typed_page("The second page of the letter.\nIt has two lines.")]
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


@pytest.fixture(scope="session")
def finished(scans: Path, offline: str, tmp_path_factory) -> Run:
    """The run, with the network cut off."""
    out = tmp_path_factory.mktemp("results") / "out"
    done = desunt("run", scans, "--out", out, "--jobs", "2", cwd=scans.parent, PYTHONPATH=offline)
    return Run(scans, out, done.returncode, done.stderr)
