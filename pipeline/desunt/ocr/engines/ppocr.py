"""The models of PP-OCR on ONNX, one thread, in this process: a detector of text lines and a recogniser of strips.

RapidOCR's wheel carries them. Its own code is passed by: importing it takes longer than reading a clean page, it holds 500 MiB, and it
fills every strip up to 320 columns, which doubles the time of a word (docs/adr/0008).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desunt.errors import DependencyMissing
from desunt.ocr.engines.line_images import Pixels, Seen, Strip
from desunt.ocr.engines.rapidocr import INSTALL

Floats = NDArray[np.float32]
# The detector: height of type it finds best; the most pixels a side; rows of one call, and how many of them two calls share.
FOUND_HEIGHT, MOST_SIDE, ROWS, SHARED = 10.5, 2400, 320, 32
# Differentiable binarisation (Liao et al. 2020): pixels of text, the least mean of a piece, how far it is grown back.
TEXT, SURE_TEXT, GROWN = 0.3, 0.5, 1.5
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# The recogniser: height of a strip, least and most columns; strips of one call.
HEIGHT, NARROWEST, WIDEST, TOGETHER = 48, 16, 3200, 8
# Of the recogniser's 18,710 classes only those below this code point, and typographic quotes and dashes, stand in Latin script.
LATIN, MARKS = 0x250, "“”‘’–—•…"
BLANK = 0


class RapidStrips:
    """Read strips with the models of RapidOCR 3.10 (PP-OCRv6 small); they read Latin script of any language."""

    name = "rapid"

    def version(self) -> str:
        """Return the version of the package that carries the models."""
        if find_spec("rapidocr") is None or find_spec("onnxruntime") is None:
            raise DependencyMissing("RapidOCR is not installed", remedy=INSTALL)
        return metadata.version("rapidocr")

    def find(self, page: Pixels, letter: float) -> tuple[Strip, ...]:
        """Return where text stands; see `StripReader.find`."""
        import cv2

        height, width = page.shape
        scale = min(1.0, FOUND_HEIGHT / letter, MOST_SIDE / max(height, width))
        small = cv2.resize(page, (_times_32(scale * width), _times_32(scale * height)), interpolation=cv2.INTER_AREA)
        chances = _text_map(np.asarray(small, np.uint8))
        back = np.array([width / small.shape[1], height / small.shape[0]])
        return tuple(sorted(_strips(chances, back), key=lambda strip: (strip.box[1], strip.box[0])))

    def read(self, strips: Sequence[Pixels]) -> tuple[tuple[Seen, ...], ...]:
        """Return the words of each strip; see `StripReader.read`."""
        words: list[tuple[Seen, ...]] = [()] * len(strips)
        columns = [_columns(strip) for strip in strips]
        order = sorted(range(len(strips)), key=lambda place: columns[place])
        for first in range(0, len(order), TOGETHER):
            places = order[first : first + TOGETHER]
            read = _recognised([_scaled(strips[place], columns[place]) for place in places])
            for place, chances in zip(places, read, strict=True):
                words[place] = tuple(_words(chances))
        return tuple(words)


def _session(kind: str) -> Any:
    """Return the model that detects (`det`) or recognises (`rec`), loaded once a process.

    Raises DependencyMissing if the package does not carry it.
    """
    return _loaded(kind)[0]


@cache
def _loaded(kind: str) -> tuple[Any, tuple[str, ...]]:
    """Return a model and, of the recogniser, the letters of its classes; class 0 is none."""
    RapidStrips().version()
    import onnxruntime

    spec = find_spec("rapidocr")
    folder = Path(spec.origin).parent / "models" if spec and spec.origin else Path()
    model = next(iter(sorted(folder.glob(f"PP-OCR*_{kind}_*.onnx"))), None)
    if model is None:
        raise DependencyMissing(f"{folder}: RapidOCR's wheel has no model PP-OCR*_{kind}_*.onnx", remedy="pip install 'rapidocr==3.10.0'")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Its arena keeps the memory of the largest page for ever.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    letters = session.get_modelmeta().custom_metadata_map.get("character", "").splitlines()
    return session, ("", *letters, " ")


@cache
def _latin() -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the recogniser's classes that count, none first, and the letter of each."""
    letters = _loaded("rec")[1]
    kept = [place for place, letter in enumerate(letters) if len(letter) < 2 and (letter < chr(LATIN) or letter in MARKS)]
    return np.array(kept), tuple(letters[place] for place in kept)


def _times_32(side: float) -> int:
    return max(32, round(side / 32) * 32)


def _text_map(page: Pixels) -> Floats:
    """Return for each pixel of a shrunken page the chance that it is text, (height, width), read in bands that share some rows."""
    normal = ((page[:, :, None] / 255 - np.array(MEAN)) / np.array(DEVIATION)).astype(np.float32)
    chances = np.zeros(page.shape, np.float32)
    for top in range(0, page.shape[0], ROWS):
        start, stop = max(0, top - SHARED), min(page.shape[0], top + ROWS + SHARED)
        band = normal[start:stop].transpose(2, 0, 1)[None]
        found = _session("det").run(None, {"x": np.ascontiguousarray(band)})[0][0, 0]
        chances[top : min(top + ROWS, page.shape[0])] = found[top - start : top - start + ROWS]
    return chances


def _strips(chances: Floats, back: NDArray[np.float64]) -> Iterator[Strip]:
    """Yield the pieces of a map of chances as strips of the page, which is `back` (across, down) times as large."""
    import cv2

    outlines, _ = cv2.findContours((chances > TEXT).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        left, top, width, height = cv2.boundingRect(outline)
        inside = np.zeros((height, width), np.uint8)
        cv2.drawContours(inside, [outline], -1, 1, -1, offset=(-left, -top))
        if min(width, height) < 3 or chances[top : top + height, left : left + width][inside > 0].mean() < SURE_TEXT:
            continue
        middle, (across, down), angle = cv2.minAreaRect(outline)
        grown = GROWN * across * down / (2 * (across + down))
        corners = cv2.boxPoints((middle, (across + 2 * grown, down + 2 * grown), angle)) * back
        yield Strip(_clockwise(corners))


def _clockwise(corners: NDArray[np.float64]) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]:
    """Return the corners of a rectangle from the one at the top left, clockwise: its two leftmost, its two rightmost, by height."""
    by_x = corners[np.argsort(corners[:, 0])]
    left, right = by_x[:2], by_x[2:]
    top_left, bottom_left = left[np.argsort(left[:, 1])].tolist()
    top_right, bottom_right = right[np.argsort(right[:, 1])].tolist()
    return tuple(top_left), tuple(top_right), tuple(bottom_right), tuple(bottom_left)


def _columns(strip: Pixels) -> int:
    height, width = strip.shape
    return int(min(WIDEST, max(NARROWEST, round(HEIGHT * width / height))))


def _scaled(strip: Pixels, columns: int) -> Floats:
    import cv2

    how = cv2.INTER_AREA if strip.shape[0] > HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(strip, (columns, HEIGHT), interpolation=how), np.float32) / np.float32(127.5) - 1


def _recognised(strips: Sequence[Floats]) -> Iterator[Floats]:
    """Yield for each strip the chances of every class in each of its steps, (steps, classes)."""
    widest = max(strip.shape[1] for strip in strips)
    together = np.zeros((len(strips), 3, HEIGHT, widest), np.float32)
    for place, strip in enumerate(strips):
        together[place, :, :, : strip.shape[1]] = strip
    chances = _session("rec").run(None, {"x": together})[0]
    for strip, own in zip(strips, chances, strict=True):
        yield own[: max(1, round(own.shape[0] * strip.shape[1] / widest)), _latin()[0]]


def _words(chances: Floats) -> Iterator[Seen]:
    """Yield the words of a strip: the likeliest class of each step, repetitions and blanks left out (CTC, Graves et al. 2006)."""
    classes, sure, letters = chances.argmax(axis=1), chances.max(axis=1), _latin()[1]
    starts = np.flatnonzero(np.diff(classes, prepend=BLANK) != 0)
    found = [(letters[classes[step]], step) for step in starts.tolist() if classes[step] != BLANK]
    word: list[tuple[str, int]] = []
    for letter, step in (*found, (" ", len(classes))):
        if not letter.isspace():
            word.append((letter, step))
        elif word:
            yield _seen(word, sure, len(classes))
            word = []


def _seen(word: Sequence[tuple[str, int]], sure: Floats, steps: int) -> Seen:
    sures = [float(sure[step]) for _, step in word]
    first, last = word[0][1], word[-1][1]
    half = 0.5 * (last - first) / max(1, len(word) - 1) if len(word) > 1 else 0.5 * min(steps, 3)
    text = unicodedata.normalize("NFC", "".join(letter for letter, _ in word))
    return Seen(text, min(sures), sum(sures) / len(sures), max(0.0, (first + 0.5 - half) / steps), min(1.0, (last + 0.5 + half) / steps))
