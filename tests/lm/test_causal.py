"""The causal reading and the adapted one: their numbers against Hugging Face's Llama, staged scoring, and the embedded model as a whole."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from desunt.lm import Context, causal, known_models, load_model
from desunt.lm.adapters import EmbeddedModel, RescoringModel
from desunt.lm.beam_search import MaskedSpan, beam_search
from desunt.lm.causal import START_TOKEN, CausalModel
from desunt.lm.gap_constraint import GapConstraint
from desunt.lm.kv_cache import extend_prefix
from desunt.record.document import Extent, Letters
from tests.support.tiny_models import small_embedded, small_masked

CONTEXT = Context("The ambassador  discussed\nthe ", " with Marshal Stalin at the conference in Moscow.", Extent("character", 3, 8))
TEXTS = ["port", "proposal", "agreement of", "xyzzy", "text", "draft", "railway", "union"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return small_embedded(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def reference(small):
    return AutoModelForCausalLM.from_pretrained(small.folder, dtype=torch.float32).eval()


def log_probability(reference, left: tuple[int, ...], rest: tuple[int, ...]) -> float:
    """log P(rest | left), by the plainest way there is."""
    numbers = torch.tensor([[*left, *rest]])
    with torch.inference_mode():
        rows = reference(numbers).logits[0].log_softmax(-1)
    return sum(float(rows[len(left) + place - 1, token]) for place, token in enumerate(rest))


def test_a_score_is_the_probability_of_the_filling_and_the_text_after(small, reference):
    model = CausalModel(small.base, stages=())
    left, right = small.base.encode_before(CONTEXT), small.base.encode_after(CONTEXT)
    expected = [log_probability(reference, left, small.base.encode_filling(CONTEXT, text) + right) for text in TEXTS]
    assert model.score(CONTEXT, TEXTS) == pytest.approx(expected, abs=2e-3)
    assert np.std(expected) > 0.5


def test_stages_without_a_margin_change_nothing(small):
    whole, staged = CausalModel(small.base, stages=()), CausalModel(small.base, stages=((1, math.inf), (4, math.inf)))
    assert staged.score(CONTEXT, TEXTS) == pytest.approx(whole.score(CONTEXT, TEXTS), abs=2e-3)


def test_stages_keep_the_scores_of_what_they_keep(small):
    whole = CausalModel(small.base, stages=()).score(CONTEXT, TEXTS)
    staged = CausalModel(small.base, stages=((3, 1.0),)).score(CONTEXT, TEXTS)
    same = [abs(a - b) < 2e-3 for a, b in zip(whole, staged, strict=True)]
    assert any(same)
    assert not all(same)


def test_fillings_are_compared_over_the_same_tokens_after_the_gap(small):
    base = small.base
    assert base.encode_before(CONTEXT)[0] == START_TOKEN
    for text in TEXTS:
        joined = base.encode(f" the {text} with Marshal")
        apart = base.encode(" the") + base.encode_filling(CONTEXT, text) + base.encode(" with Marshal")
        assert joined == apart


def test_surviving_letters_are_read_with_the_filling(small):
    lost = Context("Marshal ", " said", Extent("character", 3, 3), Letters("St", "n"))
    assert small.base.encode_filling(lost, "ali") == small.base.encode(" Stalin")
    assert small.base.encode_filling(Context("Moscow (", ") said"), "port") == small.base.encode("port")


def test_where_the_text_after_is_unknown_the_last_word_must_be_whole(small, reference):
    context = Context(CONTEXT.before, "", CONTEXT.extent)
    base = small.base
    left, filling = base.encode_before(context), base.encode_filling(context, "port")
    with torch.inference_mode():
        row = reference(torch.tensor([[*left, *filling]])).logits[0, -1].softmax(-1)
    goes_on = base.vocabulary.word_inside & np.array([text[:1].isalnum() for text in base.vocabulary.texts])
    expected = log_probability(reference, left, filling) + math.log(float(row[torch.from_numpy(~goes_on)].sum()))
    assert small.causal.score(context, ["port"]) == pytest.approx([expected], abs=2e-3)


LONG = " ".join(f"The ambassador discussed the draft of treaty {number} with Marshal Stalin." for number in range(30))


def test_the_text_before_gaps_side_by_side_is_read_once(small, monkeypatch):
    read = []
    monkeypatch.setattr(
        causal, "extend_prefix", lambda llama, state, tokens: read.append(len(tokens)) or extend_prefix(llama, state, tokens)
    )
    model = CausalModel(small.base)
    first, second = Context(LONG, CONTEXT.after), Context(f"{LONG} The railway union.", CONTEXT.after)
    model.score(first, TEXTS)
    first_read = sum(read)
    model.score(second, TEXTS)
    assert first_read > causal.MAX_TOKENS_BEFORE - causal.START_STEP_TOKENS
    assert sum(read) - first_read <= causal.BLOCK_TOKENS + len(small.base.encode(" The railway union."))


def test_what_was_asked_before_changes_no_figure(small):
    contexts = [Context(LONG[:end], CONTEXT.after) for end in (300, 900, 950, 1400, len(LONG), 0)]
    model = CausalModel(small.base)
    together = [model.score(context, TEXTS) for context in contexts]
    assert together == [CausalModel(small.base).score(context, TEXTS) for context in contexts]
    assert [model.score(context, TEXTS) for context in contexts[::-1]] == together[::-1]


def test_blocks_are_the_last_tokens_behind_the_start(small):
    blocks = small.base.blocks_before(Context(LONG, ""))
    tokens = [token for block in blocks for token in block]
    assert tokens[0] == START_TOKEN
    assert causal.MAX_TOKENS_BEFORE - causal.START_STEP_TOKENS < len(tokens) - 1 <= causal.MAX_TOKENS_BEFORE
    assert tuple(tokens[1:]) == small.base.encode(LONG)[-len(tokens) + 1 :]
    assert small.base.blocks_before(Context("", "")) == [(START_TOKEN,)]


def test_a_text_read_in_blocks_is_the_text_read_at_once(small, reference):
    context = Context(LONG, CONTEXT.after)
    left = tuple(token for block in small.base.blocks_before(context) for token in block)
    expected = log_probability(reference, left, small.base.encode_filling(context, "port") + small.base.encode_after(context))
    assert CausalModel(small.base, stages=()).score(context, ["port"]) == pytest.approx([expected], abs=2e-3)


def test_left_beams_have_the_probability_of_their_tokens(small, reference):
    left = small.base.encode_before(CONTEXT)
    single = {text: n for n, text in enumerate(small.base.vocabulary.texts) if small.base.vocabulary.word_start[n]}
    beams = small.causal.beam_search(CONTEXT)
    tried = 0
    for text, score in beams.items():
        if text in single and len(text) == 3:
            tried += 1
            assert score >= log_probability(reference, left, (single[text],)) + math.log(0.60) - 1e-3
    assert tried


def adapted_reference(small, reference, scale: float = 2.0):
    """Hugging Face's Llama with the adapter added to its weights."""
    values = load_file(small.adapter)
    weights = {name: weight.clone() for name, weight in reference.state_dict().items()}
    for name in [name for name in values if name.endswith(".A")]:
        stem = name.removesuffix(".A")
        weights[f"{stem}.weight"] += scale * values[f"{stem}.B"].float() @ values[name].float()
    model = AutoModelForCausalLM.from_pretrained(small.folder, dtype=torch.float32)
    model.load_state_dict(weights)
    return model.eval(), values["mask_emb"].float()


def everywhere(model, mask, left, filled, count, right) -> torch.Tensor:
    """log P of the mask behind `filled`, with full attention, from the hidden state before it (as training/train.py)."""
    numbers = torch.tensor([[*left, *filled, *[0] * (count - len(filled)), *right]])
    inputs = model.get_input_embeddings()(numbers).clone()
    inputs[0, len(left) + len(filled) : len(left) + count] = mask
    length = numbers.shape[1]
    with torch.inference_mode():
        hidden = model.model(inputs_embeds=inputs, attention_mask=torch.zeros(1, 1, length, length), use_cache=False).last_hidden_state
        return model.lm_head(hidden[0, len(left) + len(filled) - 1]).log_softmax(-1)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_first_mask_is_read_as_in_training(small, reference, count):
    model, mask = adapted_reference(small, reference)
    left, right = small.predictor.encode_sides(CONTEXT)
    expected = everywhere(model, mask, left, (), count, right).numpy()
    assert small.predictor.predict([MaskedSpan(left, (), count, right)])[0] == pytest.approx(expected, abs=5e-3)


def test_filled_pieces_decide_about_the_next(small):
    left, right = small.predictor.encode_sides(CONTEXT)
    rows = small.predictor.predict([MaskedSpan(left, (token,), 2, right) for token in (20, 30)])
    assert np.exp(rows).sum(1) == pytest.approx([1.0, 1.0], abs=1e-4)
    assert np.abs(rows[0] - rows[1]).max() > 0.05


def test_spans_of_several_gaps_are_read_apart(small):
    left, right = small.predictor.encode_sides(CONTEXT)
    spans = [
        MaskedSpan(left, (), 2, right),
        MaskedSpan(left[:3], (25,), 3, right),
        MaskedSpan(left, (25,), 2, right),
        MaskedSpan(left, (), 1, right),
    ]
    together = small.predictor.predict(spans)
    for span, row in zip(spans, together, strict=True):
        assert row == pytest.approx(small.predictor.predict([span])[0], abs=1e-3)


def test_the_adapter_leaves_the_base_alone(small, reference):
    assert small.predictor.llama.embeddings is small.base.llama.embeddings
    left, right = small.base.encode_before(CONTEXT), small.base.encode_after(CONTEXT)
    small.model.propose([CONTEXT], 5)
    expected = log_probability(reference, left, small.base.encode_filling(CONTEXT, "port") + right)
    assert CausalModel(small.base, stages=()).score(CONTEXT, ["port"]) == pytest.approx([expected], abs=2e-3)


def test_the_embedded_model_proposes_by_the_masked_reading(small):
    [fillings] = small.model.propose([CONTEXT], 10_000)
    proposed = {filling.text: filling.score for filling in fillings}
    left, right = small.predictor.encode_sides(CONTEXT)
    masked = beam_search(small.predictor, left, right, GapConstraint(3, 8, (1, 5)))
    assert proposed == masked


def test_the_embedded_model_scores_by_the_causal_reading(small):
    assert small.model.score(CONTEXT, TEXTS) == small.causal.score(CONTEXT, TEXTS)


def test_a_masked_model_may_be_rescored(small, tmp_path):
    model, tokenizer = small_masked("roberta")
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    alone = load_model(str(tmp_path), rescore=False)
    both = RescoringModel(alone, small.causal)
    assert both.propose([CONTEXT], 5) == alone.propose([CONTEXT], 5)
    assert both.score(CONTEXT, TEXTS) == small.causal.score(CONTEXT, TEXTS)
    assert both.ref.sha256 == alone.ref.sha256


def test_the_table_names_the_models_that_are_there():
    assert {"embedded", "causal"} <= known_models().keys()


def test_asking_for_the_table_loads_no_heavy_library():
    code = "import sys, desunt.lm; desunt.lm.known_models(); print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_thread_limit_does_not_spoil_the_numbers():
    """Torch leaves the work of threads that OpenMP refuses it undone, without a word."""
    code = (
        "import torch; from desunt.lm.causal import load_base_model; from desunt.lm.kv_cache import extend_prefix; "
        "state = extend_prefix(load_base_model().llama, None, range(40, 64)); "
        "print(torch.get_num_threads(), state.last_hidden.isfinite().all().item())"
    )
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["1", "True"]


@pytest.fixture(scope="module")
def embedded():
    return load_model("embedded")


def test_the_real_model_knows_what_stood_there(embedded):
    context = Context(
        "Stalin, in discussing the operation of the Chinese Eastern and South Manchurian railroads, proposed that the ownership of the ",
        " should be vested in both governments in equal shares.",
        Extent("character", 8, 10),
    )
    [fillings] = embedded.propose([context], 60)
    texts = [filling.text for filling in fillings]
    best = max(zip(embedded.score(context, texts), texts, strict=True))[1]
    assert best in {"railroads", "railways"}
    assert re.fullmatch(r"[0-9a-f]{64}", embedded.ref.sha256)
    assert isinstance(embedded, EmbeddedModel | CausalModel)


def test_the_real_model_fills_several_words_and_letters(embedded):
    several = Context("The Prime Minister of Great ", " told the House of Commons that war was declared.", Extent("word", 1, 2))
    letters = Context("a treaty of friendship between China and the ", " Union was signed", Extent("character", 3, 3), Letters("S", "et"))
    first, second = embedded.propose([several, letters], 80)
    scored = sorted(zip(embedded.score(several, [f.text for f in first]), [f.text for f in first], strict=True), reverse=True)
    assert scored[0][1] == "Britain"
    assert second[0].text == "ovi"
