"""Joint probabilities of several masks: the chain rule, whole words, the correction within words, and what loading may meet."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from desunt.errors import DependencyMissing, UsageError
from desunt.lm import Context
from desunt.lm.beam_search import Breadth, Slots, fill, joint
from desunt.lm.gap_constraint import Allowed, Shape, grown, log_prior, piece_counts, shape_of
from desunt.lm.masked import HuggingFaceReader, MaskedModel, load_masked, words_of
from desunt.lm.vocabulary import convention_of, from_bytes, read_pieces
from desunt.record.document import Extent, Letters
from tests.support.tiny_models import FAMILIES, small_masked, small_masked_model

CONTEXT = Context("The ambassador discussed the ", " with Marshal Stalin at the conference.", Extent("word", 1, 1))
EVERYTHING = Breadth(beams=100_000, last=100_000, margin=math.inf)


@pytest.fixture(scope="module", params=FAMILIES)
def reader(request) -> HuggingFaceReader:
    return HuggingFaceReader(*small_masked(request.param))


def few(count: int, words: tuple[int, int]) -> float:
    """A prior that lets fillings of one or two pieces compete alone."""
    return math.log(0.5) if count <= 2 else -math.inf


def test_the_chances_of_all_fillings_add_up_to_less_than_one(reader):
    shape = Shape(1, 30, (1, 1))
    whole = fill(reader, *reader.sides(CONTEXT), shape, few, EVERYTHING)
    assert len(whole) > 1000
    assert 0.0 < sum(math.exp(score) for score in whole.values()) <= 1.0 + 1e-4


def test_the_beam_finds_what_trying_everything_finds(reader):
    """Two masks, every pair of pieces: the same texts with the same probabilities."""
    left, right = reader.sides(CONTEXT)
    pieces, shape = reader.pieces, Shape(3, 4, (1, 1))
    found = fill(reader, left, right, shape, few, EVERYTHING)
    first = reader.read([Slots(left, (), 2, right)])[0]
    single = reader.read([Slots(left, (), 1, right)])[0]
    starts = np.flatnonzero(pieces.starts)
    tried = {pieces.texts[n]: math.log(0.5) + single[n] for n in starts if shape.fits(pieces.texts[n], lower=pieces.lower)}
    second = reader.read([Slots(left, (int(n),), 2, right) for n in starts])
    for row, n in zip(second, starts, strict=True):
        for m in np.flatnonzero(pieces.continues):
            text = pieces.texts[n] + pieces.texts[m]
            if shape.fits(text, lower=pieces.lower):
                tried[text] = np.logaddexp(tried.get(text, -np.inf), math.log(0.5) + first[n] + row[m])
    assert found.keys() == tried.keys()
    assert [found[text] for text in sorted(found)] == pytest.approx([tried[text] for text in sorted(found)], abs=1e-3)


def test_a_joint_score_is_no_product_of_marginals(reader):
    left, right = reader.sides(CONTEXT)
    pairs = itertools.product(np.flatnonzero(reader.pieces.starts)[:5], np.flatnonzero(reader.pieces.continues)[:5])
    fillings = [(int(a), int(b)) for a, b in pairs]
    chain = joint(reader, left, right, fillings)
    first = reader.read([Slots(left, (), 2, right)])[0]
    second = reader.read([Slots((*left, reader.tokenizer.mask_token_id), (), 1, right)])[0]
    marginals = [float(first[a] + second[b]) for a, b in fillings]
    assert max(abs(c - m) for c, m in zip(chain, marginals, strict=True)) > 0.01
    conditional = reader.read([Slots(left, (a,), 2, right) for a, _ in fillings])
    assert chain == pytest.approx([float(first[a] + row[b]) for (a, b), row in zip(fillings, conditional, strict=True)], abs=1e-4)


def test_the_head_runs_at_the_mask_alone_and_gives_what_the_whole_model_gives(reader):
    left, right = reader.sides(CONTEXT)
    slots = Slots(left, (int(np.flatnonzero(reader.pieces.starts)[0]),), 3, right)
    row = reader._row(slots)
    with torch.inference_mode():
        logits = reader.model(input_ids=torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.long)).logits
    place = row.index(reader.tokenizer.mask_token_id)
    assert reader.read([slots])[0] == pytest.approx(logits[0, place].log_softmax(-1).numpy(), abs=1e-4)


def test_rows_of_unequal_length_do_not_disturb_each_other(reader):
    left, right = reader.sides(CONTEXT)
    slots = [Slots(left, (), 1, right), Slots(left[-2:], (), 3, right), Slots(left, (), 2, right[:1])]
    together = reader.read(slots)
    for one, row in zip(slots, together, strict=True):
        assert row == pytest.approx(reader.read([one])[0], abs=1e-3)


def test_a_long_context_is_cut_round_the_gap(reader):
    context = Context("The Soviet Government said that " * 80, " and the port of Dairen" * 80)
    left, right = reader.sides(context)
    assert len(left) == len(right) == reader.around
    assert left[-1] == reader._tokens("that")[-1] or reader.pieces.spaced
    assert np.isfinite(reader.read([Slots(left, (), 8, right)])).all()


def test_within_a_word_later_pieces_are_masked_when_an_earlier_one_is_scored(reader):
    """Kauf & Ivanova's correction: for one word the score is the chain rule's, whatever its pieces."""
    model = small_masked_model(FAMILIES[0])
    reader = model.reader
    left, right = reader.sides(CONTEXT)
    for text in ("agreement", "xylograph", "port"):
        filling = reader.filling(CONTEXT, text)
        expected = joint(reader, left, right, [filling])[0] + log_prior(len(filling), (1, 5))
        assert model.score(CONTEXT, [text])[0] == pytest.approx(expected, abs=1e-3)


def test_other_words_are_seen_when_a_word_is_scored():
    model = small_masked_model("bert")
    reader = model.reader
    left, right = reader.sides(CONTEXT)
    a, b = reader.filling(CONTEXT, "port"), reader.filling(CONTEXT, "treaty")
    assert words_of(a + b, reader.pieces) == [(0, len(a)), (len(a), len(a) + len(b))]
    expected = joint(reader, left, b + right, [a])[0] + joint(reader, left + a, right, [b])[0] + log_prior(len(a + b), (1, 5))
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
    expected = MaskedModel(HuggingFaceReader(model, tokenizer), lambda: loaded.ref)
    assert loaded.propose([CONTEXT], 5) == expected.propose([CONTEXT], 5)
    assert loaded.ref.name == str(tmp_path)
    assert len(loaded.ref.sha256) == 64


def test_a_model_that_is_not_here_is_a_missing_dependency():
    with pytest.raises(DependencyMissing, match="hf download desunt/no-such-model"):
        load_masked("desunt/no-such-model")


def test_a_folder_without_a_model_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no complete masked language model"):
        load_masked(str(tmp_path))


# The vocabulary and the shape -------------------------------------------------

BYTES = ["Ġthe", "Ġpro", "posal", "s", "'", "âĢĻ", "Ġ(", ",", "Ċ", "é", "Ã©", "Ġ1945", "###", "ĠS", "talin"]


def test_conventions_are_told_from_the_tokens():
    assert convention_of(["the", "##re", "##a"]) == "##"
    assert convention_of(BYTES) == "Ġ"
    assert convention_of(["▁the", "re"]) == "▁"


def test_pieces_of_byte_level_vocabularies():
    pieces = read_pieces([*BYTES, "<s>"], [len(BYTES)])
    named = dict(zip(BYTES, range(len(BYTES)), strict=True))
    assert pieces.texts[named["âĢĻ"]] == "’"
    assert [t for t in BYTES if pieces.starts[named[t]]] == ["Ġthe", "Ġpro", "Ġ1945", "ĠS"]
    assert [t for t in BYTES if pieces.continues[named[t]]] == ["posal", "s", "'", "âĢĻ", "Ã©", "talin"]
    assert [t for t in BYTES if pieces.stops[named[t]]] == ["âĢĻ", ","]
    assert not pieces.lower
    assert pieces.texts[-1] == ""
    assert from_bytes("é") == ""  # half of a character


@pytest.mark.parametrize(
    ("context", "shape"),
    [
        (Context("the ", " of", Extent("character", 8, 10)), Shape(8, 10, (1, 5))),
        (Context("the ", " of", Extent("character", 2, 3), Letters("St", "n")), Shape(5, 6, (1, 4), "St", "n")),
        (Context("the (", ") of", Extent("word", 2, 3)), Shape(1, 69, (2, 3), glued=True)),
        (Context("the ", " of"), Shape(1, 36, (1, 3))),
        (Context("the ", "", Extent("line", 0, 1)), Shape(1, 36, (1, 3))),
        (Context("the ", "", Extent("word", 9, None)), Shape(1, 115, (5, 5))),
    ],
)
def test_shapes(context, shape):
    assert shape_of(context) == shape


def test_what_fits():
    shape = Shape(5, 6, (1, 1), "St", "n")
    assert shape.fits("Stalin", lower=False)
    assert not shape.fits("stalin", lower=False)
    assert shape.fits("stalin", lower=True)
    assert not shape.fits("Stalins", lower=False)
    assert not shape.fits("St a n", lower=False)
    assert shape.lost("Stalin") == "ali"


def test_pieces_that_may_follow():
    pieces = read_pieces(BYTES)
    row = np.zeros(len(pieces), dtype=np.float32)
    allowed = Allowed(Shape(6, 6, (1, 1), "S", "lin"), pieces)
    assert [BYTES[n] for n in allowed.best(row, "", 10)] == ["ĠS"]
    assert [BYTES[n] for n in allowed.best(row, "S", 10, last=True)] == ["talin"]
    free = Allowed(Shape(3, 12, (1, 2)), pieces)
    assert {BYTES[n] for n in free.best(row, "the", 10)} == {"Ġthe", "Ġpro", "Ġ1945", "ĠS", "posal", "s", "'", "âĢĻ", "Ã©", "talin"}
    assert grown("the", BYTES.index("Ġpro"), pieces) == "the pro"
    assert grown("pro", BYTES.index("posal"), pieces) == "proposal"


def test_priors_add_up_to_one_over_the_numbers_of_pieces():
    for words in ((1, 1), (2, 2), (1, 3), (1, 5)):
        assert sum(math.exp(log_prior(count, words)) for count in range(1, 60)) == pytest.approx(1.0, abs=1e-6)
    assert log_prior(1, (2, 2)) == -math.inf


def test_numbers_of_pieces_follow_the_length():
    assert piece_counts(Shape(2, 4, (1, 2))) == [1, 2]
    assert piece_counts(Shape(8, 10, (1, 5))) == [1, 2]
    assert piece_counts(Shape(10, 12, (1, 5))) == [1, 2, 3, 4]
    assert piece_counts(Shape(17, 19, (1, 5))) == [2, 3, 4, 5]
    assert piece_counts(Shape(1, 60, (2, 3))) == [2, 3, 4]
