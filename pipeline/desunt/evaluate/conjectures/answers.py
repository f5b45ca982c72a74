"""Answers to gaps as JSON lines: written one by one as they come, so that a long run can be cut and gone on with, and read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desunt.errors import InputError, UsageError
from desunt.record.conjecture import Candidate, Opinion
from desunt.restore.gap_jsonl import answer_line


@dataclass(frozen=True, slots=True)
class Answer:
    """What was proposed for one gap.

    `by` names the baseline that proposed it, empty for the model; `seconds` is the gap's share of its batch's time; `key` is a hash of
    the gap and of everything that weighed it. A line of `desunt fill --gaps` has none of the three.
    """

    id: str
    candidates: tuple[Candidate, ...]
    refusal: str | None = None
    by: str = ""
    seconds: float | None = None
    key: str = ""


def row_of(opinion: Opinion, line_id: str, by: str, seconds: float, key: str) -> dict[str, Any]:
    """Return an answer as a line of the file: that of `desunt fill --gaps`, and what evaluation needs beside."""
    return answer_line(line_id, opinion) | {"by": by, "seconds": round(seconds, 4), "key": key}


def read_answers(path: Path) -> Iterator[Answer]:
    """Yield the answers of a file, those of `desunt fill --gaps` or of `desunt evaluate gaps --out`; a line that was cut off is the last.

    Raises InputError naming file and line.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", remedy="Name a file of answers") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _parsed(json.loads(line))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                if number == len(lines):
                    return
                raise InputError(f"{path}, line {number}: no answer to a gap ({error})", remedy="docs/formats.md describes it") from None


def _parsed(row: dict[str, Any]) -> Answer:
    candidates = tuple(Candidate(str(one["text"]), float(one["probability"])) for one in row["candidates"])
    refusal, seconds = row.get("refusal"), row.get("seconds")
    return Answer(
        str(row["id"]), candidates, refusal, str(row.get("by", "")), None if seconds is None else float(seconds), str(row.get("key", ""))
    )


class AnswerFile:
    """Answers on disk, each line flushed as it is written; without a file, in memory alone."""

    def __init__(self, path: Path | None, *, resume: bool) -> None:
        self.path = path
        self.known: dict[tuple[str, str], Answer] = {}
        if path is None or not path.exists() or not path.stat().st_size:
            return
        if not resume:
            raise UsageError(f"{path} holds answers already", remedy="Go on with them by --resume, or name another file")
        drop_cut_line(path)
        self.known = by_gap(read_answers(path), path)

    def find(self, by: str, line_id: str, key: str) -> Answer | None:
        """Return the answer that is there already; raises InputError if it is to another gap, or by another model or fit."""
        known = self.known.get((by, line_id))
        if known is not None and known.key != key:
            raise InputError(
                f"{self.path}: the answer to gap {line_id} is by another model, another fit, or to another gap of that name",
                remedy="Name another file with --out",
            )
        return known

    def add(self, rows: Iterable[dict[str, Any]]) -> list[Answer]:
        """Write answers and return them."""
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.writelines(lines)
        return [_parsed(json.loads(line)) for line in lines]


def drop_cut_line(path: Path) -> None:
    """Cut off a last line that was not written to its end, so that the next one starts on a line of its own."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as stream:
            stream.truncate(whole)


def by_gap(answers: Iterable[Answer], source: object) -> dict[tuple[str, str], Answer]:
    """Return the answers by who gave them and the gap's id; raises InputError where a gap is answered twice."""
    found: dict[tuple[str, str], Answer] = {}
    for answer in answers:
        if (answer.by, answer.id) in found:
            raise InputError(f"{source}: gap {answer.id} is answered twice", remedy="Each id must be there once")
        found[answer.by, answer.id] = answer
    return found
