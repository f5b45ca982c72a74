"""desunt as OCRmyPDF's engine: the text layer is the page's own text, and what is supposed stands beside it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from tests.support.rendered_pages import letter_page

pytest.importorskip("ocrmypdf")

WORDS = ("Ambassador", "informed", "Minister")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two typed pages as a PDF of images."""
    pages = [
        letter_page("Letter 1\nThe Ambassador informed the Minister."),
        letter_page("Letter 2\nThe Ambassador informed the Minister of it."),
    ]
    path = tmp_path_factory.mktemp("ocrmypdf") / "in.pdf"
    images = [page.convert("RGB") for page in pages]
    images[0].save(path, save_all=True, append_images=images[1:], resolution=300)
    return path


def ocrmypdf(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ocrmypdf", "--plugin", "desunt.ocrmypdf", "--desunt-model", "ngram", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})


def text_of(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_range() for page in document]


def blotted(folder: Path) -> Path:
    image = letter_page("Letter 3\nThe Ambassador informed the Minister of the matter.").convert("RGB")
    boxes = Image.eval(image.convert("L"), lambda value: 255 * (value < 128)).getbbox()
    assert boxes is not None
    left, top, right, bottom = boxes
    middle, height = (left + right) // 2, bottom - top
    ImageDraw.Draw(image).ellipse((middle - 90, bottom - height // 3, middle + 90, bottom + 10), fill=(30, 30, 30))
    path = folder / "blotted.pdf"
    image.save(path, resolution=300)
    return path


def test_the_text_layer_and_the_sidecar_hold_the_page_s_words(scan: Path, tmp_path: Path) -> None:
    done = ocrmypdf("-j", "2", "--deskew", "--output-type", "pdf", "--sidecar", tmp_path / "out.txt", scan, tmp_path / "out.pdf")
    assert done.returncode == 0, done.stderr
    pages = text_of(tmp_path / "out.pdf")
    assert len(pages) == 2
    for page in pages:
        assert all(word in page for word in WORDS)
    assert all((tmp_path / "out.txt").read_text("utf-8").count(word) == 2 for word in WORDS)
    with pikepdf.open(tmp_path / "out.pdf") as document:
        assert "desunt" in str(document.docinfo.get("/Creator", ""))


def test_a_gap_is_a_mark_in_the_text_and_conjectures_stand_in_the_apparatus(tmp_path: Path) -> None:
    apparatus = tmp_path / "gaps.md"
    flags = ("--output-type", "pdf", "--sidecar", tmp_path / "out.txt", "--desunt-apparatus", apparatus)
    done = ocrmypdf(*flags, blotted(tmp_path), tmp_path / "out.pdf")
    assert done.returncode == 0, done.stderr
    sidecar, listed = (tmp_path / "out.txt").read_text("utf-8"), apparatus.read_text("utf-8")
    assert "[ILLEGIBLE]" in sidecar
    assert "CONJECTURE" not in sidecar
    assert "CONJECTURE" in listed
    # The text layer has the sidecar's words and nothing else.
    assert set(re.findall(r"\w{4,}", text_of(tmp_path / "out.pdf")[0])) <= set(re.findall(r"\w{4,}", sidecar))


def test_bad_flags_end_with_what_to_do(scan: Path, tmp_path: Path) -> None:
    done = ocrmypdf("--desunt-apparatus", tmp_path / "nowhere" / "gaps.md", scan, tmp_path / "out.pdf")
    assert done.returncode == 1
    assert "make it first" in done.stderr
