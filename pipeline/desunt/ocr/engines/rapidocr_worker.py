"""The process that reads one page with RapidOCR: an image file in, a list of pieces of lines as JSON out."""

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
    """Print the pieces of lines found on an image, each a list of [text, left, top, right, bottom, confidence]."""
    answer = os.fdopen(os.dup(1), "w")
    # What libraries print must not get between the lines of the answer.
    os.dup2(2, 1)
    with answer:
        json.dump([list(piece_words(*piece)) for piece in _read(path)], answer)


def _read(path: str) -> list[tuple[str, Quad, Any]]:
    """Return text, corners (from the top left, clockwise) and the recogniser's columns of each piece."""
    from rapidocr import RapidOCR

    class Reader(RapidOCR):  # type: ignore[misc]
        def calc_word_boxes(self, img: Any, dt_boxes: Any, rec_res: Any) -> Any:
            # RapidOCR 3.10 gives the confidence of a line's n-th letter to its n-th word; the columns and letters
            # are kept instead, and words are made of them in `piece_words`.
            return rec_res.word_results

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    reader = Reader(params={"Global.log_level": "error", **threads})
    # Turning lines is left out: a page comes upright, and a line turned by mistake would have its words' boxes mirrored.
    found = reader(path, use_cls=False, return_word_box=True)
    if found.txts is None:
        return []
    return list(zip(found.txts, np.asarray(found.boxes, np.float64), found.word_results, strict=True))


def piece_words(text: str, quad: Quad, columns: Any) -> Iterator[tuple[str, float, float, float, float, float]]:
    """Yield each word with its box and the confidence of its worst letter.

    The recogniser reads a piece in `line_txt_len` columns and says in which it saw each letter (blanks left out) and, blanks
    included, how sure it was.
    """
    places = [column for word in columns.word_cols for column in word]
    pitch = (places[-1] - places[0]) / (len(places) - 1) if len(places) > 1 else columns.line_txt_len
    letters = 0
    for token in re.finditer(r"\S+", text):
        own, letters = places[letters : letters + len(token[0])], letters + len(token[0])
        span = ((own[0] + 0.5 - pitch / 2) / columns.line_txt_len, (own[-1] + 0.5 + pitch / 2) / columns.line_txt_len)
        yield unicodedata.normalize("NFC", token[0]), *_box(quad, *span), float(min(columns.confs[token.start() : token.end()]))


def _box(quad: Quad, start: float, end: float) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of the part of a quadrilateral between two shares of its length."""
    top_left, top_right, bottom_right, bottom_left = quad
    # RapidOCR sets a piece that is taller than wide upright by a quarter turn: its letters run down the page.
    upright = np.linalg.norm(bottom_left - top_left) < 1.5 * np.linalg.norm(top_right - top_left)
    sides = ((top_left, top_right), (bottom_left, bottom_right)) if upright else ((top_left, bottom_left), (top_right, bottom_right))
    shares = np.clip([start, end], 0, 1)[:, None]
    corners = np.concatenate([first + shares * (last - first) for first, last in sides])
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return left, top, right, bottom


if __name__ == "__main__":
    main(sys.argv[1])
