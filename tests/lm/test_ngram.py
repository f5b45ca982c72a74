from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from desunt.lm import Context
from desunt.lm.ngram import NgramModel, load_ngram_baseline
from desunt.record.document import Extent, Letters

TEXTS = [
    "The Ambassador informed the Department that Stalin agreed to the proposal.",
    "The Ambassador told the Minister that the Department agreed to the plan.",
    "Stalin told the Ambassador that the port should be free.",
    "The Department told the Ambassador that the railroad should be free.",
] * 3


@pytest.fixture(scope="module")
def model() -> NgramModel:
    return NgramModel.train(TEXTS, min_count={2: 1, 3: 1, 4: 1})


def test_probabilities_of_all_next_words_add_up_to_one(model: NgramModel) -> None:
    words = np.arange(len(model.words))
    for first, second in ((0, 0), (1, 2), (2, 0)):
        assert np.exp(model.log_prob(first, second, words)).sum() == pytest.approx(1.0, abs=1e-6)


def test_both_sides_are_read(model: NgramModel) -> None:
    agreed, free = (model.propose([Context("that the ", after)], 3)[0] for after in (" agreed to", " should be"))
    assert agreed[0].text == "Department"
    assert {f.text for f in free[:2]} == {"port", "railroad"}


def test_fillings_are_best_first_within_the_extent_and_scored_alike(model: NgramModel) -> None:
    context = Context("the port ", " free.", Extent("character", 8, 10))
    found = model.propose([context], 10)[0]
    assert found[0].text == "should be"
    assert all(8 <= len(f.text) <= 10 for f in found)
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert model.score(context, [f.text for f in found]) == pytest.approx([f.score for f in found], abs=1e-4)


def test_surviving_letters_bind(model: NgramModel) -> None:
    found = model.propose([Context("The ", " told the Minister", Extent("character", 6, 6), Letters("Amb", "r"))], 5)[0]
    assert [f.text for f in found] == ["assado"]


def test_a_saved_model_is_the_same_model(model: NgramModel, tmp_path: Path) -> None:
    model.save(tmp_path / "ngram.npz")
    again = NgramModel.load(tmp_path / "ngram.npz")
    context = Context("Stalin ", " to the", Extent("word", 1, 1))
    assert again.propose([context], 9) == model.propose([context], 9)
    assert again.ref == model.ref


def test_unknown_words_do_not_stop_it(model: NgramModel) -> None:
    assert model.propose([Context("Qwfp xzzy ", " jklm")], 3)[0]
    assert model.score(Context("", ""), ["zzz", "the"])[0] < model.score(Context("", ""), ["zzz", "the"])[1]


def test_a_model_of_ones_own_outranks_the_shipped_one(tmp_path: Path) -> None:
    shipped = load_ngram_baseline("ngram", None, True)
    assert len(shipped.words) > 50_000
    NgramModel.train(TEXTS).save(tmp_path / "ngram.npz")
    own = load_ngram_baseline("ngram", tmp_path, True)
    assert own.ref.name == "ngram"
    assert own.ref.sha256 != shipped.ref.sha256


def test_an_ngram_that_was_dropped_as_rare_leaves_its_share_to_shorter_ones() -> None:
    texts = ["a b c"] * 2 + [f"a b {word}" for word in "defghijk"]
    dropped, all_kept = (NgramModel.train(texts, min_count={2: 1, 3: least, 4: 1}) for least in (2, 1))
    numbers = {word: number for number, word in enumerate(dropped.words)}
    shares = [float(np.exp(model.log_prob(0, numbers["a"], numbers["b"], numbers["c"]))[0]) for model in (dropped, all_kept)]
    assert shares[0] == pytest.approx(shares[1], abs=0.1)
    assert shares[0] < 0.35
