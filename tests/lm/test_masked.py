"""Joint probabilities of several masks: the chain rule, whole words, the correction within words, and what loading may meet."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from desunt.errors import DependencyMissing, UsageError
from desunt.lm import Context
from desunt.lm.beam_search import BeamConfig, MaskedSpan, beam_search
from desunt.lm.gap_constraint import GapConstraint, TokenMask, append_token, constraint_for, log_prior, token_counts
from desunt.lm.masked import HuggingFaceMaskPredictor, MaskedModel, load_masked, word_spans
from desunt.lm.vocabulary import decode_byte_token, read_vocabulary, word_mark_of
from desunt.record.document import Extent, Letters
from tests.support.tiny_models import FAMILIES, joint_log_prob, small_masked, small_masked_model

CONTEXT = Context("The ambassador discussed the ", " with Marshal Stalin at the conference.", Extent("word", 1, 1))
EVERYTHING = BeamConfig(num_beams=100_000, last_expansions=100_000, margin=math.inf)


@pytest.fixture(scope="module", params=FAMILIES)
def predictor(request) -> HuggingFaceMaskPredictor:
    return HuggingFaceMaskPredictor(*small_masked(request.param))


def few(count: int, word_range: tuple[int, int]) -> float:
    """A prior that lets fillings of one or two tokens compete alone."""
    return math.log(0.5) if count <= 2 else -math.inf


def test_the_chances_of_all_fillings_add_up_to_less_than_one(predictor):
    constraint = GapConstraint(1, 30, (1, 1))
    scores = beam_search(predictor, *predictor.encode_sides(CONTEXT), constraint, few, EVERYTHING)
    assert len(scores) > 1000
    assert 0.0 < sum(math.exp(score) for score in scores.values()) <= 1.0 + 1e-4


def test_the_beam_finds_what_trying_everything_finds(predictor):
    """Two masks, every pair of tokens: the same texts with the same probabilities."""
    left, right = predictor.encode_sides(CONTEXT)
    vocabulary, constraint = predictor.vocabulary, GapConstraint(3, 4, (1, 1))
    found = beam_search(predictor, left, right, constraint, few, EVERYTHING)
    fits = TokenMask(constraint, vocabulary).fits
    first = predictor.predict([MaskedSpan(left, (), 2, right)])[0]
    single = predictor.predict([MaskedSpan(left, (), 1, right)])[0]
    starts = np.flatnonzero(vocabulary.word_start)
    tried = {vocabulary.texts[n]: math.log(0.5) + single[n] for n in starts if fits(vocabulary.texts[n])}
    second = predictor.predict([MaskedSpan(left, (int(n),), 2, right) for n in starts])
    for row, n in zip(second, starts, strict=True):
        for m in np.flatnonzero(vocabulary.word_inside):
            text = vocabulary.texts[n] + vocabulary.texts[m]
            if fits(text):
                tried[text] = np.logaddexp(tried.get(text, -np.inf), math.log(0.5) + first[n] + row[m])
    assert found.keys() == tried.keys()
    assert [found[text] for text in sorted(found)] == pytest.approx([tried[text] for text in sorted(found)], abs=1e-3)


def test_a_joint_score_is_no_product_of_marginals(predictor):
    left, right = predictor.encode_sides(CONTEXT)
    pairs = itertools.product(np.flatnonzero(predictor.vocabulary.word_start)[:5], np.flatnonzero(predictor.vocabulary.word_inside)[:5])
    fillings = [(int(a), int(b)) for a, b in pairs]
    chain = [joint_log_prob(predictor, left, right, filling) for filling in fillings]
    first = predictor.predict([MaskedSpan(left, (), 2, right)])[0]
    second = predictor.predict([MaskedSpan((*left, predictor.tokenizer.mask_token_id), (), 1, right)])[0]
    marginals = [float(first[a] + second[b]) for a, b in fillings]
    assert max(abs(c - m) for c, m in zip(chain, marginals, strict=True)) > 0.01
    conditional = predictor.predict([MaskedSpan(left, (a,), 2, right) for a, _ in fillings])
    assert chain == pytest.approx([float(first[a] + row[b]) for (a, b), row in zip(fillings, conditional, strict=True)], abs=1e-4)


def test_the_head_runs_at_the_mask_alone_and_gives_what_the_whole_model_gives(predictor):
    left, right = predictor.encode_sides(CONTEXT)
    span = MaskedSpan(left, (int(np.flatnonzero(predictor.vocabulary.word_start)[0]),), 3, right)
    row = predictor._input_ids(span)
    with torch.inference_mode():
        logits = predictor.model(input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.long)).logits
    place = row.index(predictor.tokenizer.mask_token_id)
    assert predictor.predict([span])[0] == pytest.approx(logits[0, place].log_softmax(-1).numpy(), abs=1e-4)


def test_rows_of_unequal_length_do_not_disturb_each_other(predictor):
    left, right = predictor.encode_sides(CONTEXT)
    spans = [MaskedSpan(left, (), 1, right), MaskedSpan(left[-2:], (), 3, right), MaskedSpan(left, (), 2, right[:1])]
    together = predictor.predict(spans)
    for span, row in zip(spans, together, strict=True):
        assert row == pytest.approx(predictor.predict([span])[0], abs=1e-3)


def test_a_long_context_is_cut_round_the_gap(predictor):
    context = Context("The Soviet Government said that " * 80, " and the port of Dairen" * 80)
    left, right = predictor.encode_sides(context)
    assert len(left) == len(right) == predictor.max_tokens_a_side
    assert left[-1] == predictor._encode("that")[-1] or predictor.vocabulary.has_space_prefix
    assert np.isfinite(predictor.predict([MaskedSpan(left, (), 8, right)])).all()


def test_within_a_word_later_tokens_are_masked_when_an_earlier_one_is_scored(predictor):
    """Kauf & Ivanova's correction: for one word the score is the chain rule's, whatever its tokens."""
    model = small_masked_model(FAMILIES[0])
    predictor = model.predictor
    left, right = predictor.encode_sides(CONTEXT)
    for text in ("agreement", "xylograph", "port"):
        filling = predictor.encode_filling(CONTEXT, text)
        expected = joint_log_prob(predictor, left, right, filling) + log_prior(len(filling), (1, 5))
        assert model.score(CONTEXT, [text])[0] == pytest.approx(expected, abs=1e-3)


def test_other_words_are_seen_when_a_word_is_scored():
    model = small_masked_model("bert")
    predictor = model.predictor
    left, right = predictor.encode_sides(CONTEXT)
    a, b = predictor.encode_filling(CONTEXT, "port"), predictor.encode_filling(CONTEXT, "treaty")
    assert word_spans(a + b, predictor.vocabulary) == [(0, len(a)), (len(a), len(a) + len(b))]
    joint = joint_log_prob(predictor, left, b + right, a) + joint_log_prob(predictor, left + a, right, b)
    expected = joint + log_prior(len(a + b), (1, 5))
    assert model.score(CONTEXT, ["port treaty"])[0] == pytest.approx(expected, abs=1e-3)


def test_an_uncased_model_proposes_lower_case():
    [fillings] = small_masked_model("bert").propose([Context("Marshal ", " said", Extent("character", 4, 8), Letters("S", ""))], 20)
    assert fillings
    assert all(filling.text == filling.text.lower() for filling in fillings)


def test_a_model_is_loaded_from_its_folder(tmp_path):
    model, tokenizer = small_masked("bert")
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = load_masked(str(tmp_path), torch.float32)
    expected = MaskedModel(HuggingFaceMaskPredictor(model, tokenizer), lambda: loaded.ref)
    assert loaded.propose([CONTEXT], 5) == expected.propose([CONTEXT], 5)
    assert loaded.ref.name == str(tmp_path)
    assert len(loaded.ref.sha256) == 64


def test_a_model_that_is_not_here_is_a_missing_dependency():
    with pytest.raises(DependencyMissing, match="hf download desunt/no-such-model"):
        load_masked("desunt/no-such-model")


def test_a_folder_without_a_model_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no complete masked language model"):
        load_masked(str(tmp_path))


# The vocabulary and the constraint -------------------------------------------------

BYTES = ["Ġthe", "Ġpro", "posal", "s", "'", "âĢĻ", "Ġ(", ",", "Ċ", "é", "Ã©", "Ġ1945", "###", "ĠS", "talin"]


def test_conventions_are_told_from_the_tokens():
    assert word_mark_of(["the", "##re", "##a"]) == "##"
    assert word_mark_of(BYTES) == "Ġ"
    assert word_mark_of(["▁the", "re"]) == "▁"


def test_tokens_of_byte_level_vocabularies():
    vocabulary = read_vocabulary([*BYTES, "<s>"], [len(BYTES)])
    named = dict(zip(BYTES, range(len(BYTES)), strict=True))
    assert vocabulary.texts[named["âĢĻ"]] == "’"
    assert [t for t in BYTES if vocabulary.word_start[named[t]]] == ["Ġthe", "Ġpro", "Ġ1945", "ĠS"]
    assert [t for t in BYTES if vocabulary.word_inside[named[t]]] == ["posal", "s", "'", "âĢĻ", "Ã©", "talin"]
    assert [t for t in BYTES if vocabulary.punctuation[named[t]]] == ["âĢĻ", ","]
    assert not vocabulary.lowercase_only
    assert vocabulary.texts[-1] == ""
    assert decode_byte_token("é") == ""  # half of a character


@pytest.mark.parametrize(
    ("context", "constraint"),
    [
        (Context("the ", " of", Extent("character", 8, 10)), GapConstraint(8, 10, (1, 5))),
        (Context("the ", " of", Extent("character", 2, 3), Letters("St", "n")), GapConstraint(5, 6, (1, 4), "St", "n")),
        (Context("the (", ") of", Extent("word", 2, 3)), GapConstraint(1, 69, (2, 3), no_space_before=True)),
        (Context("the ", " of"), GapConstraint(1, 36, (1, 3))),
        (Context("the ", "", Extent("line", 0, 1)), GapConstraint(1, 36, (1, 3))),
        (Context("the ", "", Extent("word", 9, None)), GapConstraint(1, 115, (5, 5))),
    ],
)
def test_constraints(context, constraint):
    assert constraint_for(context) == constraint


def test_what_fits():
    constraint = GapConstraint(5, 6, (1, 1), "St", "n")
    cased, uncased = TokenMask(constraint, read_vocabulary(BYTES)), TokenMask(constraint, read_vocabulary(["the", "##re"]))
    assert cased.fits("Stalin")
    assert not cased.fits("stalin")
    assert uncased.fits("stalin")
    assert not cased.fits("Stalins")
    assert not cased.fits("St a n")
    assert constraint.without_letters("Stalin") == "ali"


def test_tokens_that_may_follow():
    vocabulary = read_vocabulary(BYTES)
    row = np.zeros(len(vocabulary), dtype=np.float32)
    token_mask = TokenMask(GapConstraint(6, 6, (1, 1), "S", "lin"), vocabulary)
    assert [BYTES[n] for n in token_mask.top_k(row, "", 10)] == ["ĠS"]
    assert [BYTES[n] for n in token_mask.top_k(row, "S", 10, last=True)] == ["talin"]
    free = TokenMask(GapConstraint(3, 12, (1, 2)), vocabulary)
    assert {BYTES[n] for n in free.top_k(row, "the", 10)} == {"Ġthe", "Ġpro", "Ġ1945", "ĠS", "posal", "s", "'", "âĢĻ", "Ã©", "talin"}
    assert append_token("the", BYTES.index("Ġpro"), vocabulary) == "the pro"
    assert append_token("pro", BYTES.index("posal"), vocabulary) == "proposal"


def test_priors_add_up_to_one_over_the_numbers_of_tokens():
    for words in ((1, 1), (2, 2), (1, 3), (1, 5)):
        assert sum(math.exp(log_prior(count, words)) for count in range(1, 60)) == pytest.approx(1.0, abs=1e-6)
    assert log_prior(1, (2, 2)) == -math.inf


def test_numbers_of_tokens_follow_the_length():
    assert token_counts(GapConstraint(2, 4, (1, 2))) == [1, 2]
    assert token_counts(GapConstraint(8, 10, (1, 5))) == [1, 2]
    assert token_counts(GapConstraint(10, 12, (1, 5))) == [1, 2, 3, 4]
    assert token_counts(GapConstraint(17, 19, (1, 5))) == [2, 3, 4, 5]
    assert token_counts(GapConstraint(1, 60, (2, 3))) == [2, 3, 4]
