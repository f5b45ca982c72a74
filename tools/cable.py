"""What is typed on the two sheets of the sample scans, row by row, and which places of it are lost.

All of it comes from the published transcript beside this file. Rows count from 1, columns from 0; lengths are in pixels at 300 dpi.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

Damage: TypeAlias = Literal["blot", "fade"]
Rows: TypeAlias = tuple[str, ...]

FOOTER = "Facsimile made from the published transcript by desunt; not an archival scan"
SEED = 19450703
PITCH, LEADING = 30, 100  # ten characters an inch, double spacing
LEFT, TOP, COLUMNS = 345, 330, 62
UNKNOWN = "\x00"  # stands for one character nobody can read
# Words of the transcript that the sheets lose: (word, which of its occurrences, how).
LOST_WORDS: tuple[tuple[str, int, Damage], ...] = (
    ("Manchurian", 1, "blot"),
    ("management", 1, "fade"),
    ("troops", 1, "blot"),
    ("revenues", 1, "blot"),
    ("naval", 1, "fade"),
    ("Mongolian", 1, "blot"),
)


@dataclass(frozen=True, slots=True)
class Spot:
    """One damaged place: page and row from 1, columns from 0 (end exclusive), the word, or None where nobody knows it."""

    page: int
    row: int
    start: int
    end: int
    damage: Damage
    word: str | None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom on the straight sheet."""
        baseline = TOP + self.row * LEADING
        return LEFT + self.start * PITCH - 5, baseline - 40, LEFT + self.end * PITCH + 3, baseline + 16


def cable_blocks(transcript: str) -> list[list[str]]:
    """Return the cable's paragraphs as lines, without the edition's head matter and its editors' glosses.

    The dots before `[ILLEGIBLE]` are the transcriber's, as the mark is: both give way to one `UNKNOWN`.
    """
    body = transcript.split("Transcript - English", 1)[1].strip()
    body = re.sub(r"\.\.\. \[ILLEGIBLE\]", f" {UNKNOWN}", body)
    body = re.sub(r" \[[^\]]*\]", "", body)
    return [[line.strip() for line in re.split(r" {2}\n", block)] for block in body.split("\n\n")]


def typed_rows(blocks: list[list[str]], rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Return the rows of both sheets, an empty row for an empty line; unknown text runs to about the right margin."""
    heading, secret, address, *paragraphs, mark = blocks
    head = [heading[0].center(COLUMNS), "", secret[0].center(COLUMNS), "", *address, ""]
    body = [row for paragraph in paragraphs for line, text in enumerate(paragraph) for row in _wrapped(text, line == 0, rng)]
    first = 27 - len(head)
    second = ["- 2 -".center(COLUMNS), "", *body[first:], "", mark[0]]
    return tuple(row.rstrip() for row in head + body[:first]), tuple(row.rstrip() for row in second)


def _wrapped(text: str, indented: bool, rng: np.random.Generator) -> list[str]:
    rows = textwrap.wrap(text, COLUMNS, initial_indent="     " if indented else "", break_on_hyphens=True)
    if UNKNOWN in rows[-1]:
        rows[-1] = rows[-1].replace(UNKNOWN, UNKNOWN * (COLUMNS - len(rows[-1]) - int(rng.integers(0, 5))))
    return rows


def find_spots(pages: tuple[Rows, ...]) -> list[Spot]:
    """Return the damaged places of all pages in reading order."""
    seen: dict[str, int] = {}
    wanted = {(word, occurrence): damage for word, occurrence, damage in LOST_WORDS}
    spots = []
    for page, rows in enumerate(pages, 1):
        for row, text in enumerate(rows, 1):
            for match in re.finditer(rf"\w+|{UNKNOWN}+", text):
                word, place = match.group(), (page, row, match.start(), match.end())
                seen[word] = seen.get(word, 0) + 1
                if word.startswith(UNKNOWN):
                    spots.append(Spot(*place, "blot", None))
                elif damage := wanted.get((word, seen[word])):
                    spots.append(Spot(*place, damage, word))
    return spots


def plan(transcript: str) -> tuple[tuple[Rows, Rows], list[Spot]]:
    """Return what is typed on the two sheets, and what of it is lost."""
    pages = typed_rows(cable_blocks(transcript), np.random.default_rng(SEED))
    return pages, find_spots(pages)


def ground_truth(pages: tuple[Rows, Rows], spots: list[Spot]) -> str:
    """Return what can be read on the scans, a row a line, `⟦?⟧` for what is lost, for `desunt evaluate ocr`."""
    lines = []
    for page, rows in enumerate(pages, 1):
        for row, text in enumerate(rows, 1):
            for spot in reversed([spot for spot in spots if (spot.page, spot.row) == (page, row)]):
                text = f"{text[: spot.start]}⟦?⟧{text[spot.end :]}"  # noqa: PLW2901 (from the right, so that columns stay true)
            lines += [text.strip()] if text.strip() else []
        lines.append(f"⟦STAMP: {FOOTER}⟧")
    return "\n".join(lines) + "\n"
