from __future__ import annotations

import zlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desunt.scan import Scan, count_pages, read_page
from tests.support import malformed_files as made

JPEG = made.encoded(made.page(), "JPEG", quality=95)
GREY = b"/Width 340 /Height 440 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
FLATE = zlib.compress(made.page().tobytes())
BOX = (81.6, 105.6)  # 340 x 440 pixels at 300 dpi


def read(folder: Path, data: bytes, number: int = 1, dpi: int = 150) -> Scan:
    path = folder / "a.pdf"
    path.write_bytes(data)
    return read_page(path, number, name="a.pdf", sha256="", max_pixels=20_000_000, pdf_dpi=dpi)


def same(scan: Scan) -> bool:
    """Tell whether these are the embedded image's own pixels."""
    return np.array_equal(scan.pixels, np.asarray(made.page()))


def test_the_embedded_image_is_taken_at_its_own_resolution(tmp_path: Path) -> None:
    scan = read(tmp_path, made.image_pdf(FLATE, GREY, box=BOX))
    assert same(scan)
    assert scan.image.dpi == 300


def test_an_invisible_text_layer_is_ignored(tmp_path: Path) -> None:
    content = b"q %g 0 0 %g 0 0 cm /Im Do Q BT 3 Tr /F 40 Tf 5 50 Td (WRONG TEXT) Tj ET" % BOX
    assert same(read(tmp_path, made.image_pdf(FLATE, GREY, box=BOX, content=content)))
    under = b"BT /F 40 Tf 5 50 Td (WRONG TEXT) Tj ET q %g 0 0 %g 0 0 cm /Im Do Q" % BOX
    assert same(read(tmp_path, made.image_pdf(FLATE, GREY, box=BOX, content=under)))


@pytest.mark.parametrize(
    "over",
    [
        b"0 g 10 50 40 10 re f",  # a redaction drawn over the scan: what lies under it is withheld
        b"0 g 10 50 2 2 re f",
        b"BT /F 12 Tf 5 50 Td (SECRET) Tj ET",
        b"q 20 0 0 20 30 40 cm /Im Do Q",
    ],
)
def test_what_is_drawn_over_the_image_is_part_of_the_page(over: bytes, tmp_path: Path) -> None:
    scan = read(tmp_path, made.image_pdf(FLATE, GREY, box=BOX, content=b"q %g 0 0 %g 0 0 cm /Im Do Q " % BOX + over), dpi=300)
    assert not same(scan)
    if b"40 10 re f" in over:
        left, top, right, bottom = (round(x * 300 / 72) for x in (10, 105.6 - 60, 50, 105.6 - 50))
        assert (scan.pixels[top + 2 : bottom - 2, left + 2 : right - 2] == 0).all()


def test_annotations_that_are_seen_are_part_of_the_page(tmp_path: Path) -> None:
    black = made.stream(b"/Type /XObject /Subtype /Form /BBox [0 0 40 10]", b"0 g 0 0 40 10 re f")
    keys = b"/Annots [<< /Type /Annot /Subtype /%s /Rect [10 50 50 60] /F %d /AP << /N 6 0 R >> >>]"
    for kind, flags, seen in ((b"Square", 4, True), (b"Square", 2, False), (b"Link", 4, False)):
        data = made.image_pdf(FLATE, GREY, box=BOX, page_keys=keys % (kind, flags), more=(black,))
        assert same(read(tmp_path, data)) is not seen


MATRICES = [
    b"81.6 0 0 105.6 0 0", b"-81.6 0 0 105.6 81.6 0", b"81.6 0 0 -105.6 0 105.6", b"-81.6 0 0 -105.6 81.6 105.6",
    b"0 81.6 -105.6 0 105.6 0", b"0 -81.6 105.6 0 0 81.6", b"0 81.6 105.6 0 0 0", b"0 -81.6 -105.6 0 105.6 81.6",
]  # fmt: skip


@pytest.mark.parametrize(("number", "rotation"), list(product(range(8), (0, 90, 180, 270))))
def test_an_image_is_turned_as_the_page_shows_it(number: int, rotation: int, tmp_path: Path) -> None:
    box = BOX if number < 4 else BOX[::-1]
    content = b"q %s cm /Im Do Q" % MATRICES[number]
    keys = b"/Rotate %d" % rotation
    taken = read(tmp_path, made.image_pdf(FLATE, GREY, box=box, content=content, page_keys=keys))
    nothing_more = b" 1 g 0 0 0.01 0.01 re f"  # forces a drawing
    drawn = read(tmp_path, made.image_pdf(FLATE, GREY, box=box, content=content + nothing_more, page_keys=keys), dpi=300)
    assert taken.image.dpi == 300
    assert sorted(taken.pixels.shape) == [340, 440]
    assert np.abs(np.subtract(taken.pixels.shape, drawn.pixels.shape)).max() <= 1
    height, width = taken.pixels.shape
    assert np.abs(taken.pixels - drawn.pixels[:height, :width].astype(float)).mean() < 12


def test_resolution_across_and_down_may_differ(tmp_path: Path) -> None:
    assert read(tmp_path, made.image_pdf(FLATE, GREY, box=(81.6, 211.2))).image.dpi == 300
    assert read(tmp_path, made.image_pdf(FLATE, GREY, box=(81.6, 211.2), page_keys=b"/Rotate 90")).image.dpi == 150


def test_a_page_size_that_cannot_be_is_not_believed(tmp_path: Path) -> None:
    wide = zlib.compress(bytes(2550 * 3300))
    keys = b"/Width 2550 /Height 3300 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
    for box in ((2550, 3300), (14_000, 14_000)):
        assert read(tmp_path, made.image_pdf(wide, keys, box=box)).image.dpi == 300


def test_colour_and_bilevel_images(tmp_path: Path) -> None:
    colours = np.random.default_rng(4).integers(0, 256, (440, 340, 3), dtype=np.uint8)
    size = b"/Width 340 /Height 440 /Filter /FlateDecode "
    data = zlib.compress(colours.tobytes())
    assert np.array_equal(
        read(tmp_path, made.image_pdf(data, size + b"/ColorSpace /DeviceRGB /BitsPerComponent 8", box=BOX)).pixels, colours
    )
    bilevel = made.page().convert("1")
    bits = zlib.compress(bilevel.tobytes())
    plain = read(tmp_path, made.image_pdf(bits, size + b"/ColorSpace /DeviceGray /BitsPerComponent 1", box=BOX))
    assert np.array_equal(plain.pixels, np.asarray(bilevel) * 255)
    inverted = read(tmp_path, made.image_pdf(bits, size + b"/ColorSpace /DeviceGray /BitsPerComponent 1 /Decode [1 0]", box=BOX))
    assert np.array_equal(inverted.pixels, 255 - np.asarray(bilevel) * np.uint8(255))
    group4 = made.tiff_frame(bilevel, "group4")
    fax = b"/Width 340 /Height 440 /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode "
    fax += b"/DecodeParms << /K -1 /Columns 340 /Rows 440 /BlackIs1 %s >>" % (b"false" if group4[0][262] == 0 else b"true")
    assert np.array_equal(read(tmp_path, made.image_pdf(group4[1], fax, box=BOX)).pixels, np.asarray(bilevel) * 255)


@pytest.mark.parametrize("decode", [b"", b"/Decode [1 0]"])
def test_a_stencil_is_drawn_in_its_own_resolution(decode: bytes, tmp_path: Path) -> None:
    bilevel = made.page().convert("1")
    keys = b"/Width 340 /Height 440 /Filter /FlateDecode /ImageMask true /BitsPerComponent 1 " + decode
    scan = read(tmp_path, made.image_pdf(zlib.compress(bilevel.tobytes()), keys, box=BOX))
    assert scan.image.dpi == 300
    expected = np.asarray(bilevel) * 255.0
    if decode:
        expected = 255 - expected
    assert np.abs(scan.pixels[:440, :340] - expected).mean() < 40


def test_an_image_with_a_soft_mask_is_drawn(tmp_path: Path) -> None:
    alpha = np.zeros((440, 340), np.uint8)
    alpha[:220] = 255
    mask = made.stream(
        b"/Type /XObject /Subtype /Image /Width 340 /Height 440 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode",
        zlib.compress(alpha.tobytes()),
    )
    scan = read(tmp_path, made.image_pdf(zlib.compress(bytes(340 * 440)), GREY + b" /SMask 6 0 R", box=BOX, more=(mask,)))
    assert scan.pixels[50:200, 50:300].max() < 10
    assert scan.pixels[240:, 50:300].min() > 245


def test_a_clip_that_hides_half_of_the_image_is_kept(tmp_path: Path) -> None:
    content = b"q 0 0 81.6 52.8 re W n 81.6 0 0 105.6 0 0 cm /Im Do Q"
    scan = read(tmp_path, made.image_pdf(FLATE, GREY, box=BOX, content=content))
    assert (scan.pixels[:200] == 255).all()


def test_an_image_that_leaves_a_margin_is_drawn_with_it(tmp_path: Path) -> None:
    scan = read(tmp_path, made.image_pdf(FLATE, GREY, box=(200, 200), content=b"q 81.6 0 0 105.6 60 50 cm /Im Do Q"), dpi=300)
    assert scan.image.dpi == 300
    assert scan.pixels.shape[0] in (833, 834, 835)


def test_a_blank_page_is_a_page(tmp_path: Path) -> None:
    scan = read(tmp_path, made.blank_pdf(b"[0 0 612 792]"), dpi=150)
    assert scan.pixels.shape == (1650, 1275)
    assert scan.pixels.min() == 255


def test_a_jpeg_without_its_end_mark_is_whole(tmp_path: Path) -> None:
    scan = read(tmp_path, made.jpeg_pdf(JPEG + b"\n\0", box=BOX))
    assert np.abs(scan.pixels - np.asarray(made.page()).astype(float)).mean() < 6


def test_many_pages(tmp_path: Path) -> None:
    kids = b" ".join(b"%d 0 R" % n for n in range(3, 303))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%s] /Count 300 >>" % kids]
    objects += [b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d 300] >>" % (100 + n) for n in range(300)]
    for number in (1, 300):
        assert read(tmp_path, made.pdf(objects), number, dpi=72).pixels.shape == (300, 99 + number)
    assert count_pages(tmp_path / "a.pdf") == 300


@pytest.mark.data
def test_real_pages_give_their_embedded_image(shared: Path) -> None:
    for name in ("104-10308-10127", "176-10036-10086"):
        path = shared / "data/scans/jfk-pdf" / f"{name}.pdf"
        for number in range(1, count_pages(path) + 1):
            scan = read_page(path, number, name=path.name, sha256="", max_pixels=10**8, pdf_dpi=100)
            assert scan.image.dpi == 300
            assert np.unique(scan.pixels).tolist() == [0, 255]


@pytest.mark.data
def test_a_page_as_pdf_is_the_page_as_png(shared: Path) -> None:
    folder = shared / "data/scans"
    image = read_page(folder / "jfk-pdf/104-10183-10043.pdf", 1, name="", sha256="", max_pixels=10**8, pdf_dpi=300).pixels
    with Image.open(folder / "jfk/104-10183-10043_p001.png") as png:
        drawn = np.asarray(png.convert("L"))
    # The PNG was drawn by another program, which smooths: 1 % differs. Upside down, 11 % would.
    assert image.shape == drawn.shape
    assert ((image < 128) != (drawn < 128)).mean() < 0.02
