from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from desunt.conjecture import Candidate, Conjecture, ModelRef, Opinion, Refusal
from desunt.document import Extent, Letters
from desunt.errors import InputError
from desunt.evaluate.gap_metrics import calibration_error, outcome, perfect_calibration_error, risk_coverage_area
from desunt.evaluate.gaps import GapLine, answer_line, as_json, asked, evaluate, format_report, read_gaps, run
from desunt.lexicon import Lexicon
from desunt.lm.ngram import NgramModel

MODEL = ModelRef("test", "1", "0" * 64)
ROW = {"id": "a", "before": "He told the ", "after": " of it.", "extent": {"unit": "character", "least": 9, "most": 11}}


def opinion(*candidates: tuple[str, float], refused: str = "") -> Opinion:
    made = tuple(Candidate(text, p) for text, p in candidates)
    rest = round(1.0 - sum(p for _, p in candidates), 4)
    return Refusal("g", refused, made, rest, MODEL) if refused else Conjecture("g", made, rest, MODEL, ("", ""))


def line(answer: str, task: str = "word1") -> GapLine:
    return GapLine("g", "", "", answer=answer, task=task)


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
    question = asked(GapLine("a", before, after))
    assert question.gap.letters == letters
    assert (question.before + letters.before, letters.after + question.after) == (before, after)


def test_an_answer_keeps_a_refusal_s_candidates() -> None:
    row = answer_line("a", opinion(("it", 0.3), ("he", 0.1), refused="too weak"))
    assert row == {
        "id": "a",
        "candidates": [{"text": "it", "probability": 0.3}, {"text": "he", "probability": 0.1}],
        "none_of_these": 0.6,
        "refusal": "too weak",
    }
    assert answer_line("b", opinion(("it", 0.3)))["refusal"] is None
    assert len(answer_line("c", opinion(*((f"w{n}", 0.01) for n in range(30))))["candidates"]) == 20


def test_case_and_outer_punctuation_do_not_count_and_duplicates_are_one() -> None:
    found = outcome("word1", "Minister", opinion(("the", 0.4), ("The,", 0.2), ("“minister”", 0.1)).candidates, refused=False)
    assert (found.rank, found.probability) == (2, pytest.approx(0.6))


def test_spaces_count_where_the_task_is_exact() -> None:
    candidates = opinion(("s no", 0.4), ("s no ", 0.2)).candidates
    assert outcome("span1-10", "s no ", candidates, refused=False).rank == 2
    assert outcome("word2", "s no ", candidates, refused=False).rank == 1


def test_no_candidates_are_a_miss_at_probability_zero() -> None:
    found = outcome("word1", "port", (), refused=True)
    assert (found.rank, found.probability, found.edits, found.letters) == (None, 0.0, 4, 4)


def test_the_figures_are_what_they_are_called() -> None:
    lines = [line("port"), line("port"), line("railroad", "word2"), line("the", "word2")]
    opinions = [
        opinion(("port", 0.8)),
        opinion(("ports", 0.6), ("port", 0.2)),
        opinion(("road", 0.5), refused="weak"),
        opinion(("the", 0.9)),
    ]
    report = evaluate(lines, opinions, seconds=2.0, model="test")
    assert [row.task for row in report.rows] == ["word1", "word2", "all"]
    assert [row.n for row in report.rows] == [2, 2, 4]
    word1, word2, pooled = report.rows
    assert (word1.hits[1].value, word1.hits[5].value, word1.mrr.value) == (0.5, 1.0, 0.75)
    assert word1.brier.value == pytest.approx((0.2**2 + 0.6**2) / 2)
    assert word1.character_error.value == pytest.approx(1 / 8)
    assert word2.character_error.value == pytest.approx(4 / 11)
    assert word2.refused == 0.5
    # Surest first: right, right, wrong, wrong.
    assert pooled.aurc.value == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    # Fewer gaps than bins: each is a bin of its own.
    assert pooled.ece == pytest.approx((0.1 + 0.2 + 0.6 + 0.5) / 4)
    assert report.gaps_a_second == 2.0
    assert all(row.hits[1].low <= row.hits[1].value <= row.hits[1].high for row in report.rows)


def test_calibration_error_is_small_for_calibrated_values_and_large_for_boasts() -> None:
    random = np.random.default_rng(0)
    honest = random.random(3000)
    right = (random.random(3000) < honest).astype(float)
    expected = perfect_calibration_error(honest)
    assert 0.005 < expected < 0.05
    assert calibration_error(honest, right) == pytest.approx(expected, abs=0.02)
    assert calibration_error(np.sqrt(honest), right) > 0.1


def test_risk_falls_when_sure_answers_are_right() -> None:
    sure = np.array([0.9, 0.8, 0.2, 0.1])
    assert risk_coverage_area(sure, np.array([1.0, 1, 0, 0])) < risk_coverage_area(sure, np.array([0.0, 0, 1, 1]))


def test_a_report_reads_as_a_table_and_as_json() -> None:
    report = evaluate([line("port"), line("the")], [opinion(("port", 0.8)), opinion(("a", 0.4))], seconds=4.0, model="test")
    text = format_report(report)
    assert "50.0% (0-100)" in text
    assert "0.50 gaps a second" in text
    assert json.loads(as_json(report))["rows"][0]["hits"]["1"]["value"] == 0.5


@pytest.fixture(scope="module")
def model() -> NgramModel:
    return NgramModel.train(["He told the Ambassador of it.", "She told the Minister of the plan."] * 5, least_trigrams=1)


LEXICON = Lexicon({"ambassador": 5, "minister": 5}, {"ambassador": "Ambassador", "minister": "Minister"}, 40)


def test_a_file_is_asked_about_and_measured(tmp_path: Path, model: NgramModel) -> None:
    rows = [{**ROW, "answer": "Ambassador", "task": "word1"}] * 3 + [{**ROW, "extent": None, "answer": "Minister", "task": "other"}]
    path = write(tmp_path / "gaps.jsonl", *rows)
    report = run(path, model, LEXICON, limit=2)
    assert [(row.task, row.n) for row in report.rows] == [("word1", 2), ("other", 1), ("all", 3)]
    assert report.rows[0].hits[1].value == 1.0
    assert run(path, model, LEXICON, task="other").rows[0].n == 1
    with pytest.raises(InputError, match="no gap of task nothing"):
        run(path, model, LEXICON, task="nothing")


@pytest.mark.data
def test_the_development_files_are_of_the_format(shared: Path) -> None:
    lines = read_gaps(shared / "data" / "gaps" / "frus-dev.jsonl", answers=True)
    editors = read_gaps(shared / "data" / "gaps" / "editors-dev.jsonl", answers=True)
    assert (len(lines), len(editors)) == (1350, 344)
    spans = [one for one in lines if one.task == "span1-10"]
    assert all(one.extent and one.extent.least == one.extent.most == len(one.answer or "") for one in spans)
    assert {one.channel for one in editors} == {"ink", "garbled"}
