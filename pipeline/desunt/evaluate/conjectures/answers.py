"""Answers to gaps as JSON lines: written one by one as they come, so that a long run can be cut and gone on with, and read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desunt.errors import InputError
from desunt.evaluate.resumable_file import ResumableFile
from desunt.record.conjecture import Candidate, Opinion
from desunt.restore.gap_jsonl import answer_line


@dataclass(frozen=True, slots=True)
class Answer:
    """What was proposed for one gap.

    `system` names the baseline that proposed it, empty for the model; `seconds` is the gap's share of its batch's time; `key` is a hash
    of the gap and of everything that weighed it. A line of `desunt fill --gaps` has none of the three.
    """

    id: str
    candidates: tuple[Candidate, ...]
    refusal: str | None = None
    system: str = ""
    seconds: float | None = None
    key: str = ""


def answer_row(opinion: Opinion, line_id: str, system: str, seconds: float, key: str) -> dict[str, Any]:
    """Return an answer as a line of the file: that of `desunt fill --gaps`, and what evaluation needs beside."""
    return answer_line(line_id, opinion) | {"by": system, "seconds": round(seconds, 4), "key": key}


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
                yield _parse_answer(json.loads(line))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                if number == len(lines):
                    return
                raise InputError(f"{path}, line {number}: no answer to a gap ({error})", remedy="docs/formats.md describes it") from None


def _parse_answer(row: dict[str, Any]) -> Answer:
    candidates = tuple(Candidate(str(c["text"]), float(c["probability"])) for c in row["candidates"])
    refusal, seconds = row.get("refusal"), row.get("seconds")
    return Answer(
        str(row["id"]), candidates, refusal, str(row.get("by", "")), None if seconds is None else float(seconds), str(row.get("key", ""))
    )


class AnswerFile(ResumableFile):
    """Answers on disk, by the system that gave them and the gap's id."""

    def __init__(self, path: Path | None, *, resume: bool) -> None:
        super().__init__(path, resume=resume, contents="answers")
        self._answers = index_by_gap(read_answers(path), path) if path is not None and self.has_lines else {}

    def find(self, system: str, line_id: str, key: str) -> Answer | None:
        """Return the answer that is there already; raises InputError if it is to another gap, or by another model or fit."""
        answer = self._answers.get((system, line_id))
        if answer is not None and answer.key != key:
            raise InputError(
                f"{self.path}: the answer to gap {line_id} is by another model, another fit, or to another gap of that name",
                remedy="Name another file with --out",
            )
        return answer

    def add(self, rows: Sequence[dict[str, Any]]) -> list[Answer]:
        """Write answers and return them."""
        self.append(rows)
        return [_parse_answer(row) for row in rows]


def index_by_gap(answers: Iterable[Answer], source: object) -> dict[tuple[str, str], Answer]:
    """Return the answers by the system that gave them and the gap's id; raises InputError where a gap is answered twice."""
    by_gap: dict[tuple[str, str], Answer] = {}
    for answer in answers:
        if (answer.system, answer.id) in by_gap:
            raise InputError(f"{source}: gap {answer.id} is answered twice", remedy="Each id must be there once")
        by_gap[answer.system, answer.id] = answer
    return by_gap
