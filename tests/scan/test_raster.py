from __future__ import annotations

import zlib
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desunt.scan import raster
from tests.support import malformed_files as made
from tests.support.scan_files import Save, pixels, read, write

_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@pytest.fixture
def save(tmp_path: Path) -> Save:
    return partial(write, tmp_path)


def test_sixteen_bits_do_not_clip(save: Save) -> None:
    wide = np.linspace(0, 65535, 340 * 440).reshape(440, 340).astype(np.uint16)
    for name in ("a.png", "a.tif", "a.jp2"):
        assert np.array_equal(read(save(Image.fromarray(wide), name)).pixels, wide >> 8)
    inverted = save(Image.fromarray(wide), "inverted.tif", tiffinfo={262: 0})
    assert np.array_equal(read(inverted).pixels, 255 - (wide >> 8))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_ten_to_fourteen_bits_in_sixteen_use_their_own_range(bits: int, save: Save) -> None:
    values = np.linspace(0, 2**bits - 1, 340 * 440).reshape(440, 340).astype(np.uint16)
    assert np.array_equal(read(save(Image.fromarray(values), "a.tif")).pixels, values >> (bits - 8))


def test_long_integers_and_floats(save: Save) -> None:
    ramp = np.linspace(0, 1, 340 * 440).reshape(440, 340)
    expected = (ramp * 255).round()
    for values in (ramp.astype(np.float32), (ramp * 255).astype(np.float32), (ramp * 65535).astype(np.int32)):
        got = read(save(Image.fromarray(values), "a.tif")).pixels
        assert np.abs(got - expected).max() <= 1


def test_colour_modes(save: Save) -> None:
    colours = np.random.default_rng(3).integers(0, 256, (440, 340, 3), dtype=np.uint8)
    image = Image.fromarray(colours)
    assert np.array_equal(read(save(image, "a.png")).pixels, colours)
    cmyk = image.convert("CMYK")
    assert np.array_equal(read(save(cmyk, "a.tif")).pixels, pixels(cmyk.convert("RGB")))
    palette = image.quantize(16)
    assert np.array_equal(read(save(palette, "b.png")).pixels, pixels(palette.convert("RGB")))
    assert read(save(image.convert("YCbCr"), "a.jpg")).pixels.shape == (440, 340, 3)
    assert np.array_equal(read(save(made.page().convert("RGB"), "c.png")).pixels, pixels(made.page())), "grey as RGB is grey"
    bilevel = made.page().convert("1")
    assert set(np.unique(read(save(bilevel, "d.png")).pixels)) == {0, 255}
    assert read(save(image.convert("LAB"), "lab.tif")).pixels.shape == (440, 340)


def test_what_is_transparent_is_paper(save: Save) -> None:
    ink = Image.new("LA", (100, 100), (0, 0))
    ink.paste((0, 255), (20, 20, 40, 40))
    scan = read(save(ink, "a.png"))
    assert scan.pixels[30, 30] == 0
    assert scan.pixels[5, 5] == 255
    hidden = made.page().convert("RGBA")
    hidden.putalpha(0)
    assert np.array_equal(read(save(hidden, "b.png")).pixels, pixels(made.page())), "an alpha channel that hides everything is none"
    key = Image.new("L", (100, 100), 9)
    key.paste(200, (20, 20, 40, 40))
    assert np.unique(read(save(key, "c.png", transparency=9)).pixels).tolist() == [200, 255]


@pytest.mark.parametrize(("orientation", "name"), list(product(range(1, 9), ["a.png", "a.jpg", "a.tif"])))
def test_exif_orientation(orientation: int, name: str, save: Save) -> None:
    stored = Image.fromarray(np.kron(np.array([[0, 80, 160], [40, 120, 250]], np.uint8), np.ones((100, 100), np.uint8)))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # as Pillow's Transpose numbers them
    expected = stored if orientation == 1 else stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[274] = orientation
    scan = read(save(stored, name, exif=exif, dpi=(300, 200)))
    assert (scan.image.width, scan.image.height) == expected.size
    assert np.abs(scan.pixels.astype(int) - pixels(expected)).max() <= 4
    assert scan.image.dpi == (300 if orientation < 5 else 200), "resolution across the upright page"


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_black_lower_edge_is_not_a_missing_one(interlaced: bool, save: Save) -> None:
    image = made.page(333, 221)
    image.paste(0, (0, 200, 333, 221))
    data = bytearray(made.encoded(image, "PNG"))
    if interlaced:
        rows = [pixels(image)[t::down, left::across] for left, t, across, down in _ADAM7]
        body = b"".join(b"\0" + row.tobytes() for part in rows for row in part)
        data = bytearray(made.png(333, 221, zlib.compress(body)))
        header = made.chunk(b"IHDR", bytes(data[16:28]) + b"\1")
        data[8:33] = header
    assert np.array_equal(read(save(bytes(data), "a.png")).pixels, pixels(image))


def test_unfinished_means_exactly_grey() -> None:
    page = np.full((40, 20, 3), 128, np.uint8)
    assert raster.is_cut_short(page)
    page[-3, 7, 1] = 129
    assert not raster.is_cut_short(page)
