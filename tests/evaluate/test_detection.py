"""How well misread words are found: the measures, the labels, and the command over real readings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from desunt.cli import app
from desunt.errors import InputError
from desunt.evaluate.detection.measure import (
    CalibrationBin,
    LabelledWords,
    auroc,
    average_precision,
    calibration_bins,
    detection_figures,
    evaluate_detection,
    precision_recall_curve,
    recall_at_fpr,
)
from desunt.evaluate.detection.report import draw, format_report, report_json
from desunt.record.document import Gap, Line, Page, Region, Word
from tests.support.rendered_pages import letter_page

MIXED = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=40).filter(lambda rows: len({w for w, _ in rows}) == 2)


@given(MIXED)
def test_the_chance_that_a_misread_word_scores_higher(rows: list[tuple[bool, float]]) -> None:
    wrong, score = np.array([w for w, _ in rows]), np.array([s for _, s in rows])
    pairs = [(a > b) + 0.5 * (a == b) for a in score[wrong] for b in score[~wrong]]
    assert auroc(wrong, score) == pytest.approx(np.mean(pairs))


@given(MIXED)
def test_precision_at_each_misread_word(rows: list[tuple[bool, float]]) -> None:
    wrong, score = np.array([w for w, _ in rows]), np.array([s for _, s in rows])
    assert average_precision(wrong, score) == pytest.approx(np.mean([wrong[score >= s].mean() for s in score[wrong]]))
    recall, precision = precision_recall_curve(wrong, score)
    assert recall[-1] == 1.0
    assert precision[-1] == pytest.approx(wrong.mean())
    assert (np.diff(recall) >= 0).all()


def test_found_at_few_false_alarms() -> None:
    wrong = np.array([True] * 10 + [False] * 100)
    score = np.concatenate([np.linspace(0.5, 0.95, 10), np.linspace(0.0, 0.9, 100)])
    assert recall_at_fpr(wrong, score) == pytest.approx(np.mean(score[:10] > np.quantile(score[10:], 0.95)))
    assert np.isnan(recall_at_fpr(np.array([True, True]), np.array([0.1, 0.2])))


def page(*tokens: Word | Gap) -> Page:
    return Page(1, None, (Region("r", "body", None, (Line("l", None, tokens),)),))


def word(number: int, text: str, legibility: float) -> Word:
    return Word(f"w{number}", text, None, "tesseract", 0.9, legibility)


def test_words_and_gaps_are_judged_by_what_stands_there(tmp_path: Path) -> None:
    letter_page().save(tmp_path / "a.png")
    (tmp_path / "a.gt.txt").write_text("the Ambassador informed the Minister of war\n", encoding="utf-8")
    read = page(
        word(1, "the", 0.99), word(2, "Arnbassador", 0.4), Gap("g", None, None, "illegible", "informcd"), word(3, "the", 0.95),
        word(4, "Minister", 0.8), word(5, "of", 0.99), word(6, "wax", 0.97),
    )  # fmt: skip
    plain = [("the", 0.9), ("Arnbassador", 0.95), ("informed", 0.6), ("the", 0.9), ("Minister", 0.9), ("of", 0.9), ("war", 0.9)]
    report = evaluate_detection(tmp_path, lambda _: (read,), lambda _: plain, vouch=0.9)
    ours, theirs = report.rows
    assert (ours.n, ours.misread, theirs.n, theirs.misread) == (7, 3, 7, 1)
    assert ours.precision.value == pytest.approx(2 / 3)
    assert ours.recall.value == pytest.approx(2 / 3)
    assert theirs.recall.value == 0.0
    assert ours.auroc.value > theirs.auroc.value
    assert ours.ece is not None
    assert theirs.ece is None
    said = format_report(report)
    assert "| desunt | 7 | 3 |" in said
    assert report_json(report)["rows"][1]["misread"] == 1
    first = draw(report, tmp_path / "plots")
    assert [path.name for path in first] == ["precision-recall.svg", "reliability.svg"]
    for path, again in zip(first, draw(report, tmp_path / "again"), strict=True):
        assert path.read_bytes() == again.read_bytes()
        assert path.read_bytes().startswith(b"<?xml")
    other = evaluate_detection(tmp_path, lambda _: (read,), lambda _: [(text, sure / 2) for text, sure in plain], vouch=0.9)
    assert all(path.read_bytes() != new.read_bytes() for path, new in zip(first, draw(other, tmp_path / "other"), strict=True))


def test_bins_of_equal_width_count_the_words_that_are_no_gaps() -> None:
    page = LabelledWords("a", np.array([True, False, False, True]), np.array([0.96, 0.02, 0.0, 1.0]), np.array([False, False, False, True]))
    assert calibration_bins([page]) == (CalibrationBin(pytest.approx(0.04), 0.0, 1), CalibrationBin(pytest.approx(0.99), 1.0, 2))


def test_a_gap_over_words_that_were_read_rightly_is_no_find(tmp_path: Path) -> None:
    letter_page().save(tmp_path / "a.png")
    (tmp_path / "a.gt.txt").write_text("the Minister of war went home\n", encoding="utf-8")
    read = page(
        word(1, "the", 0.99),
        Gap("g", None, None, "low-confidence", "Minister of"),
        *(word(i, w, 0.99) for i, w in enumerate(("war", "went", "home"), 2)),
    )
    row_ = evaluate_detection(tmp_path, lambda _: (read,), lambda _: [("the", 0.9)], vouch=0.9).rows[0]
    assert (row_.n, row_.misread, row_.precision.value) == (6, 0, 0.0)


def test_a_folder_without_ground_truth(tmp_path: Path) -> None:
    letter_page().save(tmp_path / "a.png")
    with pytest.raises(InputError, match="ground truth"):
        evaluate_detection(tmp_path, lambda _: (), lambda _: [], vouch=0.9)


@pytest.mark.parametrize("words", [("the", "Minister", "of", "war"), ()])
def test_a_reading_without_a_misread_word_or_without_any(tmp_path: Path, words: tuple[str, ...]) -> None:
    letter_page().save(tmp_path / "a.png")
    (tmp_path / "a.gt.txt").write_text("the Minister of war\n", encoding="utf-8")
    read = page(*(word(i, text, 0.95) for i, text in enumerate(words)))
    report = evaluate_detection(tmp_path, lambda _: (read,), lambda _: [(text, 0.95) for text in words], vouch=0.9)
    rows = json.loads(json.dumps(report_json(report), allow_nan=False))["rows"]
    assert [(row["n"], row["misread"], row["auroc"], row["found"]) for row in rows] == [(len(words), 0, None, None)] * 2
    assert "nan" not in format_report(report)
    assert len(draw(report, tmp_path / "plots")) == 2


def test_pages_without_a_misread_word_leave_the_interval_defined() -> None:
    flawless = LabelledWords("a", np.zeros(3, bool), np.array([0.1, 0.2, 0.0]), np.zeros(3, bool))
    flawed = LabelledWords("b", np.array([True, False]), np.array([0.9, 0.1]), np.zeros(2, bool))
    recall = detection_figures("desunt", (flawless, flawed), 0.5, calibrated=True).recall
    assert (recall.value, recall.low, recall.high) == (1.0, 1.0, 1.0)


def test_the_command_over_a_real_reading(tmp_path: Path) -> None:
    letter_page("The Ambassador informed the\nMinister of the matter.").save(tmp_path / "a.png", dpi=(300, 300))
    (tmp_path / "a.gt.txt").write_text("The Ambassador informed the\nMinister of that matter.\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["evaluate", "gaps-found", str(tmp_path), "--json", "--plots", str(tmp_path / "plots")])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rows"]
    assert [row["by"] for row in rows] == ["desunt", "Tesseract's confidence"]
    assert all(row["n"] == 8 and row["misread"] == 1 for row in rows), rows
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["precision-recall.svg", "reliability.svg"]
