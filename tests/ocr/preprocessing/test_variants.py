"""The choice between a page as it is and its cleaned variants, and the way back to the original's pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from desunt.errors import PageFailed, PageTimeout
from desunt.ocr.engines import EngineLine, EngineWord, OcrResult
from desunt.ocr.engines.tesseract import Tesseract
from desunt.ocr.preprocessing import clean, clean_harder, read_best, score, sure_share
from desunt.ocr.preprocessing.deskew import Variant, rotate, to_original_pixels
from desunt.record.document import Box
from tests.support.rendered_pages import TEXT, bilevel, tilted, typed_page

PAGE, PLACES = typed_page()
KNOWN = frozenset(word.strip(".,").lower() for word in TEXT.split()) | frozenset(word.strip(".,") for word in TEXT.split())


PLACE = Box(10, 10, 60, 30)


def reading_of(*words: tuple[str, float], box: Box = PLACE) -> OcrResult:
    return OcrResult(
        (EngineLine(tuple(EngineWord(text, box, sure) for text, sure in words), box, 1, ((10, 28), (60, 28))),), "scripted", "1"
    )


@dataclass
class Scripted:
    """An engine that answers by the count of its calls: a misfortune each test can choose."""

    answers: list[OcrResult | PageFailed]
    name: str = "scripted"
    seen: list[tuple[int, ...]] = field(default_factory=list)

    def version(self) -> str:
        return "1"

    def read(self, pixels: NDArray[np.uint8], dpi: int, seconds: float) -> OcrResult:
        self.seen.append(pixels.shape)
        answer = self.answers[len(self.seen) - 1]
        if isinstance(answer, PageFailed):
            raise answer
        return answer


GOOD = reading_of(*((word.strip(".,"), 0.95) for word in TEXT.split()))
FAIR = reading_of(*((word.strip(".,"), 0.95) for word in TEXT.split()[:40]), *((word[::-1], 0.3) for word in TEXT.split()[40:]))
JUNK = reading_of(*(("~x|", 0.4),) * 30)


def test_a_page_that_reads_well_takes_one_call() -> None:
    engine = Scripted([GOOD])
    best = read_best(PAGE, 300, engine, 60, KNOWN)
    assert (best.variant.name, len(engine.seen), len(best.scores)) == ("untouched", 1, 1)
    assert best.variant.pixels is PAGE


def test_a_cleaned_page_that_reads_better_is_used() -> None:
    best = read_best(PAGE, 300, Scripted([FAIR, GOOD]), 60, KNOWN)
    assert best.variant.name == "cleaned"
    assert [name for name, _ in best.scores] == ["untouched", "cleaned"]
    assert best.scores[1][1] > best.scores[0][1]


@pytest.mark.parametrize("other", [FAIR, JUNK])
def test_the_untouched_page_is_used_unless_it_is_beaten(other: OcrResult) -> None:
    best = read_best(PAGE, 300, Scripted([FAIR, other, other]), 60, KNOWN)
    assert best.variant.name == "untouched"
    assert best.result == FAIR


def test_one_lucky_word_does_not_beat_a_poor_page() -> None:
    lucky = reading_of(("Ambassador", 0.9))
    best = read_best(PAGE, 300, Scripted([JUNK, lucky, lucky]), 60, KNOWN)
    assert (best.variant.name, best.result) == ("untouched", JUNK)


def test_a_variant_that_cannot_be_read_does_not_lose_the_page() -> None:
    best = read_best(PAGE, 300, Scripted([FAIR, PageTimeout("too slow"), PageFailed("broken")]), 60, KNOWN)
    assert best.result == FAIR
    assert best.scores[1] == ("cleaned", float("-inf"))
    best = read_best(PAGE, 300, Scripted([PageTimeout("too slow"), GOOD]), 60, KNOWN)
    assert best.variant.name == "cleaned"


def test_a_page_that_no_variant_reads_fails_as_it_failed_first() -> None:
    with pytest.raises(PageTimeout, match="too slow"):
        read_best(PAGE, 300, Scripted([PageTimeout("too slow"), PageFailed("b"), PageFailed("c")]), 60, KNOWN)


def test_an_empty_page_stays_empty_and_untouched() -> None:
    empty = OcrResult((), "scripted", "1")
    best = read_best(np.full((800, 600), 255, np.uint8), 300, Scripted([empty] * 3), 60, KNOWN)
    assert (best.result.words, best.variant.name) == ((), "untouched")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text("|~-'x1l", min_size=1, max_size=4), st.floats(0, 0.6)), max_size=300))
def test_junk_never_outweighs_an_empty_reading(words: list[tuple[str, float]]) -> None:
    words = [word for word in words if "11" not in word[0]]
    assert score(reading_of(*words), frozenset()) <= 1e-9


def test_more_right_letters_score_more() -> None:
    assert score(GOOD, KNOWN) > score(FAIR, KNOWN) > score(JUNK, KNOWN)
    assert sure_share(GOOD, KNOWN) == 1 > sure_share(FAIR, KNOWN) > sure_share(JUNK, KNOWN) == 0


@pytest.mark.parametrize("make", [clean, clean_harder])
@pytest.mark.parametrize("page", [PAGE, bilevel(PAGE), bilevel(PAGE, 9000), np.repeat(PAGE[:, :, None], 3, 2) // 2 + 40])
def test_cleaning_gives_the_same_bytes_again(make: Callable[..., Variant], page: NDArray[np.uint8]) -> None:
    before = page.copy()
    first, second = make(page, 300), make(page, 300)
    assert first.pixels.tobytes() == second.pixels.tobytes()
    assert np.array_equal(first.to_original, second.to_original)
    assert np.array_equal(page, before)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (40, 40, 3)])
@pytest.mark.parametrize("make", [clean, clean_harder])
def test_odd_pages_are_cleaned_without_harm(shape: tuple[int, ...], make: Callable[..., Variant]) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, shape, np.uint8)
    variant = make(pixels, 300)
    assert variant.pixels.dtype == np.uint8
    assert variant.pixels.ndim == 2
    assert variant.dpi >= 1


@settings(max_examples=15, deadline=None, derandomize=True)
@given(degrees=st.floats(-5, 5), shade=st.booleans())
def test_the_way_back_leads_to_the_same_ink(degrees: float, shade: bool) -> None:
    page = tilted(PAGE, degrees)
    page = page if shade else bilevel(page)
    if shade:
        page = (page * np.linspace(0.5, 0.9, page.shape[1])).astype(np.uint8)
    variant = clean(page, 300)
    ys, xs = np.nonzero(variant.pixels < 100)
    back = np.column_stack([xs + 0.5, ys + 0.5]) @ variant.to_original[:, :2].T + variant.to_original[:, 2]
    columns, rows = np.floor(back).astype(int).T
    inside = (rows >= 0) & (rows < page.shape[0]) & (columns >= 0) & (columns < page.shape[1])
    dark = page[rows[inside], columns[inside]]
    assert (dark < 160).mean() > 0.97


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_page_leads_back(degrees: int) -> None:
    page = np.full((200, 300, 3), 255, np.uint8)
    page[20:40, 50:110] = 0
    variant = rotate(Variant("untouched", page, 300, np.eye(2, 3)), degrees)
    ys, xs = np.nonzero(variant.pixels[:, :, 0] == 0)
    found = reading_of(("word", 0.9), box=Box(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
    back = to_original_pixels(found, variant.to_original, 300, 200)
    assert (back.words[0].box, back.lines[0].box) == (Box(50, 20, 110, 40), Box(50, 20, 110, 40))


def test_what_lies_outside_the_original_is_left_out() -> None:
    shifted = np.array([[1.0, 0, -1000], [0, 1, 0]])
    assert to_original_pixels(reading_of(("word", 0.9)), shifted, 300, 200).lines == ()
    cut = to_original_pixels(reading_of(("word", 0.9)), np.array([[1.0, 0, -30], [0, 1, 0]]), 300, 200)
    assert cut.words[0].box == Box(0, 10, 30, 30)
    assert cut.lines[0].baseline == ((0, 28), (30, 28))


def found_share(reading: OcrResult, places: list[tuple[str, tuple[float, float, float, float]]]) -> float:
    """Return the share of drawn words that were read and boxed where they stand (middle within 12 pixels)."""
    hits = 0
    for text, (left, top, right, bottom) in places:
        x, y = (left + right) / 2, (top + bottom) / 2
        hits += any(
            word.text == text and abs((word.box.left + word.box.right) / 2 - x) < 12 and abs((word.box.top + word.box.bottom) / 2 - y) < 12
            for word in reading.words
        )
    return hits / len(places)


def turned_places(degrees: float) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Return where the words' middles stand after `tilted`."""
    turn, middle = np.radians(degrees), np.array([PAGE.shape[1] / 2, PAGE.shape[0] / 2])
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = [(text, matrix @ (np.array([(le + ri) / 2, (to + bo) / 2]) - middle) + middle) for text, (le, to, ri, bo) in PLACES]
    return [(text, (x, y, x, y)) for text, (x, y) in moved]


def test_tesseract_reads_a_speckled_page_only_cleaned() -> None:
    page = bilevel(tilted(PAGE, 1.0), specks=6000)
    best = read_best(page, 300, Tesseract(), 60, KNOWN)
    assert best.variant.name.startswith("cleaned")
    assert found_share(best.result, turned_places(1.0)) > 0.95
    assert found_share(Tesseract().read(page, 300, 60), turned_places(1.0)) < 0.8


def test_tesseract_reads_a_page_that_lies_upside_down() -> None:
    best = read_best(np.ascontiguousarray(PAGE[::-1, ::-1]), 300, Tesseract(), 60, KNOWN)
    height, width = PAGE.shape
    places = [(text, (width - right, height - bottom, width - left, height - top)) for text, (left, top, right, bottom) in PLACES]
    assert best.variant.name == "rotated-180"
    assert found_share(best.result, places) > 0.95


def test_tesseract_reads_a_page_of_tiny_letters_enlarged() -> None:
    page, places = typed_page(size=11)
    best = read_best((page * 0.7 + 30).astype(np.uint8), 72, Tesseract(), 60, KNOWN)
    assert found_share(best.result, places) > 0.8
    assert all(word.box.right <= page.shape[1] and word.box.bottom <= page.shape[0] for word in best.result.words)


def words_right(reading: OcrResult, truth: list[str]) -> int:
    return sum((Counter(truth) & Counter(word.text for word in reading.words)).values())


@pytest.mark.data
@pytest.mark.parametrize(("name", "more"), [("jfk/176-10037-10494_p003.png", 50), ("ehri/EHRI-BF-19380810_EN_01.jpg", -2)])
def test_real_pages_read_no_worse_and_hard_ones_better(shared: Path, name: str, more: int) -> None:
    from desunt.lm.lexicon import load_lexicon

    path = shared / "data" / "scans" / name
    truth = path.with_name(f"{path.stem}.gt.txt").read_text().split()
    pixels = np.asarray(Image.open(path).convert("RGB"))
    best = read_best(pixels, 300, Tesseract(), 180, load_lexicon())
    assert words_right(best.result, truth) >= words_right(Tesseract().read(pixels, 300, 180), truth) + more
