"""Small random language models of four architectures with tokenizers trained on a few sentences: real code paths, no real knowledge."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
)

from desunt.lm.beam_search import MaskedSpan, MaskPredictor, TokenIds
from desunt.lm.causal import CausalModel, TokenizedModel
from desunt.lm.llama import load_llama
from desunt.lm.masked import HuggingFaceMaskPredictor, MaskedModel
from desunt.lm.vocabulary import read_vocabulary

SENTENCES = [
    "The ambassador discussed the proposal with Marshal Stalin at the conference in Moscow last evening.",
    "The Soviet Government will not object to the agreement about the railway and the port of Dairen.",
    "A treaty of friendship between China and the Soviet Union was signed by the minister of foreign affairs.",
    "Telegrams from the embassy report that the conversations were resumed after the return of the delegation.",
    "Harriman's cable of July 1945 gave the text of the draft; non-military cargo was not covered by it.",
]
SPECIAL = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]", "unk_token": "[UNK]"}
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
FAMILIES = ("bert", "roberta", "modernbert")


@cache
def wordpiece(size: int = 220) -> PreTrainedTokenizerFast:
    """Return an uncased WordPiece tokenizer, always the same: training breaks ties by chance."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=list(SPECIAL.values()), show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **SPECIAL)


@cache
def byte_level(special: tuple[str, ...], size: int = 380) -> Tokenizer:
    """Return a cased byte-level BPE tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def small_masked(family: str) -> tuple[torch.nn.Module, PreTrainedTokenizerFast]:
    """Return a random masked language model of a family with its tokenizer."""
    torch.manual_seed(len(family))
    if family == "bert":
        tokenizer = wordpiece()
        model = BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, initializer_range=0.6, **SIZES))
        return model.eval(), tokenizer
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=byte_level(tuple(SPECIAL.values())), model_max_length=64, **SPECIAL)
    marks = {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": tokenizer.cls_token_id, "sep_token_id": tokenizer.sep_token_id}
    if family == "roberta":
        config = RobertaConfig(
            vocab_size=len(tokenizer), max_position_embeddings=80, initializer_range=0.6, pad_token_id=marks["pad_token_id"], **SIZES
        )
        return RobertaForMaskedLM(config).eval(), tokenizer
    ends = {"bos_token_id": marks["cls_token_id"], "eos_token_id": marks["sep_token_id"]}
    wide = {"initializer_range": 0.6, "initializer_cutoff_factor": 3.0}
    config = ModernBertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **wide, **SIZES, **marks, **ends)
    return ModernBertForMaskedLM(config).eval(), tokenizer


def small_masked_model(family: str) -> MaskedModel:
    from desunt.record.conjecture import ModelRef

    model, tokenizer = small_masked(family)
    return MaskedModel(HuggingFaceMaskPredictor(model, tokenizer), lambda: ModelRef(family, "random", "0" * 64))


def small_llama(folder: Path) -> Path:
    """Write a random Llama model in the layout of the embedded one, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_level(("<|endoftext|>",))
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary, width, inner = tokenizer.get_vocab_size(), 32, 48
    config = {
        "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "head_dim": 8, "vocab_size": vocabulary,
        "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
        "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 0,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    random = np.random.default_rng(7)
    shapes = {
        "self_attn.q_proj": (width, width), "self_attn.k_proj": (16, width), "self_attn.v_proj": (16, width),
        "self_attn.o_proj": (width, width), "mlp.gate_proj": (inner, width), "mlp.up_proj": (inner, width), "mlp.down_proj": (width, inner),
    }  # fmt: skip
    tensors = {"model.embed_tokens.weight": random.normal(0, 0.6, (vocabulary, width)), "model.norm.weight": random.normal(1, 0.2, width)}
    for layer in range(2):
        for name, shape in shapes.items():
            tensors[f"model.layers.{layer}.{name}.weight"] = random.normal(0, 0.3, shape)
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"model.layers.{layer}.{name}.weight"] = random.normal(1, 0.2, width)
    rounded = {name: torch.from_numpy(values.astype(np.float32)).to(torch.bfloat16) for name, values in tensors.items()}
    save_file(rounded, folder / "model.safetensors", {"format": "pt"})
    return folder


def small_base(folder: Path) -> TokenizedModel:
    """Read a small Llama in single precision, so that results can be compared closely."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    vocabulary = read_vocabulary([tokenizer.id_to_token(n) for n in range(tokenizer.get_vocab_size())], [0])
    return TokenizedModel(load_llama(folder, torch.float32), tokenizer, vocabulary, folder / "model.safetensors")


def small_adapter(path: Path, base: TokenizedModel, rank: int = 4) -> Path:
    """Write a random adapter with the names that training/train.py gives it."""
    torch.manual_seed(3)
    width, inner = base.llama.embeddings.shape[1], base.llama.layers[0].down_proj.shape[1]
    keys = base.llama.num_key_value_heads * base.llama.head_dim
    outs = {"self_attn.q_proj": width, "self_attn.k_proj": keys, "self_attn.v_proj": keys, "self_attn.o_proj": width}
    outs |= {"mlp.gate_proj": inner, "mlp.up_proj": inner, "mlp.down_proj": width}
    values = {"mask_emb": torch.randn(width) * 0.5}
    for layer in range(len(base.llama.layers)):
        for name, out in outs.items():
            into = inner if name == "mlp.down_proj" else width
            values[f"model.layers.{layer}.{name}.A"] = torch.randn(rank, into) * 0.2
            values[f"model.layers.{layer}.{name}.B"] = torch.randn(out, rank) * 0.2
    save_file({name: value.half() for name, value in values.items()}, path, {"rank": str(rank), "scale": "2.0"})
    return path


def small_embedded(folder: Path) -> SimpleNamespace:
    """Return the embedded model's parts, small: `base`, `causal`, `predictor`, `model`, `folder`, `adapter`."""
    from desunt.lm.adapters import EmbeddedModel, MaskedLoraModel

    base = small_base(small_llama(folder))
    adapter = small_adapter(folder / "adapter.safetensors", base)
    causal, predictor = CausalModel(base), MaskedLoraModel(base, adapter)
    model = EmbeddedModel(causal, predictor, [adapter])
    return SimpleNamespace(base=base, causal=causal, predictor=predictor, model=model, folder=folder, adapter=adapter)


def joint_log_prob(predictor: MaskPredictor, left: TokenIds, right: TokenIds, filling: TokenIds) -> float:
    """Return log P(tokens | their number, both sides) of a filling by the chain rule."""
    rows = predictor.predict([MaskedSpan(left, filling[:place], len(filling), right) for place in range(len(filling))])
    return sum(float(row[token]) for row, token in zip(rows, filling, strict=True))
