"""Text that the first engine passed over or made nothing of: the second engine reads it where its detector saw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from desunt.ocr.confidence.comparison_features import unseen_features
from desunt.ocr.confidence.legibility import Numbers
from desunt.ocr.confidence.voting import Look, Voted, across, holds, vote
from desunt.ocr.engines import EngineLine, EngineWord, Reading, box_around
from desunt.ocr.engines.line_images import Seen, Strip, cut_out
from desunt.record.document import Box

# A word so legible is not read a third time.
STANDS = 0.3
# In letters: the least a passage is wide, and the space kept at its sides.
LEAST_WIDTH, ROOM = 2.0, 0.25
# Share of a strip's height that its letters have: the detector leaves white round them.
LETTERS = 0.65
# Share of its height that a word has in common with its line; in heights, how far from it it may stand, and how far below its block's
# last line the next one begins.
SHARED, APART, NEXT = 0.5, 5.0, 1.5

Scored: TypeAlias = tuple[EngineWord, float]
Scoring: TypeAlias = list[tuple[EngineLine, list[Scored]]]


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a strip, what the second engine reads there, and that as words with their boxes on the page."""

    strip: Strip
    seen: tuple[Seen, ...]
    words: tuple[EngineWord, ...]


def voted_reading(reading: Reading, features: Numbers, look: Look) -> tuple[Reading, tuple[float, ...]]:
    """Return the reading after the second engine has looked at the page, and the legibility of its words in order.

    Each word stands as the likelier engine has it, and words that only the second read stand in their line or in one of their own.
    """
    voted, page = vote(reading, features, look)
    passages = read_passages(voted, look)
    rows = (np.array([unseen_features(one.seen, place, one.strip.width, page) for place in range(len(one.seen))]) for one in passages)
    voted = with_passages(voted, passages, [look.legibility.unseen(row).tolist() for row in rows])
    return voted.reading, voted.chances


def read_passages(voted: Voted, look: Look) -> tuple[Passage, ...]:
    """Return the parts of strips where no word stands, with what the second engine reads there; nothing where it reads nothing."""
    standing = [word.box for word, chance in zip(voted.reading.words, voted.chances, strict=True) if chance >= STANDS]
    parts = [part for strip in voted.strips for part in _open(strip, standing, look)]
    seen = look.reader.read([cut_out(look.page, part) for part in parts])
    return tuple(Passage(part, words, _words(part, words, look)) for part, words in zip(parts, seen, strict=True) if words)


def with_passages(voted: Voted, passages: Sequence[Passage], chances: Sequence[Sequence[float]]) -> Voted:
    """Return the reading with passages, `chances` the legibility of their words.

    Hopeless words of the first engine make room where those of the second are likelier in sum.
    """
    left = iter(voted.chances)
    lines = [(line, [(word, next(left)) for word in line.words]) for line in voted.reading.lines]
    for passage, found in zip(passages, chances, strict=True):
        lines = _with_passage(lines, passage, list(zip(passage.words, found, strict=True)))
    kept = [(line, words) for line, words in lines if words]
    made = tuple(replace(line, words=tuple(word for word, _ in words), box=box_around([word for word, _ in words])) for line, words in kept)
    return Voted(replace(voted.reading, lines=made), tuple(chance for _, words in kept for _, chance in words), voted.strips)


def _words(strip: Strip, seen: Sequence[Seen], look: Look) -> tuple[EngineWord, ...]:
    height, width = look.page.shape
    words = []
    for one in seen:
        part = strip.part(one.start, one.end)
        left, top, right, bottom = part.box
        slack = (1 - LETTERS) / 2 * part.height
        box = Box(max(0, round(left)), max(0, round(top + slack)), min(width, round(right) + 1), min(height, round(bottom - slack) + 1))
        words.append(EngineWord(one.text, box, one.worst, look.reader.name))
    return tuple(words)


def _open(strip: Strip, standing: Sequence[Box], look: Look) -> Iterator[Strip]:
    """Yield the parts of a strip between the words that stand in it."""
    taken = sorted(_ends(strip, box) for box in standing if holds(strip, box))
    edges = [0.0, *(end for pair in taken for end in pair), 1.0]
    room, width = ROOM * look.letter / strip.width, look.page.shape[1]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if (end - start) * strip.width >= LEAST_WIDTH * look.letter:
            part = strip.part(max(0.0, start - room), min(1.0, end + room)) if taken else strip
            if part.clamped(width, look.page.shape[0]):
                yield part


def _ends(strip: Strip, box: Box) -> tuple[float, float]:
    middle = (box.top + box.bottom) / 2
    return across(strip, box.left, middle)[0], across(strip, box.right, middle)[0]


def _with_passage(lines: Scoring, passage: Passage, found: list[Scored]) -> Scoring:
    """Return the lines with the words of a passage, if they are likelier than the hopeless ones that stand there.

    Those are no evidence for them: a strip may run under a redaction, and what was read there must not be kept with a word beside it.
    """
    rivals = [scored for _, words in lines for scored in words if scored[1] < STANDS and holds(passage.strip, scored[0].box)]
    if _worth(found) <= _worth(rivals):
        return lines
    home = _home(lines, passage, [word for word, _ in rivals])
    lines = [(line, [scored for scored in words if scored not in rivals]) for line, words in lines]
    if home is None:
        return _with_line(lines, found)
    line, words = lines[home]
    return [*lines[:home], (line, sorted([*words, *found], key=lambda scored: scored[0].box.left)), *lines[home + 1 :]]


def _worth(scored: Sequence[Scored]) -> float:
    """Return how many letters are probably right."""
    return sum(chance * len(word.text) for word, chance in scored)


def _home(lines: Scoring, passage: Passage, rivals: Sequence[EngineWord]) -> int | None:
    """Return the line a passage belongs to: that of the words it replaces, or one at its height beside it; None if there is none."""
    left, top, right, bottom = passage.strip.box
    shares: list[tuple[float, int]] = []
    for place, (_, words) in enumerate(lines):
        near = [word.box for word, _ in words if -APART * word.box.height < max(word.box.left - right, left - word.box.right)]
        near = [box for box in near if max(box.left - right, left - box.right) < APART * box.height]
        shared = sum(min(box.bottom, bottom) - max(box.top, top) >= SHARED * min(box.height, bottom - top) for box in near)
        shares.append((shared + 2 * sum(word in rivals for word, _ in words), place))
    most, place = max(shares, default=(0, 0), key=lambda share: share[0])
    return place if most else None


def _with_line(lines: Scoring, found: list[Scored]) -> Scoring:
    """Return the lines with a new one, before the first below it in its column."""
    words = tuple(word for word, _ in found)
    box = box_around(words)
    below = (n for n, (line, _) in enumerate(lines) if _shares_column(line.box, box) and line.box.top > box.top)
    place = next(below, len(lines))
    return [*lines[:place], (EngineLine(words, box, _block(lines, place, box)), found), *lines[place:]]


def _block(lines: Scoring, place: int, box: Box) -> int:
    """Return the block of a line that comes at that place: that of the line above if it follows at once, else a new one."""
    if place:
        above = lines[place - 1][0]
        if above.box.top <= box.top < above.box.bottom + NEXT * box.height and _shares_column(above.box, box):
            return above.block
    return max((line.block for line, _ in lines), default=0) + 1


def _shares_column(box: Box, other: Box) -> bool:
    return min(box.right, other.right) > max(box.left, other.left)
