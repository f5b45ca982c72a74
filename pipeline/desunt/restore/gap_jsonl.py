"""Single gaps as JSON lines, one in and one out: the format of `desunt fill --gaps` and `desunt evaluate gaps`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from desunt.errors import InputError
from desunt.record.conjecture import Opinion, Refusal
from desunt.record.document import Extent, Gap, Letters
from desunt.restore.gap_query import Channel, GapQuery

# A span that starts or ends inside a word leaves its surviving letters at the edge of the text round it.
LETTERS_BEFORE = re.compile(r"[\w'’]*\w$")
LETTERS_AFTER = re.compile(r"^\w[\w'’]*")
MAX_CANDIDATES = 20
FORMAT_REMEDY = "It must be UTF-8 text, one JSON object a line"


@dataclass(frozen=True, slots=True)
class GapLine:
    """One line: `before` and `after` run up to the gap; `answer` and `task` are there where it is to be evaluated.

    `document` is the document the gap was cut from (`doc` in the file), which decides whether it was fitted on.
    """

    id: str
    before: str
    after: str
    extent: Extent | None = None
    engine_reading: str | None = None
    channel: Channel = "ink"
    answer: str | None = None
    task: str | None = None
    document: str | None = None


def read_gaps(path: Path, *, answers: bool = False) -> list[GapLine]:
    """Read a whole file of gaps: what `iter_gaps` yields."""
    return list(iter_gaps(path, answers=answers))


def iter_gaps(path: Path, *, answers: bool = False) -> Iterator[GapLine]:
    """Yield the gaps of a file as they are read, empty lines left out; with `answers`, each line must have its answer and task.

    Raises InputError naming file and line when a bad line is reached: what stands before it was yielded.
    """
    number = 0
    try:
        # Bytes are split at line feeds alone: a text may hold other characters that pass for the end of a line.
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if text.strip():
                    yield _parse_line(path, number, text, answers=answers)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, line {number}: it is not UTF-8 ({error.reason})", remedy=FORMAT_REMEDY) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})", remedy=FORMAT_REMEDY) from None


def _parse_line(path: Path, number: int, text: str, *, answers: bool) -> GapLine:
    try:
        row = json.loads(text)
        if not isinstance(row, dict):
            raise TypeError("it is not a JSON object")
        line = _parse_row(row)
        if answers and (line.answer is None or line.task is None):
            raise ValueError("it has no `answer` or no `task`")
    except (KeyError, TypeError, ValueError) as error:
        problem = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path}, line {number}: {problem}", remedy="docs/formats.md describes the lines") from None
    return line


def _parse_row(row: Mapping[str, Any]) -> GapLine:
    return GapLine(
        id=_text(row, "id"),
        before=_text(row, "before"),
        after=_text(row, "after"),
        extent=_extent(row.get("extent")),
        engine_reading=_optional_text(row, "engine_reading"),
        channel=_channel(row.get("channel")),
        answer=_optional_text(row, "answer"),
        task=_optional_text(row, "task"),
        document=_optional_text(row, "doc"),
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
    text = str(row[name])
    # JSON can spell half of a surrogate pair, which no UTF-8 file can hold: the answer could not be written.
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(f"`{name}` holds half of a surrogate pair")
    return text


def _optional_text(row: Mapping[str, Any], name: str) -> str | None:
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


def gap_query(line: GapLine) -> GapQuery:
    """Return the line as a gap to ask about, the letters that survive of its word taken from the text round it."""
    before, after = LETTERS_BEFORE.search(line.before), LETTERS_AFTER.search(line.after)
    letters = Letters(before[0] if before else "", after[0] if after else "")
    gap = Gap(line.id, None, line.extent, "illegible", line.engine_reading, letters)
    return GapQuery(gap, line.before.removesuffix(letters.before), line.after.removeprefix(letters.after), line.channel)


def gap_queries(lines: Sequence[GapLine]) -> list[GapQuery]:
    """Return the lines as gaps to ask about, numbered: two lines of the same id are still two gaps."""
    return [replace(query, gap=replace(query.gap, id=str(number))) for number, query in enumerate(map(gap_query, lines))]


def answer_line(line_id: str, opinion: Opinion) -> dict[str, Any]:
    """Return the line that answers a gap; a refusal keeps its ranked candidates."""
    return {
        "id": line_id,
        "candidates": [{"text": c.text, "probability": c.probability} for c in opinion.candidates[:MAX_CANDIDATES]],
        "none_of_these": opinion.none_of_these,
        "refusal": opinion.reason if isinstance(opinion, Refusal) else None,
    }
