"""Single gaps through the command line: `desunt fill --gaps` and `desunt evaluate gaps`, with a small model."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desunt.cli import app
from desunt.errors import InputError, UsageError
from desunt.lm.ngram import NgramModel
from desunt.run import fill
from desunt.settings import Settings

TEXTS = [
    "He told the Ambassador of the plan.",
    "She told the Minister that the port should be open.",
    "They told the Department that the railroad should be free.",
] * 5
EXTENT = {"unit": "character", "least": 9, "most": 11}
GAPS = [
    {
        "id": "length",
        "before": "He told the ",
        "after": " of the plan.",
        "extent": EXTENT,
        "answer": "Ambassador",
        "task": "word1",
        "doc": "d41",
    },
    {
        "id": "nothing known",
        "before": "told the ",
        "after": " that the port",
        "extent": None,
        "answer": "Minister",
        "task": "word1",
        "doc": "d42",
    },
    {
        "id": "words",
        "before": "that the ",
        "after": " be free.",
        "extent": {"unit": "word", "least": 2, "most": 2},
        "answer": "railroad should",
        "task": "word2",
        "doc": "d41",
    },
    {
        "id": "garbled",
        "before": "He told the ",
        "after": " of the plan.",
        "extent": None,
        "engine_reading": "Ambassadro",
        "channel": "garbled",
        "answer": "Ambassador",
        "task": "garbles",
        "doc": "d42",
    },
    {
        "id": "letters",
        "before": "told the Depart",
        "after": "t that",
        "extent": {"unit": "character", "least": 3, "most": 3},
        "answer": "men",
        "task": "span1-10",
        "doc": "d41",
    },
]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    NgramModel.train(TEXTS, min_count={2: 1, 3: 1, 4: 1}).save(folder / "ngram.npz")
    return folder


@pytest.fixture
def settings(models: Path) -> Settings:
    return Settings(model="ngram", models=models)


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def answers(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_one_line_in_one_line_out_in_order(tmp_path: Path, settings: Settings) -> None:
    out = io.StringIO()
    fill.fill_gap_file(write(tmp_path / "gaps.jsonl", *GAPS), settings, out)
    found = answers(out.getvalue())
    assert [row["id"] for row in found] == [gap["id"] for gap in GAPS]
    assert all(list(row) == ["id", "candidates", "none_of_these", "refusal"] for row in found)
    by_id = {row["id"]: [c["text"] for c in row["candidates"]] for row in found}
    assert by_id["length"][0] == "Ambassador"
    assert "Minister" in by_id["nothing known"][:5]
    assert "railroad should" in by_id["words"]
    assert all(len(text.split()) == 2 for text in by_id["words"])
    assert by_id["garbled"][0] == "Ambassador"
    assert by_id["letters"][0] == "men"
    for row in found:
        shown = [c["probability"] for c in row["candidates"]]
        assert shown == sorted(shown, reverse=True)
        assert len(shown) <= 20
        # What is past the twentieth candidate belongs to none of these.
        assert sum(shown) + row["none_of_these"] == pytest.approx(1.0, abs=1e-3)


def test_lines_of_one_id_get_answers_of_their_own(tmp_path: Path, settings: Settings) -> None:
    out = io.StringIO()
    fill.fill_gap_file(write(tmp_path / "gaps.jsonl", {**GAPS[0], "id": "x"}, {**GAPS[4], "id": "x"}), settings, out)
    assert [row["candidates"][0]["text"] for row in answers(out.getvalue())] == ["Ambassador", "men"]


def test_answers_are_written_batch_by_batch(tmp_path: Path, settings: Settings, monkeypatch) -> None:
    monkeypatch.setattr(fill, "BATCH_SIZE_GAPS", 2)
    seen: list[int] = []

    class Watched(io.StringIO):
        def flush(self) -> None:
            seen.append(len(self.getvalue().splitlines()))

    fill.fill_gap_file(write(tmp_path / "gaps.jsonl", *GAPS), settings, Watched())
    assert seen == [2, 4, 5]


@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_bad_line_loses_nothing_that_came_before(tmp_path: Path, settings: Settings, monkeypatch, before: int) -> None:
    monkeypatch.setattr(fill, "BATCH_SIZE_GAPS", 2)
    path = write(tmp_path / "gaps.jsonl", *GAPS[:before], {"id": "bad", "before": ""}, *GAPS)
    out = io.StringIO()
    with pytest.raises(InputError, match=rf"gaps\.jsonl, line {before + 1}: it has no 'after'"):
        fill.fill_gap_file(path, settings, out)
    assert [row["id"] for row in answers(out.getvalue())] == [gap["id"] for gap in GAPS[:before]]


def command(*arguments: object, models: Path) -> str:
    done = CliRunner().invoke(
        app, [*map(str, arguments)], env={"DESUNT_MODELS": str(models)}, catch_exceptions=False, standalone_mode=False
    )
    return done.output


def test_the_table_from_the_model_and_from_the_answers_of_fill_are_the_same(tmp_path: Path, models: Path) -> None:
    gaps = write(tmp_path / "gaps.jsonl", *GAPS)
    filled, kept = tmp_path / "filled.jsonl", tmp_path / "kept.jsonl"
    filled.write_text(command("fill", "--gaps", gaps, "--json", "--model", "ngram", models=models), encoding="utf-8")
    asked = json.loads(command("evaluate", "gaps", gaps, "--model", "ngram", "--out", kept, "--json", models=models))
    joined = json.loads(command("evaluate", "gaps", gaps, "--from", filled, "--json", models=models))
    for one, other in zip(asked["rows"], joined["rows"], strict=True):
        assert one.pop("gaps_a_second") > 0
        assert other.pop("gaps_a_second") is None
        assert one == other
    assert [row["task"] for row in asked["rows"]] == ["word1", "word2", "garbles", "span1-10", "all"]
    assert asked["model"] == "ngram"
    saved = answers(kept.read_text("utf-8"))
    assert [{name: row[name] for name in ("id", "candidates", "none_of_these", "refusal")} for row in saved] == answers(
        filled.read_text("utf-8")
    )


def test_split_plots_and_resume_by_flags(tmp_path: Path, models: Path) -> None:
    gaps = write(tmp_path / "gaps.jsonl", *GAPS)
    kept, plots = tmp_path / "kept.jsonl", tmp_path / "plots"
    ask = ("evaluate", "gaps", gaps, "--model", "ngram", "--split", "test", "--out", kept)
    table = command(*ask, "--plots", plots, models=models)
    assert {row["id"] for row in answers(kept.read_text("utf-8"))} == {"length", "words", "letters"}
    assert sorted(path.name for path in plots.iterdir()) == ["hits-by-length.svg", "reliability.svg", "risk-coverage.svg"]
    with pytest.raises(UsageError, match="--resume"):
        command(*ask, models=models)
    resumed = command(*ask, "--resume", models=models)
    assert resumed.splitlines() == [line for line in table.splitlines() if not line.endswith(".svg")]
    with pytest.raises(UsageError, match="--resume needs --out"):
        command("evaluate", "gaps", gaps, "--resume", models=models)
    with pytest.raises(UsageError, match="--answers asks for nothing"):
        command("evaluate", "gaps", gaps, "--answers", kept, "--baselines", models=models)
    with pytest.raises(UsageError, match="no split is called 'odd'"):
        command("evaluate", "gaps", gaps, "--split", "odd", models=models)
