"""The Python interface: the text is diplomatic, guesses come only when called for, and the examples of docs/api.md run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import desunt
from desunt.errors import InputError
from desunt.record.conjecture import CONJECTURE_LABEL, Decision
from desunt.record.files import write_decisions, write_record
from tests.support.records import sample_record, sample_transcript

DECISIONS = {"g1": Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z")}


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    for name, record in (("letter", sample_record()), ("cable", sample_transcript())):
        write_record(record, tmp_path / "outputs" / name)
    return tmp_path / "outputs"


def test_text_pages_and_gaps_are_what_the_page_says(outputs):
    document = desunt.open(outputs / "letter")
    truth = sample_record().document
    assert document.text == truth.text
    assert [line for page in document.pages for line in page.lines] == [line.text for page in truth.pages for line in page.lines]
    assert [gap.id for gap in document.gaps] == [gap.id for gap in truth.gaps]
    assert document.gaps[0].before.endswith("The")
    assert document.title == "A *letter* & <b>more</b>"


def test_nothing_holds_a_guess_until_it_is_called_for(outputs):
    write_decisions(replace(sample_record(), decisions=DECISIONS), outputs / "letter")
    document = desunt.open(outputs / "letter")
    free = [getattr(document, name) for name in dir(document) if not name.startswith("_") and not callable(getattr(document, name))]
    assert len(free) == 6
    assert not [one for one in (*free, repr(document)) if "quondam" in str(one) or "zephyr" in str(one)]


def test_conjectures_carry_their_label_and_provenance(outputs):
    first, *others = desunt.open(outputs / "letter").conjectures()
    assert str(first).startswith(f"{CONJECTURE_LABEL}: quondam (62.0 %; a-model revision-1; desunt ")
    assert f"{first}" == str(first)
    assert (first.rank, first.none_of_these, first.gap.printed) == (1, 0.17, "[ILLEGIBLE]")
    refused = next(one for one in others if one.text == "zephyr")
    assert str(refused).startswith(f"{CONJECTURE_LABEL}, not offered: zephyr")
    assert refused.refusal == "candidates too close: the first two have 11% and 10%"


def test_readings_of_editors_say_whose_and_on_what_basis(outputs):
    assert desunt.open(outputs / "letter").readings_of_editors() == ()
    write_decisions(replace(sample_record(), decisions=DECISIONS), outputs / "letter")
    (reading,) = desunt.open(outputs / "letter").readings_of_editors()
    assert str(reading) == f"{CONJECTURE_LABEL}, accepted: quondam (for [ILLEGIBLE]: M. Editor, 2024-05-01T10:00:00Z)"


def test_documents_come_in_order_and_a_missing_folder_is_named(outputs, tmp_path):
    assert [document.id for document in desunt.documents(outputs)] == ["cable.txt", "letter.tif"]
    assert desunt.open(outputs / "cable" / "record.json").text == sample_transcript().document.text
    with pytest.raises(InputError, match="no results here"):
        desunt.documents(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"record\.json: no such file"):
        desunt.open(tmp_path)


def test_import_is_light():
    heavy = "torch", "cv2", "numpy", "pydantic", "lxml", "PIL", "pikepdf", "jinja2", "sqlalchemy", "fontTools"
    code = f"import sys, desunt; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def examples(root: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (root / "docs" / "api.md").read_text("utf-8"), re.DOTALL)


def test_examples_of_the_documentation_run(root, outputs):
    def run(number: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", examples(root)[number]], cwd=outputs.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert len(examples(root)) == 3
    assert "('letter.tif', 1)" in run(0)
    names, supposed = run(1).splitlines()
    assert "'Darien'" in names
    assert supposed == "[]", "none of the samples' candidates is a name"
    run(2)
    corpus = (outputs.parent / "corpus.jsonl").read_text("utf-8")
    assert [json.loads(line)["id"] for line in corpus.splitlines()] == ["cable.txt", "letter.tif"]
    assert not [guess for guess in ("quondam", "quorum", "zephyr", "lease") if guess in corpus]


def test_search_for_a_guess_finds_nothing(root, outputs):
    code = examples(root)[0] + "\nprint(search('quondam'), search('zephyr'))\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=outputs.parent, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] []"


def test_documentation_names_everything_public(root):
    text = (root / "docs" / "api.md").read_text("utf-8")
    for name in desunt.__all__[1:]:
        assert f"`desunt.{name}(" in text
    for name in dir(desunt.export.api.DocumentView):
        assert name.startswith("_") or re.search(rf"`document\.{name}\b", text), name
