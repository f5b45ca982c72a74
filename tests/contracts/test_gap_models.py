"""What every GapModel keeps to, whatever its architecture."""

from __future__ import annotations

import math

import pytest

from desunt.lm import MODELS, Context, GapModel, load_model
from desunt.lm.lexicon import Lexicon
from desunt.lm.ngram import NgramModel
from desunt.record.document import Extent, Gap, Letters
from desunt.restore import restore
from desunt.restore.gap_query import GapQuery
from tests.support.tiny_models import FAMILIES, SENTENCES, small_embedded, small_masked, small_masked_model

MEMBERS = (*FAMILIES, "causal", "embedded", "ngram")
BEFORE, AFTER = "The ambassador discussed the ", " with Marshal Stalin at the conference."
CONTEXTS = [
    Context(BEFORE, AFTER, Extent("character", 4, 6)),
    Context(BEFORE, AFTER, Extent("word", 2, 2)),
    Context(BEFORE, AFTER),
    Context("", AFTER, Extent("character", 3, 5)),
    Context("The Soviet Government will not object to the ", "", Extent("word", 1, 2)),
    Context("Telegrams from the embassy (", ") were resumed", Extent("character", 2, 7)),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return small_embedded(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module", params=MEMBERS)
def model(request, small) -> GapModel:
    if request.param in FAMILIES:
        return small_masked_model(request.param)
    if request.param == "ngram":
        return NgramModel.train(SENTENCES, min_count={2: 1, 3: 1, 4: 1})
    return small.causal if request.param == "causal" else small.model


def test_a_list_a_gap_best_first_and_no_text_twice(model):
    proposals = model.propose(CONTEXTS, 15)
    assert len(proposals) == len(CONTEXTS)
    assert any(len(fillings) == 15 for fillings in proposals)
    for fillings in proposals:
        scores = [filling.score for filling in fillings]
        assert len(fillings) <= 15
        assert scores == sorted(scores, reverse=True)
        assert all(math.isfinite(score) and score < 0 for score in scores)
        assert len({filling.text for filling in fillings}) == len(fillings)


def test_fillings_keep_to_the_extent(model):
    for context, fillings in zip(CONTEXTS, model.propose(CONTEXTS, 40), strict=True):
        extent = context.extent
        for filling in fillings:
            text = filling.text
            assert text == " ".join(text.split())
            if extent is None:
                continue
            count = len(text) if extent.unit == "character" else len(text.split())
            assert extent.least <= count <= extent.most, text


@pytest.mark.parametrize(("letters", "least", "most"), [(Letters("St", ""), 2, 5), (Letters("", "n"), 1, 6), (Letters("c", "e"), 2, 9)])
def test_surviving_letters_stand_outside_the_filling(model, letters, least, most):
    extent = Extent("character", least, most)
    [fillings] = model.propose([Context("The ambassador discussed the ", " with the minister", extent, letters)], 30)
    for filling in fillings:
        assert least <= len(filling.text) <= most
        whole = f"{letters.before}{filling.text}{letters.after}"
        assert filling.text.strip()
        assert whole == " ".join(whole.split())


def test_the_same_batch_gives_the_same_result(model):
    assert model.propose(CONTEXTS, 20) == model.propose(CONTEXTS, 20)


def test_a_gap_in_a_batch_is_filled_as_it_is_alone(model):
    alone = [model.propose([context], 20)[0] for context in CONTEXTS]
    for first, second in zip(model.propose(CONTEXTS, 20), alone, strict=True):
        assert [f.text for f in first] == [f.text for f in second]
        assert [f.score for f in first] == pytest.approx([f.score for f in second], abs=1e-4)


def test_scores_come_in_the_order_of_the_texts(model):
    texts = ["agreement", "port", "Soviet Union", "xyzzy", "non-military"]
    for context in (CONTEXTS[2], CONTEXTS[4]):
        scores = model.score(context, texts)
        backwards = model.score(context, texts[::-1])
        assert len(scores) == len(texts)
        assert all(math.isfinite(score) for score in scores)
        assert scores == pytest.approx(backwards[::-1], abs=1e-3)


def test_no_gaps_and_no_texts(model):
    assert model.propose([], 5) == []
    assert model.score(CONTEXTS[0], []) == []


def test_the_model_says_what_it_is(model):
    ref = model.ref
    assert ref.name
    assert ref.revision
    assert len(ref.sha256) == 64


WORDS = {word.strip(".,;").casefold(): word.strip(".,;") for sentence in SENTENCES for word in sentence.split()[1:]}
LEXICON = Lexicon(dict.fromkeys(WORDS, 1000), WORDS, 100_000)
KNOWN = Extent("character", 4, 6)


def test_every_name_of_the_table_is_under_contract():
    assert set(MODELS) <= set(MEMBERS)


def test_restore_asks_every_model_alike(model):
    gaps = [
        Gap("a", None, KNOWN, "illegible"),
        Gap("b", None, Extent("word", 2, 2), "illegible"),
        Gap("c", None, None, "illegible", continues=False),
        Gap("d", None, KNOWN, "illegible", "Sta1in"),
        Gap("e", None, KNOWN, "withheld"),
    ]
    opinions = restore([GapQuery(gap, BEFORE, AFTER) for gap in gaps], model, lexicon=LEXICON, limit=80)
    assert [opinion.gap_id for opinion in opinions] == list("abcde")
    assert not opinions[-1].candidates
    for gap, opinion in zip(gaps, opinions, strict=True):
        shown = [candidate.probability for candidate in opinion.candidates]
        assert shown == sorted(shown, reverse=True)
        assert sum(shown) + opinion.none_of_these == pytest.approx(1.0, abs=1e-9)
        assert len({candidate.text.casefold() for candidate in opinion.candidates}) == len(shown)
        assert bool(shown) == (gap.reason != "withheld")
    # Whatever the model makes of it, readings near the ink compete.
    assert "Stalin" in [candidate.text for candidate in opinions[3].candidates]


def test_capitals_are_restored_whether_the_model_knows_them_or_not(model):
    [loud] = restore([GapQuery(Gap("a", None, KNOWN, "illegible"), BEFORE.upper(), AFTER.upper())], model, lexicon=LEXICON)
    assert loud.candidates
    assert all(candidate.text == candidate.text.upper() for candidate in loud.candidates)
    [opening] = restore(
        [GapQuery(Gap("a", None, KNOWN, "illegible"), "The treaty was signed. ", " telegrams were resumed.")], model, lexicon=LEXICON
    )
    assert all(candidate.text[0] == candidate.text[0].upper() for candidate in opening.candidates)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_masked_model_comes_from_its_folder_through_the_table(family, tmp_path):
    network, tokenizer = small_masked(family)
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path), rescore=False)
    assert loaded.ref.name == str(tmp_path)
    texts, made = ([filling.text for filling in one.propose(CONTEXTS[:1], 40)[0]] for one in (loaded, small_masked_model(family)))
    # The working precision may swap neighbours; the vocabulary, the masks and the shape are the same.
    assert len(set(texts) & set(made)) >= 30
    assert loaded.score(CONTEXTS[0], ["port"])[0] == pytest.approx(small_masked_model(family).score(CONTEXTS[0], ["port"])[0], rel=0.1)


def test_the_baseline_comes_from_the_models_folder_through_the_table(tmp_path):
    trained = NgramModel.train(SENTENCES, min_count={2: 1, 3: 1, 4: 1})
    trained.save(tmp_path / "ngram.npz")
    assert load_model("ngram", models=tmp_path).propose(CONTEXTS, 9) == trained.propose(CONTEXTS, 9)
