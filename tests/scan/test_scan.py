from __future__ import annotations

import io
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from desunt.errors import ImageTooLarge, InputError
from desunt.record.document import ImageRef
from desunt.scan import MIN_SIDE_PX, SUFFIXES, count_pages, display_jpeg, read_page, tiff, true_dpi
from tests.support import malformed_files as made
from tests.support.scan_files import LIMITS, Save, pixels, read, write


@pytest.fixture
def save(tmp_path: Path) -> Save:
    return partial(write, tmp_path)


@pytest.fixture(autouse=True)
def untouched_pillow():
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    yield
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))


@pytest.mark.parametrize("case", list(made.malformed_files()), ids=lambda case: case.name)
def test_malformed_input_is_refused_with_its_name_and_a_remedy(case: made.MalformedFile, save: Save) -> None:
    path = save(case.data, case.name)
    if case.error is None:
        assert min(read(path).pixels.shape[:2]) >= MIN_SIDE_PX
        return
    with pytest.raises(InputError) as caught:
        read(path)
    assert type(caught.value) is case.error
    assert caught.value.remedy
    for words in (f"{case.name}, page 1: ", *case.words):
        assert words in str(caught.value)


def test_malformed_inputs_are_many_and_always_the_same() -> None:
    first, second = list(made.malformed_files()), list(made.malformed_files())
    assert [(m.name, m.data) for m in first] == [(m.name, m.data) for m in second]
    assert len({m.name for m in first if m.error}) >= 60


def test_no_file_a_folder_and_a_forbidden_file(save: Save, tmp_path: Path) -> None:
    for path, words in ((tmp_path / "gone.png", "does not exist"), (tmp_path, "not a file")):
        for action in (count_pages, lambda p: read_page(p, 1, name="x", sha256="", **LIMITS)):
            with pytest.raises(InputError, match=words):
                action(path)
    path = save(made.page(), "locked.png")
    path.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(InputError, match="may not be read"):
            count_pages(path)
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.jp2", "a.gif"])
def test_lossless_formats_give_the_same_pixels(name: str, save: Save) -> None:
    scan = read(save(made.page(), name))
    assert np.array_equal(scan.pixels, pixels(made.page()))
    assert scan.pixels.flags["C_CONTIGUOUS"]
    assert scan.pixels.flags["WRITEABLE"]
    assert (scan.image.path, scan.image.width, scan.image.height, scan.image.frame) == (name, 340, 440, 0)
    assert Path(name).suffix in SUFFIXES or name == "a.gif"


def test_every_frame_of_a_tiff_is_a_page(save: Save) -> None:
    frames = [made.page(300 + 10 * n, 400, seed=n) for n in range(3)]
    path = save(frames[0], "a.tif", save_all=True, append_images=frames[1:], compression="tiff_lzw", dpi=(300, 300))
    assert count_pages(path) == 3
    for number, frame in enumerate(frames, 1):
        scan = read(path, number)
        assert np.array_equal(scan.pixels, pixels(frame))
        assert (scan.image.frame, scan.image.dpi) == (number - 1, 300)
    with pytest.raises(InputError, match="page 4: there is no such page"):
        read(path, 4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_frames_may_differ_in_every_way_and_thumbnails_are_no_pages(order: str, save: Save) -> None:
    grey, bilevel, small = made.page(), made.page(350, 450, seed=2).convert("1"), made.page(34, 44)
    mask = made.tiff_frame(made.page().convert("1"), "group4")
    frames = [
        ({254: 1} | (part := made.tiff_frame(small, "raw"))[0], part[1]),
        made.tiff_frame(grey, "tiff_lzw"),
        ({254: 4} | mask[0], mask[1]),
        made.tiff_frame(bilevel, "group4"),
    ]
    path = save(made.tiff(frames, order=order), "a.tif")
    assert count_pages(path) == 2
    assert [read(path, n).image.frame for n in (1, 2)] == [1, 3]
    assert np.array_equal(read(path, 1).pixels, pixels(grey))
    assert np.array_equal(read(path, 2).pixels, pixels(bilevel) * 255)


def test_a_thumbnail_alone_is_a_page_and_so_is_a_page_marked_as_one(save: Save) -> None:
    tags, data = made.tiff_frame(made.page(), "raw")
    assert count_pages(save(made.tiff([({254: 1} | tags, data)]), "one.tif")) == 1
    assert count_pages(save(made.tiff([(tags, data), ({254: 1} | tags, data)]), "two.tif")) == 2


def test_bigtiff(save: Save) -> None:
    path = save(made.page(), "a.tif", big_tiff=True, save_all=True, append_images=[made.page(seed=2)])
    assert path.read_bytes()[2] == 43
    assert count_pages(path) == 2
    assert np.array_equal(read(path, 2).pixels, pixels(made.page(seed=2)))


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "packbits", "group4", "tiff_adobe_deflate", "jpeg"])
def test_a_frame_by_itself_is_the_frame_where_it_lies(compression: str, big: bool, save: Save) -> None:
    pages = [made.page(300 + 10 * n, 400, seed=n) for n in range(3)]
    modes = {"group4": "1", "jpeg": "RGB"}
    frames = [page.convert(modes.get(compression, "L")) for page in pages]
    path = save(frames[0], "a.tif", save_all=True, append_images=frames[1:], compression=compression, dpi=(150, 300), big_tiff=big)
    with path.open("rb") as file:
        for number in range(3):
            by_itself = tiff.single_frame(file, number, "a.tif")
            assert by_itself is not file
            with Image.open(by_itself, formats=("TIFF",)) as alone, Image.open(path) as where_it_lies:
                where_it_lies.seek(number)
                assert getattr(alone, "n_frames", 1) == 1
                assert (alone.mode, alone.size, alone.info["dpi"]) == (where_it_lies.mode, where_it_lies.size, where_it_lies.info["dpi"])
                assert alone.tobytes() == where_it_lies.tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_file_of_one_frame_is_not_copied_nor_one_with_jpegs_of_the_old_kind(order: str, save: Save) -> None:
    tags, data = made.tiff_frame(made.page(), "raw")
    for frames in ([(tags, data)], [(tags | {259: 6}, data)] * 2):
        with save(made.tiff(frames, order=order), "a.tif").open("rb") as file:
            assert tiff.single_frame(file, 0, "a.tif") is file


@pytest.mark.parametrize("number", [1, 150, 300])
def test_a_late_page_of_a_long_file(number: int, save: Save) -> None:
    frames = [made.page(64, 64, seed=n) for n in range(300)]
    path = save(frames[0], "long.tif", save_all=True, append_images=frames[1:])
    assert count_pages(path) == 300
    assert np.array_equal(read(path, number).pixels, pixels(frames[number - 1]))


@pytest.mark.parametrize(
    ("recorded", "size", "dpi"),
    [
        ((299.9994, 299.9994), (2550, 3300), 300),
        ((72, 72), (612, 792), 72),
        ((72, 72), (2550, 3300), 300),
        ((96, 96), (3024, 4032), 360),
        ((72, 72), (792, 1224), 72),
        (None, (2480, 3508), 300),
        (None, (3508, 2480), 300),
        (None, (1700, 2200), 200),
        (None, (2520, 300), 300),
        (None, (64, 64), 72),
        (None, (30_000, 30_000), 1200),
        ((1, 1), (2550, 3300), 300),
        ((0, 0), (2550, 3300), 300),
        ((4800, 4800), (2550, 3300), 300),
        ((float("nan"), float("inf")), (2550, 3300), 300),
        ((204, 98), (1728, 1100), 204),
        ((600, 600), (14_000, 19_800), 600),
    ],
)
def test_true_dpi(recorded: tuple[float, float] | None, size: tuple[int, int], dpi: int) -> None:
    assert true_dpi(recorded, *size) == dpi


@given(st.tuples(st.floats(), st.floats()) | st.none(), st.integers(MIN_SIDE_PX, 60_000), st.integers(MIN_SIDE_PX, 60_000))
def test_dpi_is_always_sane(recorded: tuple[float, float] | None, width: int, height: int) -> None:
    assert 50 <= true_dpi(recorded, width, height) <= 1200


def test_dpi_of_files(save: Save) -> None:
    image = made.page(2550, 3300)
    assert read(save(image, "a.png", dpi=(300, 300))).image.dpi == 300
    assert read(save(image, "a.jpg", dpi=(400, 400))).image.dpi == 400
    assert read(save(image, "a.tif", tiffinfo={282: 118.11, 283: 118.11, 296: 3})).image.dpi == 300, "pixels a centimetre"
    assert read(save(image, "b.tif")).image.dpi == 300, "estimated"


def test_limits_are_settings(save: Save) -> None:
    path = save(made.page(), "a.png")
    assert read(path, max_pixels=340 * 440).pixels.size == 340 * 440
    with pytest.raises(ImageTooLarge, match=r"a\.png, page 1: 340 x 440 pixels are more than max_pixels = 149599"):
        read(path, max_pixels=340 * 440 - 1)


def test_a_scan_above_the_limit_of_pillow_is_read(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(made.page(), "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read(path).pixels.shape == (440, 340)


def test_picture_is_a_small_jpeg_of_the_same_page(save: Save) -> None:
    path = save(made.page(600, 800), "a.tif", save_all=True, append_images=[made.page(500, 1000, seed=5)])
    image = read(path, 2).image
    first, second = (display_jpeg(path, image, width=250, **LIMITS) for _ in range(2))
    assert first
    assert first == second
    with Image.open(io.BytesIO(first)) as shown:
        assert (shown.format, shown.size) == ("JPEG", (250, 500))
    wide = display_jpeg(path, image, width=9000, **LIMITS)
    assert wide
    assert Image.open(io.BytesIO(wide)).size == (500, 1000), "never enlarged"


def test_picture_of_a_scan_that_is_gone_or_changed(save: Save) -> None:
    path = save(made.page(), "a.png")
    image = read(path).image
    path.write_bytes(path.read_bytes() + b"\0")
    assert display_jpeg(path, image, width=100, **LIMITS) is None
    path.unlink()
    assert display_jpeg(path, image, width=100, **LIMITS) is None
    assert display_jpeg(path.parent, image, width=100, **LIMITS) is None


def test_threads_do_not_disturb_each_other(save: Save) -> None:
    paths = [save(made.page(), "a.png"), save(made.jpeg_pdf(made.encoded(made.page(), "JPEG")), "a.pdf"), save(b"no image", "b.png")] * 8

    def attempt(path: Path) -> object:
        try:
            return read(path).pixels.shape
        except InputError:
            return None

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(attempt, paths)) == [(440, 340), (440, 340), None] * 8


@pytest.mark.data
def test_real_scans(shared: Path) -> None:
    scans = {path.name: read(path).image for path in sorted((shared / "data/scans").rglob("*")) if path.suffix in {".jpg", ".png", ".tif"}}
    assert len(scans) >= 30
    assert all(image.dpi == 300 for name, image in scans.items() if name[:3] in ("104", "157", "176") or "EHRI-DR" in name)
    # The tag says 72, which would make these pages 13 inches wide; their typewriter's pitch says 100-120.
    assert all(100 <= image.dpi <= 120 for name, image in scans.items() if "EHRI-BF-19380509b" in name)
    assert isinstance(scans["phototest.tif"], ImageRef)
    assert scans["phototest.tif"].dpi == 200
