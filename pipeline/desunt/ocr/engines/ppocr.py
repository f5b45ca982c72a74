"""The models of PP-OCR on ONNX, one thread, in this process: a detector of text lines and a recogniser of line images.

RapidOCR's wheel carries them. Its own code is passed by: importing it takes longer than reading a clean page, it holds 500 MiB, and it
fills every line image up to 320 columns, which doubles the time of a word (docs/adr/0008).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desunt.errors import DependencyMissing
from desunt.ocr.engines.line_images import Pixels, Point, RecognizedWord, TextQuad
from desunt.ocr.engines.rapidocr import rapidocr_version

Floats = NDArray[np.float32]
# The detector: height of type it finds best; the longest side of a page; rows of one call, and how many of them two calls share.
DETECTION_HEIGHT_PIXELS, MAX_SIDE_PIXELS, BAND_ROWS, SHARED_ROWS = 10.5, 2400, 320, 32
# Differentiable binarisation (Liao et al. 2020), by PaddleOCR's names: `thresh`, `box_thresh`, `unclip_ratio`; and the least side of a box.
BOX_PIXEL_THRESHOLD, BOX_SCORE_THRESHOLD, UNCLIP_RATIO, MIN_BOX_PIXELS = 0.3, 0.5, 1.5, 3
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# The recogniser: height of a line image, least and most columns; line images of one call.
IMAGE_HEIGHT, MIN_COLUMNS, MAX_COLUMNS, BATCH_SIZE = 48, 16, 3200, 8
# Of the recogniser's 18,710 classes only those below this code point, and typographic quotes and dashes, stand in Latin script.
LATIN_END, TYPOGRAPHIC_MARKS = 0x250, "“”‘’–—•…"
BLANK = 0


class PPOcr:
    """Read line images with the models of RapidOCR 3.10 (PP-OCRv6 small); they read Latin script of any language."""

    name = "rapid"

    def version(self) -> str:
        """Return the version of the package that carries the models."""
        return rapidocr_version()

    def detect(self, page: Pixels, height: float) -> tuple[TextQuad, ...]:
        """Return where text stands; see `TextReader.detect`."""
        import cv2

        page_height, page_width = page.shape
        scale = min(1.0, DETECTION_HEIGHT_PIXELS / height, MAX_SIDE_PIXELS / max(page_height, page_width))
        size = (_round_to_32(scale * page_width), _round_to_32(scale * page_height))
        probabilities = _probability_map(np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8))
        to_page = np.array([page_width / size[0], page_height / size[1]])
        return tuple(sorted(_quads(probabilities, to_page), key=lambda quad: (quad.bounds[1], quad.bounds[0])))

    def recognize(self, line_images: Sequence[Pixels]) -> tuple[tuple[RecognizedWord, ...], ...]:
        """Return the words of each line image; see `TextReader.recognize`."""
        words: list[tuple[RecognizedWord, ...]] = [()] * len(line_images)
        columns = [_columns(image) for image in line_images]
        order = sorted(range(len(line_images)), key=lambda place: columns[place])
        for first in range(0, len(order), BATCH_SIZE):
            places = order[first : first + BATCH_SIZE]
            batch = _recognize([_resized(line_images[place], columns[place]) for place in places])
            for place, probabilities in zip(places, batch, strict=True):
                words[place] = tuple(_decode(probabilities))
        return tuple(words)


def _model(kind: str) -> Any:
    """Return the model that detects (`det`) or recognises (`rec`), loaded once a process.

    Raises DependencyMissing if the package does not carry it.
    """
    return _loaded_model(kind)[0]


@cache
def _loaded_model(kind: str) -> tuple[Any, tuple[str, ...]]:
    """Return a model and, of the recogniser, the letters of its classes; class 0 is none."""
    rapidocr_version()
    import onnxruntime

    spec = find_spec("rapidocr")
    folder = Path(spec.origin).parent / "models" if spec and spec.origin else Path()
    path = next(iter(sorted(folder.glob(f"PP-OCR*_{kind}_*.onnx"))), None)
    if path is None:
        raise DependencyMissing(f"{folder}: RapidOCR's wheel has no model PP-OCR*_{kind}_*.onnx", remedy="pip install 'rapidocr==3.10.0'")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Its arena keeps the memory of the largest page for ever.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    letters = session.get_modelmeta().custom_metadata_map.get("character", "").splitlines()
    return session, ("", *letters, " ")


@cache
def _latin_classes() -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the recogniser's classes that count, none first, and the letter of each."""
    letters = _loaded_model("rec")[1]
    is_latin = [len(letter) < 2 and (letter < chr(LATIN_END) or letter in TYPOGRAPHIC_MARKS) for letter in letters]
    return np.flatnonzero(is_latin), tuple(letter for letter, latin in zip(letters, is_latin, strict=True) if latin)


def _round_to_32(side: float) -> int:
    return max(32, round(side / 32) * 32)


def _probability_map(page: Pixels) -> Floats:
    """Return for each pixel of a shrunken page the probability that it is text, (height, width), read in bands that share some rows."""
    normal = ((page[:, :, None] / 255 - np.array(MEAN)) / np.array(DEVIATION)).astype(np.float32)
    probabilities = np.zeros(page.shape, np.float32)
    for top in range(0, page.shape[0], BAND_ROWS):
        start, stop = max(0, top - SHARED_ROWS), min(page.shape[0], top + BAND_ROWS + SHARED_ROWS)
        band = normal[start:stop].transpose(2, 0, 1)[None]
        output = _model("det").run(None, {"x": np.ascontiguousarray(band)})[0][0, 0]
        probabilities[top : min(top + BAND_ROWS, page.shape[0])] = output[top - start : top - start + BAND_ROWS]
    return probabilities


def _quads(probabilities: Floats, to_page: NDArray[np.float64]) -> Iterator[TextQuad]:
    """Yield the boxes of a probability map as quads of the page, which is `to_page` (across, down) times as large."""
    import cv2

    outlines, _ = cv2.findContours((probabilities > BOX_PIXEL_THRESHOLD).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        left, top, width, height = cv2.boundingRect(outline)
        inside = np.zeros((height, width), np.uint8)
        cv2.drawContours(inside, [outline], -1, 1, -1, offset=(-left, -top))
        score = probabilities[top : top + height, left : left + width][inside > 0].mean()
        if min(width, height) < MIN_BOX_PIXELS or score < BOX_SCORE_THRESHOLD:
            continue
        middle, (across, down), angle = cv2.minAreaRect(outline)
        grown = UNCLIP_RATIO * across * down / (2 * (across + down))
        corners = cv2.boxPoints((middle, (across + 2 * grown, down + 2 * grown), angle)) * to_page
        yield TextQuad(_clockwise(corners))


def _clockwise(corners: NDArray[np.float64]) -> tuple[Point, Point, Point, Point]:
    """Return the corners of a rectangle from the one at the top left, clockwise: its two leftmost, its two rightmost, by height."""
    by_x = corners[np.argsort(corners[:, 0])]
    left, right = by_x[:2], by_x[2:]
    top_left, bottom_left = left[np.argsort(left[:, 1])].tolist()
    top_right, bottom_right = right[np.argsort(right[:, 1])].tolist()
    return tuple(top_left), tuple(top_right), tuple(bottom_right), tuple(bottom_left)


def _columns(line_image: Pixels) -> int:
    height, width = line_image.shape
    return int(min(MAX_COLUMNS, max(MIN_COLUMNS, round(IMAGE_HEIGHT * width / height))))


def _resized(line_image: Pixels, columns: int) -> Floats:
    import cv2

    interpolation = cv2.INTER_AREA if line_image.shape[0] > IMAGE_HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(line_image, (columns, IMAGE_HEIGHT), interpolation=interpolation), np.float32) / np.float32(127.5) - 1


def _recognize(line_images: Sequence[Floats]) -> Iterator[Floats]:
    """Yield for each line image the probabilities of every class in each of its steps, (steps, classes)."""
    columns = max(image.shape[1] for image in line_images)
    batch = np.zeros((len(line_images), 3, IMAGE_HEIGHT, columns), np.float32)
    for place, image in enumerate(line_images):
        batch[place, :, :, : image.shape[1]] = image
    outputs = _model("rec").run(None, {"x": batch})[0]
    for image, probabilities in zip(line_images, outputs, strict=True):
        yield probabilities[: max(1, round(probabilities.shape[0] * image.shape[1] / columns)), _latin_classes()[0]]


def _decode(probabilities: Floats) -> Iterator[RecognizedWord]:
    """Yield the words of a line image: the likeliest class of each step, repetitions and blanks left out (CTC, Graves et al. 2006)."""
    classes, confidence, letters = probabilities.argmax(axis=1), probabilities.max(axis=1), _latin_classes()[1]
    starts = np.flatnonzero(np.diff(classes, prepend=BLANK) != 0)
    line = [(letters[classes[step]], step) for step in starts.tolist() if classes[step] != BLANK]
    word: list[tuple[str, int]] = []
    for letter, step in (*line, (" ", len(classes))):
        if not letter.isspace():
            word.append((letter, step))
        elif word:
            yield _recognized_word(word, confidence, len(classes))
            word = []


def _recognized_word(word: Sequence[tuple[str, int]], confidence: Floats, steps: int) -> RecognizedWord:
    confidences = [float(confidence[step]) for _, step in word]
    first, last = word[0][1], word[-1][1]
    half = 0.5 * (last - first) / max(1, len(word) - 1) if len(word) > 1 else 0.5 * min(steps, 3)
    start, end = max(0.0, (first + 0.5 - half) / steps), min(1.0, (last + 0.5 + half) / steps)
    text = unicodedata.normalize("NFC", "".join(letter for letter, _ in word))
    return RecognizedWord(text, min(confidences), sum(confidences) / len(confidences), start, end)
