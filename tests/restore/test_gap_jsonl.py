"""Single gaps as JSON lines: what is read, and what is said of a line that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desunt.errors import InputError
from desunt.record.document import Extent, Letters
from desunt.restore.gap_jsonl import GapLine, gap_queries, gap_query, iter_gaps, read_gaps

ROW = {"id": "a", "before": "He told the ", "after": " of it.", "extent": {"unit": "character", "least": 9, "most": 11}}


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def test_a_line_is_read_as_the_format_says(tmp_path: Path) -> None:
    more = {**ROW, "engine_reading": "Arnbassador", "channel": "garbled", "answer": "Ambassador", "task": "word1", "doc": "ignored"}
    first, second = read_gaps(write(tmp_path / "gaps.jsonl", ROW, "", more))
    assert first == GapLine("a", "He told the ", " of it.", Extent("character", 9, 11))
    assert (second.engine_reading, second.channel, second.answer, second.task) == ("Arnbassador", "garbled", "Ambassador", "word1")


def test_null_values_are_absent_ones(tmp_path: Path) -> None:
    row = {**ROW, "extent": None, "engine_reading": None, "channel": None, "answer": None, "task": None}
    assert read_gaps(write(tmp_path / "gaps.jsonl", row)) == [GapLine("a", "He told the ", " of it.")]


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("{", "line 2"),
        ("[1]", "not a JSON object"),
        ({"id": "b", "before": ""}, "'after'"),
        ({**ROW, "before": 3}, "`before` is not a string"),
        ({**ROW, "extent": {"unit": "line", "least": 1, "most": 1}}, "`extent`"),
        ({**ROW, "extent": {"unit": "word", "least": "1", "most": 1}}, "whole numbers"),
        ({**ROW, "extent": {"unit": "word", "least": True, "most": 1}}, "whole numbers"),
        ({**ROW, "extent": {"unit": "word", "least": 3, "most": 1}}, "impossible extent"),
        ({**ROW, "channel": "radio"}, "`channel`"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path: Path, bad: object, what: str) -> None:
    path = write(tmp_path / "gaps.jsonl", ROW, bad)
    with pytest.raises(InputError, match=r"gaps\.jsonl, line 2: ") as caught:
        read_gaps(path)
    assert what in str(caught.value)


def test_a_line_without_answer_cannot_be_evaluated(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 1: it has no `answer`"):
        read_gaps(write(tmp_path / "gaps.jsonl", ROW), answers=True)


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        read_gaps(tmp_path / "absent.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_gaps(tmp_path / "binary.jsonl")


@pytest.mark.parametrize(
    ("before", "after", "letters"),
    [
        ("of the statemen", " the nations", Letters("statemen", "")),
        ("that there i", "bligation on", Letters("i", "bligation")),
        ("told the ", ", who left", Letters()),
        ("China", "’s aims", Letters("China", "")),
        ("(", ")", Letters()),
        ("", "", Letters()),
    ],
)
def test_surviving_letters_are_taken_from_the_edges(before: str, after: str, letters: Letters) -> None:
    question = gap_query(GapLine("a", before, after))
    assert question.gap.letters == letters
    assert (question.before + letters.before, letters.after + question.after) == (before, after)


def test_gaps_before_a_bad_line_are_given_out(tmp_path: Path) -> None:
    lines = iter_gaps(write(tmp_path / "gaps.jsonl", ROW, {**ROW, "id": "b"}, "{"))
    assert [next(lines).id, next(lines).id] == ["a", "b"]
    with pytest.raises(InputError, match="line 3"):
        next(lines)


def test_signs_that_end_lines_elsewhere_do_not_end_lines_here(tmp_path: Path) -> None:
    row = {**ROW, "before": "one\u2028two\x85three "}
    path = tmp_path / "gaps.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(row, ensure_ascii=False).encode() + b"\r\n")
    assert [one.before for one in read_gaps(path)] == ["one\u2028two\x85three "]


def test_half_a_surrogate_pair_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "gaps.jsonl"
    path.write_text('{"id": "\\ud800", "before": "", "after": ""}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"line 1: `id` holds half of a surrogate pair"):
        read_gaps(path)


def test_two_lines_of_one_id_are_two_gaps() -> None:
    first, second = gap_queries([GapLine("a", "x ", " y"), GapLine("a", "z ", " y", channel="garbled", engine_reading="q")])
    assert first.gap.id != second.gap.id
    assert (second.before, second.channel, second.gap.engine_reading) == ("z ", "garbled", "q")
