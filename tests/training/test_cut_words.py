"""The script that cuts words from gold transcripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from training.cut_words import draw_gaps, find_cuts, running_text

from desunt.evaluate.conjectures.run import Selection, select

FILLER = "the agents were told that nobody had ever asked for it and that all was well there " * 3


def test_the_running_text_is_one_line_without_stamps_and_broken_words() -> None:
    text = running_text("⟦STAMP: SECRET⟧\none  two-\nthree\n⟦HAND⟧\n⟦FORM⟧ NO.\nFour-\nFive\n")
    assert text.replace("\ue003", "|") == "one two|three Four- Five"


def test_words_are_cut_whole_between_plain_texts() -> None:
    text = f'{FILLER}anti-CASTRO, "Pawley" (Moore\'s) men {FILLER}'
    by_word = {cut.answer: cut for cut in find_cuts("p", text)}
    assert {"anti-CASTRO", "Pawley", "Moore's", "men"} <= by_word.keys()
    for word, cut in by_word.items():
        assert f"{cut.before}{word}{cut.after}" == " ".join(text.split())
    assert by_word["Pawley"].before.endswith(' "')
    assert by_word["Moore's"].after.startswith(") men")


def test_doubtful_numbers_and_broken_words_are_not_cut() -> None:
    text = f"{FILLER} sure.⟦~⟧ unsure⟦~⟧ 1962 X2 re-\nported {FILLER}"
    words = {cut.answer for cut in find_cuts("p", text)}
    assert not words & {"sure", "unsure", "X", "X2", "re", "ported", "reported"}
    assert any("unsure 1962 X2 reported the" in cut.before for cut in find_cuts("p", text))


@pytest.mark.parametrize("mark", ["⟦?⟧", "⟦REDACTED⟧", "los⟦?⟧t"])
def test_nothing_is_cut_near_a_loss(mark: str) -> None:
    far, near = "x" * 70, "nearby"
    text = f"{FILLER} remote {far} {near} {mark} {near} {far} remote {FILLER}"
    words = [cut.answer for cut in find_cuts("p", text)]
    assert words.count("remote") == 2
    assert near not in words


def test_nothing_is_cut_where_one_side_has_little_text() -> None:
    found = list(find_cuts("p", "begin " * 60))
    assert 130 <= len(found[0].before) < 136
    assert 130 <= len(found[-1].after) < 136
    assert not list(find_cuts("p", "begin " * 40))


def test_rows_are_those_of_the_word1_task_and_drawn_alike_every_time() -> None:
    words = list(find_cuts("page-1", FILLER * 20))
    rows = draw_gaps(words, 60, 1)
    assert rows == draw_gaps(words, 60, 1)
    assert rows != draw_gaps(words, 60, 2)
    assert len({row["before"] for row in rows}) > 1
    starts = set()
    for row in rows:
        extent, answer = row["extent"], row["answer"]
        assert extent["unit"] == "character"
        assert extent["least"] <= len(answer) <= extent["most"] == extent["least"] + 2
        assert extent["least"] >= 1
        assert len(row["before"]) <= 900 >= len(row["after"])
        starts.add(len(answer) - extent["least"])
    assert starts == {0, 1, 2}


def test_the_file_can_be_evaluated(tmp_path: Path, root: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "page-1.gt.txt").write_text(FILLER * 5, encoding="utf-8")
    out = tmp_path / "words.jsonl"
    command = [sys.executable, "-m", "training.cut_words", tmp_path / "scans", "--out", out]
    assert subprocess.run([*command, "--number", "9"], cwd=root, check=False).returncode == 0
    assert [json.loads(line)["doc"] for line in out.read_text("utf-8").splitlines()] == ["page-1"] * 9
    assert {line.task for line in select([out], Selection())} == {"jfk-words"}
    many = subprocess.run([*command, "--number", "9999"], cwd=root, check=False, capture_output=True, text=True)
    assert (many.returncode, "can be cut" in many.stderr) == (2, True)


def test_pages_may_be_left_out(tmp_path: Path, root: Path) -> None:
    for page in ("page-1", "page-2"):
        (tmp_path / f"{page}.gt.txt").write_text(FILLER * 5, encoding="utf-8")
    out = tmp_path / "words.jsonl"
    command = [sys.executable, "-m", "training.cut_words", tmp_path, "--out", out, "--number", "9", "--without"]
    assert subprocess.run([*command, "page-1"], cwd=root, check=False).returncode == 0
    assert {json.loads(line)["doc"] for line in out.read_text("utf-8").splitlines()} == {"page-2"}
    unknown = subprocess.run([*command, "page-3"], cwd=root, check=False, capture_output=True, text=True)
    assert (unknown.returncode, "no page page-3" in unknown.stderr) == (2, True)
