"""The process that reads one page with RapidOCR: an image file in, a list of fragments of lines as JSON out."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Quad = NDArray[np.float64]


def main(path: str) -> None:
    """Print the fragments of lines found on an image, each a list of [text, left, top, right, bottom, confidence]."""
    answer = os.fdopen(os.dup(1), "w")
    # What libraries print must not get between the lines of the answer.
    os.dup2(2, 1)
    with answer:
        json.dump([list(fragment_words(*fragment)) for fragment in _read(path)], answer)


def _read(path: str) -> list[tuple[str, Quad, Any]]:
    """Return text, corners (from the top left, clockwise) and the recogniser's columns of each fragment."""
    from rapidocr import RapidOCR

    class Reader(RapidOCR):  # type: ignore[misc]
        def calc_word_boxes(self, img: Any, dt_boxes: Any, rec_res: Any) -> Any:
            # RapidOCR 3.10 gives the confidence of a line's n-th letter to its n-th word; the columns and letters
            # are kept instead, and words are made of them in `fragment_words`.
            return rec_res.word_results

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    reader = Reader(params={"Global.log_level": "error", **threads})
    # Turning lines is left out: a page comes upright, and a line turned by mistake would have its words' boxes mirrored.
    output = reader(path, use_cls=False, return_word_box=True)
    if output.txts is None:
        return []
    return list(zip(output.txts, np.asarray(output.boxes, np.float64), output.word_results, strict=True))


def fragment_words(text: str, quad: Quad, columns: Any) -> Iterator[tuple[str, float, float, float, float, float]]:
    """Yield each word with its box and the confidence of its worst letter.

    The recogniser reads a fragment in `line_txt_len` columns and says in which it saw each letter (blanks left out) and, blanks
    included, how sure it was.
    """
    letter_columns = [column for word in columns.word_cols for column in word]
    step = (letter_columns[-1] - letter_columns[0]) / (len(letter_columns) - 1) if len(letter_columns) > 1 else columns.line_txt_len
    letters = 0
    for token in re.finditer(r"\S+", text):
        own, letters = letter_columns[letters : letters + len(token[0])], letters + len(token[0])
        span = ((own[0] + 0.5 - step / 2) / columns.line_txt_len, (own[-1] + 0.5 + step / 2) / columns.line_txt_len)
        yield unicodedata.normalize("NFC", token[0]), *_box(quad, *span), float(min(columns.confs[token.start() : token.end()]))


def _box(quad: Quad, start: float, end: float) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of the part of a quadrilateral between two shares of its length."""
    top_left, top_right, bottom_right, bottom_left = quad
    # RapidOCR sets a fragment that is taller than wide upright by a quarter turn: its letters run down the page.
    is_level = np.linalg.norm(bottom_left - top_left) < 1.5 * np.linalg.norm(top_right - top_left)
    sides = ((top_left, top_right), (bottom_left, bottom_right)) if is_level else ((top_left, bottom_left), (top_right, bottom_right))
    shares = np.clip([start, end], 0, 1)[:, None]
    corners = np.concatenate([first + shares * (last - first) for first, last in sides])
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return left, top, right, bottom


if __name__ == "__main__":
    main(sys.argv[1])
