from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from desunt.errors import IntegrityError
from desunt.restore.error_model import ErrorModel, nearest_words, read_error_model

PLAIN = ErrorModel(
    {}, match=0.1, case_change=2.0, substitution=4.0, deletion=3.0, insertion=3.0, transposition=3.5, noise=0.05, noise_per_letter=4.0
)
FITTED = ErrorModel({("m", "rn"): 2.0, ("d", "cl"): 2.5, ("h", "li"): 2.5}, 0.1, 2.0, 4.0, 3.0, 3.0, 3.5, 0.05, 4.0)


@pytest.fixture(scope="module")
def ink(root: Path) -> ErrorModel:
    return read_error_model(root / "models" / "confusion.json", "ink")


def test_two_letters_read_for_one_are_one_step() -> None:
    cost, pairs = FITTED.align("Ambassador", "Arnbassador")
    assert ("m", "rn") in pairs
    assert cost == pytest.approx(2.0 + 9 * 0.1)
    assert cost < PLAIN.align("Ambassador", "Arnbassador")[0]


@pytest.mark.parametrize(("text", "ink"), [("Ambassador", "Arnbassador"), ("", "x"), ("of the", "ofthe"), ("SOS", "OSS"), ("a", "a")])
def test_an_alignment_spells_both_sides(text: str, ink: str) -> None:
    _, pairs = FITTED.align(text, ink)
    assert "".join(piece for piece, _ in pairs) == text
    assert "".join(piece for _, piece in pairs) == ink


@pytest.mark.parametrize(
    ("text", "ink", "cost"),
    [("can", "can", 0.3), ("can", "Can", 2.2), ("can", "cat", 4.2), ("can", "cn", 3.2), ("can", "caan", 3.3), ("can", "acn", 3.6)],
)
def test_each_kind_of_edit_has_its_cost(text: str, ink: str, cost: float) -> None:
    assert PLAIN.align(text, ink)[0] == pytest.approx(cost)


def test_unrelated_readings_count_as_noise_and_all_alike() -> None:
    far, farther = PLAIN.log_likelihood("xqzw", "government"), PLAIN.log_likelihood("xqzw", "administration")
    assert far == pytest.approx(math.log(0.05) - 4.0 * 5, abs=0.1)
    assert far == pytest.approx(farther, abs=0.1)


def test_the_likelier_text_explains_the_reading_better() -> None:
    assert FITTED.log_likelihood("Arnbassador", "Ambassador") > FITTED.log_likelihood("Arnbassador", "Ambassadors")
    assert FITTED.log_likelihood("clear", "dear") > PLAIN.log_likelihood("clear", "dear")


def test_confusions_are_undone_one_at_a_time() -> None:
    assert FITTED.corrections("Arnbassador", 5) == ["Ambassador"]
    assert FITTED.corrections("li", 5) == ["h"]
    assert set(FITTED.corrections("rnrn", 5)) == {"mrn", "rnm"}


def test_an_editor_is_told_what_differs() -> None:
    assert FITTED.describe_edits("Ambassador", "Arnbassador") == "m read as rn"
    assert FITTED.describe_edits("can", "cn") == "a not read"
    assert FITTED.describe_edits("can", "can") == ""
    assert FITTED.describe_edits("government", "xqzw") == ""


def test_near_words_are_found_whatever_their_case() -> None:
    words = ["Ambassador", "ambassadors", "embassy", "Stalin"]
    assert nearest_words("AMBASSADOR", words, 5) == ["Ambassador", "ambassadors"]
    assert nearest_words("Arnbassador", words, 1) == ["Ambassador"]


def test_the_fitted_table_knows_what_engines_do(ink: ErrorModel) -> None:
    assert ink.log_likelihood("Arnbassador", "Ambassador") > ink.log_likelihood("Arnbassador", "Embassy")
    assert ink.log_likelihood("opportuaist", "opportunist") > ink.log_likelihood("opportuaist", "opportunism")


def test_the_channels_differ(root: Path, ink: ErrorModel) -> None:
    garbled = read_error_model(root / "models" / "confusion.json", "garbled")
    # A telegraph drops letters and does not take m for rn.
    assert garbled.deletion < ink.deletion
    assert garbled.log_likelihood("modern", "modem") < ink.log_likelihood("modern", "modem")


@pytest.mark.parametrize("content", ["", "{}", '{"channels": {"ink": {"costs": [["a"]]}}}'])
def test_a_damaged_table_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "confusion.json"
    path.write_text(content)
    with pytest.raises(IntegrityError, match=r"confusion\.json.*fit_confusion"):
        read_error_model(path, "ink")


def test_the_shipped_table_holds_no_text_longer_than_two_letters(root: Path) -> None:
    table = json.loads((root / "models" / "confusion.json").read_text())
    assert all(len(text) <= 2 and len(ink) <= 2 for channel in table["channels"].values() for text, ink, _ in channel["costs"])
