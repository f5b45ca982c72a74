"""Redactions found against redactions marked: what counts as found, as wrong, and as filled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from desunt.cli import app
from desunt.errors import InputError
from desunt.evaluate.redactions import MarkedRedaction, evaluate_redactions, format_scores, read_marks, score_page
from desunt.record.document import Box, Gap, Line, Page, Reason, Region
from tests.support.rendered_pages import letter_page

BAR, FAR = Box(100, 100, 300, 130), Box(100, 500, 300, 530)


def page_of(*gaps: tuple[Box, Reason]) -> tuple[Page, ...]:
    tokens = tuple(Gap(str(number), box, None, reason) for number, (box, reason) in enumerate(gaps))
    return (Page(1, None, (Region("r", "body", None, (Line("l", None, tokens),)),)),)


def test_found_is_what_overlaps_by_half() -> None:
    near, half = Box(110, 100, 310, 130), Box(200, 100, 400, 130)
    assert score_page("p", [MarkedRedaction(BAR, "black")], page_of((near, "withheld"))).found == ((MarkedRedaction(BAR, "black"), True),)
    assert score_page("p", [MarkedRedaction(BAR, "black")], page_of((half, "withheld"))).found == ((MarkedRedaction(BAR, "black"), False),)


def test_one_box_finds_one_redaction_and_the_better_overlap_wins() -> None:
    first, second = MarkedRedaction(BAR, "black"), MarkedRedaction(Box(100, 100, 280, 130), "black")
    score = score_page("p", [second, first], page_of((BAR, "withheld")))
    assert dict(score.found) == {first: True, second: False}


def test_a_bar_in_pieces_is_missed_but_its_pieces_are_not_wrong() -> None:
    pieces = [(Box(100, 100, 190, 130), "withheld"), (Box(210, 100, 300, 130), "withheld")]
    score = score_page("p", [MarkedRedaction(BAR, "felt")], page_of(*pieces))
    assert [hit for _, hit in score.found] == [False]
    assert score.wrong == ()


def test_what_is_found_where_nothing_is_marked_is_wrong() -> None:
    assert score_page("p", [MarkedRedaction(BAR, "black")], page_of((BAR, "withheld"), (FAR, "withheld"))).wrong == (FAR,)
    assert score_page("p", [], page_of((FAR, "illegible"))).wrong == ()


def test_an_unsure_mark_is_neither_missed_nor_wrong() -> None:
    unsure = MarkedRedaction(BAR, "felt", sure=False)
    assert score_page("p", [unsure], page_of()).found == ()
    assert score_page("p", [unsure], page_of((BAR, "withheld"))).wrong == ()


def test_a_gap_that_may_be_filled_within_a_redaction_is_told() -> None:
    assert score_page("p", [MarkedRedaction(BAR, "felt")], page_of((Box(120, 100, 200, 130), "illegible"))).filled == (
        Box(120, 100, 200, 130),
    )


def test_the_table_counts_by_kind() -> None:
    one = score_page("a", [MarkedRedaction(BAR, "black"), MarkedRedaction(FAR, "felt")], page_of((BAR, "withheld")))
    two = score_page("b", [], page_of((FAR, "withheld")))
    table = format_scores([one, two])
    assert "| all | 2 | 50.0%" in table
    assert "| black | 1 | 100.0%" in table
    assert "| felt | 1 | 0.0%" in table
    assert "withheld: 0.50" in table


@pytest.mark.parametrize("content", ["[]", '{"a": 1}', '{"a": {"boxes": [{"box": [3, 1, 1, 4]}]}}', "no JSON"])
def test_a_file_of_another_form_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "marks.json").write_text(content)
    with pytest.raises(InputError, match=r"marks\.json"):
        read_marks(tmp_path / "marks.json")


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="page-7"):
        evaluate_redactions(tmp_path, {"page-7": ()}, lambda _: ())


def test_the_command_finds_a_black_bar_on_a_page(tmp_path: Path) -> None:
    image = letter_page("The Ambassador informed the Minister of\nthe arrival of the delegation in Moscow\nand asked for an early answer.")
    image = image.convert("L")
    inked = np.flatnonzero((np.asarray(image) < 128).any(axis=1))
    # The first line ends where the first row without ink below it is.
    last = inked[np.flatnonzero(np.diff(inked) > 1)[0]]
    bar = Box(image.width // 3, int(inked[0]) - 4, image.width // 2, int(last) + 4)
    image.paste(0, (bar.left, bar.top, bar.right, bar.bottom))
    image.save(tmp_path / "page.png", dpi=(300, 300))
    marks = {"page": {"boxes": [{"box": [bar.left, bar.top, bar.right, bar.bottom], "kind": "black", "sure": True}]}}
    (tmp_path / "marks.json").write_text(json.dumps(marks))
    shown = CliRunner().invoke(app, ["evaluate", "withheld", str(tmp_path), "--marks", str(tmp_path / "marks.json")])
    assert shown.exit_code == 0, shown.output
    assert "| black | 1 | 100.0%" in shown.output
