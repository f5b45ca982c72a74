"""What every OCR engine that looks at pixels must do, run over all of them on pages drawn here."""

from __future__ import annotations

import os
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from desunt.errors import DependencyMissing, PageFailed, PageTimeout, UsageError
from desunt.ocr.engines import ENGINES, OcrEngine, OcrResult, SidecarEngine, load_engine, write_pnm
from desunt.ocr.engines.tesseract import Tesseract
from desunt.record.document import Box
from tests.support.engine_pages import LINES, PITCH, SIZE, TOP, draw_three_lines


@pytest.fixture(scope="module", params=sorted(name for name in ENGINES if not isinstance(load_engine(name, "eng"), SidecarEngine)))
def engine(request: pytest.FixtureRequest) -> OcrEngine:
    made = load_engine(request.param, "eng")
    if request.param == "rapid":
        try:
            made.version()
        except DependencyMissing as missing:
            pytest.skip(str(missing))
    return made


@pytest.fixture(scope="module")
def reading(engine: OcrEngine) -> OcrResult:
    return engine.read(draw_three_lines()[0], 300, 120)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of our own for temporary files, to see what is left in it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_words_are_read_line_by_line(reading: OcrResult) -> None:
    assert [[word.text for word in line.words] for line in reading.lines] == [line.split() for line in LINES]


def test_boxes_lie_where_the_words_were_drawn(reading: OcrResult) -> None:
    places = draw_three_lines()[1]
    for number, line in enumerate(reading.lines):
        for word in line.words:
            left, top, right, bottom = places[f"{number} {word.text}"]
            assert abs(word.box.left - left) <= 14
            assert abs(word.box.right - right) <= 14
            assert abs((word.box.top + word.box.bottom) / 2 - (top + bottom) / 2) <= 14


def test_lines_hold_their_words_and_follow_each_other(reading: OcrResult) -> None:
    for line in reading.lines:
        assert (
            line.box.intersection(Box.enclosing(word.box for word in line.words))
            >= 0.95 * Box.enclosing(word.box for word in line.words).area
        )
        assert all(0.5 <= word.confidence <= 1 for word in line.words)
    assert all(above.box.top < below.box.top and above.block <= below.block for above, below in pairwise(reading.lines))


def test_a_reading_names_its_engine(engine: OcrEngine, reading: OcrResult) -> None:
    assert (reading.engine, reading.version) == (engine.name, engine.version())
    assert reading.version[0].isdigit()


def test_colour_reads_like_grey(engine: OcrEngine, reading: OcrResult) -> None:
    colour = np.ascontiguousarray(np.repeat(draw_three_lines()[0][:, :, None], 3, axis=2))
    assert [word.text for word in engine.read(colour, 300, 120).words] == [word.text for word in reading.words]


def test_a_blank_page_has_no_words(engine: OcrEngine) -> None:
    assert engine.read(np.full((700, 500), 255, np.uint8), 300, 120).words == ()


def test_a_page_of_one_pixel_does_not_crash(engine: OcrEngine) -> None:
    assert engine.read(np.full((1, 1), 255, np.uint8), 300, 120).words == ()


def test_time_runs_out(engine: OcrEngine, temporary: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 2, (3000, 3000), np.uint8) * np.uint8(255)
    with pytest.raises(PageTimeout, match="page_seconds"):
        engine.read(noise, 300, 0.2)
    assert not list(temporary.iterdir())


def test_no_temporary_file_is_left(engine: OcrEngine, temporary: Path) -> None:
    engine.read(draw_three_lines()[0][:250, :500], 300, 120)
    assert not list(temporary.iterdir())


def test_pixels_that_are_no_page_are_refused(engine: OcrEngine, temporary: Path) -> None:
    with pytest.raises(ValueError, match="not grey or RGB bytes"):
        engine.read(np.zeros((50, 50), np.float64), 300, 10)  # type: ignore[arg-type]
    assert not list(temporary.iterdir())


def test_an_unknown_engine_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="rapid, tesseract"):
        load_engine("tessaract", "eng")


def test_a_missing_tesseract_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyMissing, match="sudo apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-osd"):
        Tesseract("eng").read(draw_three_lines()[0], 300, 30)


def test_missing_language_data_says_what_to_type() -> None:
    with pytest.raises(DependencyMissing, match="sudo apt-get install tesseract-ocr-qqq-x"):
        Tesseract("qqq_x").read(draw_three_lines()[0], 300, 30)


def test_a_tesseract_that_fails_fails_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "tesseract"
    broken.write_text("#!/bin/sh\necho 'out of paper' >&2\nexit 7\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(PageFailed, match="out of paper"):
        Tesseract("eng").read(draw_three_lines()[0], 300, 30)


def test_tesseract_gives_baselines_under_the_letters() -> None:
    ascent = ImageFont.truetype("DejaVuSans.ttf", SIZE).getmetrics()[0]
    for number, line in enumerate(Tesseract("eng").read(draw_three_lines()[0], 300, 60).lines):
        assert line.baseline is not None
        (x0, y0), (x1, y1) = line.baseline
        assert x0 < x1
        assert max(abs(y - (TOP + number * PITCH + ascent)) for y in (y0, y1)) <= 4


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_tesseract_finds_the_turn_that_sets_a_page_upright(quarters: int) -> None:
    page = np.concatenate([draw_three_lines()[0]] * 3)
    found = Tesseract("eng").orientation(np.ascontiguousarray(np.rot90(page, quarters)), 300, 60)
    assert found is not None
    assert found[0] == 90 * quarters


def test_tesseract_does_not_guess_the_turn_of_a_blank_page() -> None:
    assert Tesseract("eng").orientation(np.full((700, 500), 255, np.uint8), 300, 60) is None


def test_boxes_are_cut_to_the_page() -> None:
    assert Box.clipped(-5, -5, 500, 20.4, 100, 50) == Box.clipped(0, 0, 100, 20, 100, 50)
    assert Box.clipped(100, 0, 120, 10, 100, 50) is None
    assert Box.clipped(10, 10, 10, 20, 100, 50) is None


def test_pnm_keeps_every_pixel(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (7, 5, 3), np.uint8)
    assert np.array_equal(np.asarray(Image.open(write_pnm(pixels, tmp_path))), pixels)
    # A slice is not contiguous: its bytes must be put in order first.
    assert np.array_equal(np.asarray(Image.open(write_pnm(pixels[:, ::-1, 0], tmp_path))), pixels[:, ::-1, 0])
