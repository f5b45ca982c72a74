"""Single gaps as JSON lines, one in and one out: the format of `desunt fill --gaps` and `desunt evaluate gaps`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desunt.conjecture import Opinion, Refusal
from desunt.document import Extent, Gap, Letters
from desunt.errors import InputError
from desunt.restore.asked import Asked, Channel

# A span that starts or ends inside a word leaves its surviving letters at the edge of the text round it.
BEFORE = re.compile(r"[\w'’]*\w$")
AFTER = re.compile(r"^\w[\w'’]*")
MOST_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class GapLine:
    """One line: `before` and `after` run up to the gap; `answer` and `task` are there where it is to be evaluated."""

    id: str
    before: str
    after: str
    extent: Extent | None = None
    engine_reading: str | None = None
    channel: Channel = "ink"
    answer: str | None = None
    task: str | None = None


def read_gaps(path: Path, *, answers: bool = False) -> list[GapLine]:
    """Read a file of gaps, empty lines left out; with `answers`, each line must have its answer and task.

    Raises InputError naming file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})", remedy="It must be UTF-8 text, one JSON object a line") from None
    return [_line(path, number, line, answers=answers) for number, line in enumerate(lines, start=1) if line.strip()]


def _line(path: Path, number: int, text: str, *, answers: bool) -> GapLine:
    try:
        row = json.loads(text)
        if not isinstance(row, dict):
            raise TypeError("it is not a JSON object")
        line = _parsed(row)
        if answers and (line.answer is None or line.task is None):
            raise ValueError("it has no `answer` or no `task`")
    except (KeyError, TypeError, ValueError) as error:
        problem = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path}, line {number}: {problem}", remedy="docs/formats.md describes the lines") from None
    return line


def _parsed(row: Mapping[str, Any]) -> GapLine:
    return GapLine(
        id=_text(row, "id"),
        before=_text(row, "before"),
        after=_text(row, "after"),
        extent=_extent(row.get("extent")),
        engine_reading=_maybe_text(row, "engine_reading"),
        channel=_channel(row.get("channel")),
        answer=_maybe_text(row, "answer"),
        task=_maybe_text(row, "task"),
    )


def _channel(value: Any) -> Channel:
    match value:
        case None | "ink":
            return "ink"
        case "garbled":
            return "garbled"
    raise ValueError(f"`channel` is {value!r}, not `ink` or `garbled`")


def _text(row: Mapping[str, Any], name: str) -> str:
    if name not in row:
        raise KeyError(name)
    if not isinstance(row[name], str):
        raise TypeError(f"`{name}` is not a string")
    return str(row[name])


def _maybe_text(row: Mapping[str, Any], name: str) -> str | None:
    return None if row.get(name) is None else _text(row, name)


def _extent(value: Any) -> Extent | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("unit") not in ("character", "word"):
        raise ValueError('`extent` is neither null nor {"unit": "character"|"word", "least", "most"}')
    least, most = value.get("least"), value.get("most")
    # A bool is an int to Python, but no length.
    if type(least) is not int or type(most) not in (int, type(None)):
        raise TypeError("`least` and `most` of `extent` are not whole numbers")
    return Extent(value["unit"], least, most)


def asked(line: GapLine) -> Asked:
    """Return the line as a gap to ask about, the letters that survive of its word taken from the text round it."""
    before, after = BEFORE.search(line.before), AFTER.search(line.after)
    letters = Letters(before[0] if before else "", after[0] if after else "")
    gap = Gap(line.id, None, line.extent, "illegible", line.engine_reading, letters)
    return Asked(gap, line.before.removesuffix(letters.before), line.after.removeprefix(letters.after), line.channel)


def answer_line(line_id: str, opinion: Opinion) -> dict[str, Any]:
    """Return the line that answers a gap; a refusal keeps its ranked candidates."""
    return {
        "id": line_id,
        "candidates": [{"text": c.text, "probability": c.probability} for c in opinion.candidates[:MOST_CANDIDATES]],
        "none_of_these": opinion.none_of_these,
        "refusal": opinion.reason if isinstance(opinion, Refusal) else None,
    }
