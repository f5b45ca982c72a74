from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from desunt.errors import InputError, UsageError
from desunt.evaluate.conjectures.answers import Answer
from desunt.evaluate.conjectures.metrics import (
    area_under_risk_coverage,
    equal_mass_bins,
    expected_calibration_error,
    ideal_ece,
    mean_estimate,
    risk_coverage,
    score_answer,
)
from desunt.evaluate.conjectures.plots import draw
from desunt.evaluate.conjectures.report import format_report, report_json
from desunt.evaluate.conjectures.run import Answered, Selection, select, summarise
from desunt.evaluate.split import is_for_fitting, is_in_split, parse_split
from desunt.record.conjecture import Candidate, Conjecture, ModelRef, Opinion, Refusal
from desunt.restore.gap_jsonl import GapLine, answer_line, read_gaps

MODEL = ModelRef("test", "1", "0" * 64)
# The first byte of the SHA-256 of four documents' names, by `printf d41 | sha256sum`.
HASHES = {"d41": "31", "d42": "fe", "d43": "3c", "d44": "a8"}
FITTED = {name: int(first, 16) % 2 == 0 for name, first in HASHES.items()}
ROW = {"id": "a", "before": "He told the ", "after": " of it.", "extent": {"unit": "character", "least": 9, "most": 11}}


def opinion(*candidates: tuple[str, float], refused: str = "") -> Opinion:
    made = tuple(Candidate(text, p) for text, p in candidates)
    rest = round(1.0 - sum(p for _, p in candidates), 4)
    return Refusal("g", refused, made, rest, MODEL) if refused else Conjecture("g", made, rest, MODEL, ("", ""))


def line(answer: str, task: str = "word1") -> GapLine:
    return GapLine("g", "", "", answer=answer, task=task)


def answered(*pairs: tuple[GapLine, Opinion], seconds: float | None = None, **others: list[Opinion]) -> Answered:
    """Answers of the model, and of baselines by name, to the same lines."""
    lines = tuple(line for line, _ in pairs)
    opinions = {"": [found for _, found in pairs], **others}
    made = {by: tuple(_answer(n, by, one, seconds) for n, one in enumerate(found)) for by, found in opinions.items()}
    return Answered(lines, made, "test")


def _answer(number: int, by: str, found: Opinion, seconds: float | None) -> Answer:
    return Answer(str(number), found.candidates, getattr(found, "reason", None), by, seconds)


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


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
    found = score_answer("word1", "Minister", opinion(("the", 0.4), ("The,", 0.2), ("“minister”", 0.1)).candidates, refused=False)
    assert (found.rank, found.probability) == (2, pytest.approx(0.6))


@pytest.mark.parametrize(
    ("proposed", "answer", "same"),
    [
        (" The… ", "the", True),
        ("(MOSCOW)", "Moscow", True),
        ("STRASSE", "straße", True),
        ("re\u0301gime", "régime", True),
        ("regime", "régime", False),
        ("dollar for dollar", "dollar-for-dollar", False),
        ("Embassys", "Embassy's", False),
        ("—", "—", True),
        ("$5", "5", False),
    ],
)
def test_what_counts_of_a_word(proposed: str, answer: str, same: bool) -> None:
    assert (score_answer("word1", answer, opinion((proposed, 0.5)).candidates, refused=False).rank == 1) is same


def test_spaces_and_punctuation_count_where_the_task_is_exact() -> None:
    candidates = opinion(("s no", 0.4), (",s no ", 0.3), ("S No ", 0.2)).candidates
    assert score_answer("span1-10", "s no ", candidates, refused=False).rank == 3
    assert score_answer("word2", "s no ", candidates, refused=False).rank == 1


def test_no_candidates_are_a_miss_at_probability_zero() -> None:
    found = score_answer("word1", "port", (), refused=True)
    assert (found.rank, found.probability, found.edits, found.letters) == (None, 0.0, 4, 4)


PAIRS = (
    (line("port"), opinion(("port", 0.8))),
    (line("port"), opinion(("ports", 0.6), ("port", 0.2))),
    (line("railroad", "word2"), opinion(("road", 0.5), refused="weak")),
    (line("the", "word2"), opinion(("the", 0.9))),
)


def test_the_figures_are_what_they_are_called() -> None:
    report = summarise(answered(*PAIRS, seconds=0.5))
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
    assert [row.gaps_a_second for row in report.rows] == [2.0, 2.0, 2.0]
    assert all(row.hits[1].low <= row.hits[1].value <= row.hits[1].high for row in report.rows)


def test_a_refusal_counts_by_its_candidates() -> None:
    row = summarise(answered((line("port"), opinion(("port", 0.3), refused="too weak")))).rows[0]
    assert (row.hits[1].value, row.refused) == (1.0, 1.0)
    assert row.gaps_a_second is None


def test_the_truth_at_a_rank_counts_from_that_rank_on() -> None:
    ranked = opinion(*((f"w{n}", 0.04) for n in range(1, 21)))
    row = summarise(answered(*((line(f"w{n}"), ranked) for n in (1, 5, 6, 20, 21)))).rows[0]
    assert [row.hits[most].value for most in (1, 5, 20)] == [0.2, 0.4, 0.8]
    assert row.mrr.value == pytest.approx((1 + 1 / 5 + 1 / 6 + 1 / 20) / 5)


def test_baselines_are_compared_gap_by_gap() -> None:
    lines = [line("port")] * 40
    good, bad = opinion(("port", 0.9)), opinion(("ship", 0.5), ("port", 0.4))
    pairs = [(one, good if n % 4 else bad) for n, one in enumerate(lines)]
    report = summarise(answered(*pairs, same=[found for _, found in pairs], worse=[good if n % 2 else bad for n in range(40)]))
    same, worse = report.baselines
    # The same answers to the same gaps: no resampling of gaps tells them apart.
    assert (same.name, same.leads[0].value, same.leads[0].low, same.leads[0].high) == ("same", 0.0, 0.0, 0.0)
    assert worse.rows[0].hits[1].value == 0.5
    assert worse.leads[0].value == pytest.approx(0.25)
    assert 0.0 < worse.leads[0].low < 0.25 < worse.leads[0].high
    text = format_report(report)
    assert "+25.0 points" in text
    assert len([one for one in text.splitlines() if one.startswith("word1")]) == 3


def test_calibration_error_is_small_for_calibrated_values_and_large_for_boasts() -> None:
    random = np.random.default_rng(0)
    honest = random.random(3000)
    right = (random.random(3000) < honest).astype(float)
    expected = ideal_ece(honest)
    assert 0.005 < expected < 0.05
    assert expected_calibration_error(honest, right) == pytest.approx(expected, abs=0.02)
    assert expected_calibration_error(np.sqrt(honest), right) > 0.1


def test_intervals_hold_the_middle_95_per_cent() -> None:
    # A share of one half in 400 gaps: its standard error is a fortieth, and 95% lie within 1.96 of them.
    found = mean_estimate(np.array([0.0, 1.0] * 200))
    assert (found.value, found.low, found.high) == (0.5, pytest.approx(0.451, abs=0.008), pytest.approx(0.549, abs=0.008))
    assert mean_estimate(np.array([0.0, 1.0] * 200)) == found


def test_bins_hold_equally_many() -> None:
    probabilities = np.linspace(0.0, 1.0, 30)
    bins = equal_mass_bins(probabilities, np.ones(30))
    assert [n for _, _, n in bins] == [2] * 15
    assert bins[0][0] == pytest.approx((probabilities[0] + probabilities[1]) / 2)


def test_what_perfect_calibration_shows_is_what_chance_gives() -> None:
    # One gap at 0.5: right or wrong, the error is a half. Sure and right: none.
    assert ideal_ece(np.array([0.5])) == 0.5
    assert ideal_ece(np.array([1.0, 0.0])) == 0.0
    # Fifteen bins of one gap each at 0.2 (right for one in five): 2 * 0.2 * 0.8 on average.
    probabilities = np.linspace(0.1999, 0.2001, 15)
    assert ideal_ece(probabilities) == pytest.approx(0.32, abs=0.02)
    assert ideal_ece(probabilities) == ideal_ece(probabilities)


def test_no_figure_depends_on_the_order_of_gaps_that_are_equally_sure() -> None:
    probabilities = np.array([0.5] * 20 + [0.9] * 20)
    right = np.array([1.0] * 10 + [0.0] * 10 + [1.0] * 18 + [0.0] * 2)
    turned = right[::-1].copy()[np.r_[20:40, 0:20]]
    assert not np.array_equal(right, turned)
    assert expected_calibration_error(probabilities, right) == pytest.approx(0.0)
    assert expected_calibration_error(probabilities, turned) == pytest.approx(0.0)
    assert area_under_risk_coverage(probabilities, right) == pytest.approx(area_under_risk_coverage(probabilities, turned))


def test_risk_and_coverage() -> None:
    sure, right = np.array([0.2, 0.9, 0.4, 0.8]), np.array([0.0, 1, 1, 0])
    assert risk_coverage(sure, right).tolist() == pytest.approx([0.0, 1 / 2, 1 / 3, 2 / 4])
    assert area_under_risk_coverage(sure, right) == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)


def test_a_report_reads_as_a_table_and_as_json() -> None:
    report = summarise(answered((line("port"), opinion(("port", 0.8))), (line("the"), opinion(("a", 0.4))), seconds=2.0))
    text = format_report(report)
    assert "50.0% (0-100)" in text
    assert "Model: test." in text
    assert "0.50" in text.splitlines()[1].split()[-1]
    assert json.loads(report_json(report))["rows"][0]["hits"]["1"]["value"] == 0.5


def test_plots_are_drawn_and_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    pairs = answered(*PAIRS, other=[found for _, found in PAIRS])
    first = draw(pairs, tmp_path / "a")
    assert [path.name for path in first] == ["reliability.svg", "risk-coverage.svg", "hits-by-length.svg"]
    for path, again in zip(first, draw(pairs, tmp_path / "b"), strict=True):
        assert path.read_bytes() == again.read_bytes()
        assert path.read_bytes().startswith(b"<?xml")
    changed = draw(answered(*PAIRS[::-1][:3], other=[found for _, found in PAIRS[:3]]), tmp_path / "c")
    assert all(path.read_bytes() != again.read_bytes() for path, again in zip(first, changed, strict=True))


def test_documents_are_split_once_for_all() -> None:
    assert {name: is_for_fitting(name) for name in FITTED} == FITTED
    assert set(FITTED.values()) == {True, False}
    for name, fitted in FITTED.items():
        assert is_in_split(name, "all")
        assert is_in_split(name, "dev") is fitted
        assert is_in_split(name, "test") is not fitted
    assert parse_split("held-out") == parse_split("test") == "test"
    with pytest.raises(UsageError, match="all, dev, test, fitting, held-out"):
        parse_split("odd")


def test_gaps_are_selected_by_task_split_and_number(tmp_path: Path) -> None:
    names = [*FITTED] * 3
    rows = [{**ROW, "id": f"{n}", "answer": "a", "task": "word1" if n % 2 else "word2", "doc": d} for n, d in enumerate(names)]
    path = write(tmp_path / "gaps.jsonl", *rows)
    chosen = select([path], Selection())
    assert sorted(one.id for one in chosen) == sorted(str(n) for n in range(len(names)))
    assert [one.task for one in chosen] == ["word2"] * 6 + ["word1"] * 6
    held = select([path], Selection(split="test"))
    assert [one.id for one in held] == [one.id for one in chosen if not FITTED[one.document or ""]]
    # The limit is of the gaps that are left, not of those that were looked at.
    assert [one.id for one in select([path], Selection(split="test", limit=1))] == [
        next(one.id for one in held if one.task == task) for task in dict.fromkeys(one.task for one in held)
    ]
    assert {one.task for one in select([path], Selection(task="word1"))} == {"word1"}
    with pytest.raises(InputError, match="no gap of task nothing"):
        select([path], Selection(task="nothing"))


def test_several_files_are_measured_together_and_an_id_is_there_once(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", {**ROW, "answer": "x", "task": "word1"})
    second = write(tmp_path / "b.jsonl", {**ROW, "id": "b", "answer": "x", "task": "other"})
    assert [one.id for one in select([first, second], Selection())] == ["a", "b"]
    with pytest.raises(InputError, match=r"the id a is there already, in .*a\.jsonl"):
        select([first, first], Selection())


def test_a_gap_of_no_known_document_belongs_to_no_split(tmp_path: Path) -> None:
    path = write(tmp_path / "gaps.jsonl", {**ROW, "answer": "x", "task": "word1"})
    with pytest.raises(InputError, match="has no `doc`"):
        select([path], Selection(split="test"))


@pytest.mark.data
def test_the_development_files_are_of_the_format(shared: Path) -> None:
    lines = read_gaps(shared / "data" / "gaps" / "frus-dev.jsonl", answers=True)
    editors = read_gaps(shared / "data" / "gaps" / "editors-dev.jsonl", answers=True)
    assert (len(lines), len(editors)) == (1350, 344)
    spans = [one for one in lines if one.task == "span1-10"]
    assert all(one.extent and one.extent.least == one.extent.most == len(one.answer or "") for one in spans)
    assert {one.channel for one in editors} == {"ink", "garbled"}
