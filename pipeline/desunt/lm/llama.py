"""SmolLM2's layers in plain torch, made for many short continuations of one text.

The model is Llama's (Touvron et al. 2023, arXiv 2302.13971): it gives the same numbers as Hugging Face's `LlamaForCausalLM`, but keeps
the keys and values of the text before the gap once for all continuations, runs the vocabulary head only where a figure is wanted, and can
read with full attention. Shapes: b continuations, t places, d hidden, h heads, v vocabulary.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from desunt.lm.int8 import Linear, QuantizedLinear, linear, quantize

if TYPE_CHECKING:
    from torch import Tensor, dtype

# Keys and values a layer, each (key heads, b or 1, t, head size).
KVCache: TypeAlias = "tuple[tuple[Tensor, Tensor], ...]"
# By `layer.name` or `lm_head` the most that each of its inputs has been seen to be.
ActScales: TypeAlias = "Mapping[str, Tensor]"
# Is shown the inputs of every linear layer, and its weight, before they are multiplied.
Observer: TypeAlias = "Callable[[Tensor, Linear], None]"

# The vocabulary head makes v numbers a place: so many places at once fit into the processor's cache.
HEAD_ROWS = 64
LINEAR_LAYERS = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
# The layers of Hugging Face's model that each of ours joins: what an adapter names.
LORA_TARGETS = {
    "qkv_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "o_proj": ("self_attn.o_proj",),
    "gate_up_proj": ("mlp.gate_proj", "mlp.up_proj"),
    "down_proj": ("mlp.down_proj",),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's weights; the linear layers that read the same input are joined."""

    input_layernorm: Tensor
    qkv_proj: Linear
    o_proj: Linear
    post_attention_layernorm: Tensor
    gate_up_proj: Linear
    down_proj: Linear

    def quantized(self, act_scales: ActScales, number: int) -> Layer:
        """Return the layer, the `number`-th, with its linear layers in 8 bits."""
        linears = {name: quantize(getattr(self, name), act_scales.get(f"{number}.{name}")) for name in LINEAR_LAYERS}
        return replace(self, **linears)  # type: ignore[arg-type]  # the names are those of linear layers


@dataclass(frozen=True, slots=True)
class Llama:
    """The whole model; the embeddings are also the vocabulary head, `lm_head`, which may be in 8 bits."""

    embeddings: Tensor
    lm_head: Linear
    layers: tuple[Layer, ...]
    norm: Tensor
    num_heads: int
    num_key_value_heads: int
    rms_norm_eps: float
    rope_theta: float
    observer: Observer | None = None

    @property
    def head_dim(self) -> int:
        return int(self.embeddings.shape[1]) // self.num_heads

    def embed(self, token_ids: Tensor) -> Tensor:
        """Return the embeddings of tokens (b, t) as (b, t, d)."""
        import torch

        return torch.nn.functional.embedding(token_ids, self.embeddings)

    def forward(
        self, inputs_embeds: Tensor, position_ids: Tensor, attention_mask: Tensor | None, past_key_values: Sequence[KVCache] = ()
    ) -> tuple[Tensor, KVCache]:
        """Run the layers.

        `inputs_embeds` (b, t, d) stand at `position_ids` (b or 1, t); `attention_mask` (b or 1, 1, t or 1, keys) is added to the
        attention's logits (None: all is seen); `past_key_values` are caches whose keys come first, of b or of 1. Returns the hidden states
        (b, t, d), normed, and the cache of this block.
        """
        rotary, hidden, cache = self._rotary_embedding(position_ids), inputs_embeds, []
        for number, layer in enumerate(self.layers):
            past = [past_cache[number] for past_cache in past_key_values]
            attended, keys_values = self._attend(layer, self._norm(hidden, layer.input_layernorm), rotary, attention_mask, past)
            hidden = hidden + attended
            hidden = hidden + self._mlp(layer, self._norm(hidden, layer.post_attention_layernorm))
            cache.append(keys_values)
        return self._norm(hidden, self.norm), tuple(cache)

    def _norm(self, hidden: Tensor, weight: Tensor) -> Tensor:
        from torch.nn.functional import rms_norm

        return rms_norm(hidden, hidden.shape[-1:], weight, self.rms_norm_eps)

    def _rotary_embedding(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosine and sine of the rotary position embedding (Su et al. 2021), (b or 1, t, head size)."""
        import torch

        inv_freq = 1.0 / self.rope_theta ** (torch.arange(0, self.head_dim, 2, dtype=torch.float32) / self.head_dim)
        angles = position_ids.to(torch.float32)[..., None] * inv_freq
        angles = torch.cat((angles, angles), -1)
        return angles.cos().to(self.embeddings.dtype), angles.sin().to(self.embeddings.dtype)

    def _attend(
        self, layer: Layer, inputs: Tensor, rotary: tuple[Tensor, Tensor], mask: Tensor | None, past: Sequence[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        import torch

        count, length, _ = inputs.shape
        qkv = self._linear(inputs, layer.qkv_proj).view(count, length, -1, self.head_dim).permute(2, 0, 1, 3)
        query, key, value = torch.split(qkv, [self.num_heads, self.num_key_value_heads, self.num_key_value_heads])
        query, key = apply_rotary(query, rotary), apply_rotary(key, rotary)
        attended = attention(query, [*past, (key, value)], mask)
        return self._linear(attended, layer.o_proj), (key, value)

    def _mlp(self, layer: Layer, inputs: Tensor) -> Tensor:
        from torch.nn.functional import silu

        gate, up = self._linear(inputs, layer.gate_up_proj).chunk(2, -1)
        return self._linear(silu(gate) * up, layer.down_proj)

    def log_probs(self, hidden: Tensor) -> Tensor:
        """Return log P(token) at each hidden state: (n, d) to (n, v), float32."""
        import torch

        return torch.cat([self._logits(rows).log_softmax(-1) for rows in torch.split(hidden, HEAD_ROWS)])

    def token_log_probs(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Return log P of one token at each hidden state: (n, d) and (n,) to (n,), float32."""
        import torch

        norms = torch.cat([self._logits(rows).logsumexp(-1) for rows in torch.split(hidden, HEAD_ROWS)])
        # In bfloat16 a logit of 20 is known to 1/8 only; the one that counts is worth single precision.
        return (hidden.float() * self.embed(tokens).float()).sum(-1) - norms

    def _logits(self, hidden: Tensor) -> Tensor:
        return self._linear(hidden, self.lm_head).float()

    def _linear(self, inputs: Tensor, weight: Linear) -> Tensor:
        if self.observer is not None:
            self.observer(inputs, weight)
        return linear(inputs, weight)


def attention(query: Tensor, caches: Sequence[tuple[Tensor, Tensor]], mask: Tensor | None) -> Tensor:
    """Attend from queries (h, b, t, size) to caches whose keys are (key heads, b or 1, keys, size); return (b, t, h * size).

    A cache that all continuations share is read by one matrix product, not copied to each: torch's own attention is slow on many
    short queries.
    """
    import torch

    heads, count, length, size = query.shape
    groups = caches[0][0].shape[0]
    # The heads that share a key head stand side by side as more queries.
    rows = query.view(groups, heads // groups, count, length, size).transpose(1, 2).reshape(groups, count, -1, size) * size**-0.5
    logits = torch.cat([_matmul_shared(rows, keys.transpose(2, 3)) for keys, _ in caches], 3).float()
    if mask is not None:
        logits = (logits.view(groups, count, -1, length, logits.shape[-1]) + mask[None]).view(groups, count, -1, logits.shape[-1])
    weights = torch.split(logits.softmax(3).to(query.dtype), [keys.shape[2] for keys, _ in caches], 3)
    parts = [_matmul_shared(weight, values) for weight, (_, values) in zip(weights, caches, strict=True)]
    attended = sum(parts[1:], parts[0]).view(groups, count, -1, length, size)
    return attended.permute(1, 3, 0, 2, 4).reshape(count, length, -1)


def _matmul_shared(rows: Tensor, matrix: Tensor) -> Tensor:
    """Multiply (g, b, n, x) by (g, b or 1, x, y)."""
    if matrix.shape[1] == rows.shape[1]:
        return rows @ matrix
    groups, count, length, _ = rows.shape
    return (rows.reshape(groups, count * length, -1) @ matrix[:, 0]).view(groups, count, length, -1)


def apply_rotary(heads: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate queries or keys (h, b, t, size) to their places."""
    import torch

    cosine, sine = rotary
    first, second = heads.chunk(2, -1)
    return heads * cosine + torch.cat((-second, first), -1) * sine


def compute_dtype() -> dtype:
    """Return bfloat16 where the processor multiplies it, else float32."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")) else torch.float32


def obey_thread_limit() -> None:
    """Let torch use no more threads than OpenMP grants it.

    Under OMP_THREAD_LIMIT (which Tesseract needs) torch still shares out its work among as many threads as there are cores, and the
    shares of those that never start are silently left undone: the numbers are garbage.
    """
    import torch

    limit = os.environ.get("OMP_THREAD_LIMIT", "")
    if limit.isdigit() and int(limit) > 0:
        torch.set_num_threads(min(torch.get_num_threads(), int(limit)))


def load_llama(folder: Path, kind: dtype | None = None) -> Llama:
    """Read a Llama model with tied embeddings from `config.json` and `model.safetensors`."""
    obey_thread_limit()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with (folder / "model.safetensors").open("rb") as stream:
        file = SafetensorsFile(stream, kind or compute_dtype())
        embeddings = file.tensor("model.embed_tokens.weight")
        return Llama(
            embeddings=embeddings,
            lm_head=embeddings,
            layers=tuple(_load_layer(file, number) for number in range(config["num_hidden_layers"])),
            norm=file.tensor("model.norm.weight"),
            num_heads=config["num_attention_heads"],
            num_key_value_heads=config["num_key_value_heads"],
            rms_norm_eps=config["rms_norm_eps"],
            rope_theta=config["rope_parameters"]["rope_theta"],
        )


class SafetensorsFile:
    """The bfloat16 tensors of an open safetensors file.

    They are read one by one, not mapped: a map would count the whole file to the process's memory beside the copies worked with.
    """

    def __init__(self, stream: BinaryIO, kind: dtype) -> None:
        self.stream, self.kind = stream, kind
        self.header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        self.data_start = stream.tell()

    def tensor(self, name: str) -> Tensor:
        import torch

        start, end = self.header[name]["data_offsets"]
        self.stream.seek(self.data_start + start)
        data = bytearray(self.stream.read(end - start))
        return torch.frombuffer(data, dtype=torch.bfloat16).view(self.header[name]["shape"]).to(self.kind)


def _load_layer(file: SafetensorsFile, number: int) -> Layer:
    import torch

    def weight(name: str) -> Tensor:
        return file.tensor(f"model.layers.{number}.{name}.weight")

    joined = {name: torch.cat([weight(part) for part in parts]) for name, parts in LORA_TARGETS.items()}
    return Layer(input_layernorm=weight("input_layernorm"), post_attention_layernorm=weight("post_attention_layernorm"), **joined)


def merge_lora(model: Llama, adapter: Mapping[str, Tensor], scale: float, act_scales: ActScales | None = None) -> Llama:
    """Return the model with a low-rank adapter added to its layers: W + scale * B A (Hu et al. 2021), with `act_scales` in 8 bits.

    Embeddings are shared. Layer by layer, so that no second copy of the model is ever whole.
    """
    merged = (_merge_into_layer(layer, adapter, number, scale) for number, layer in enumerate(model.layers))
    layers = (layer if act_scales is None else layer.quantized(act_scales, number) for number, layer in enumerate(merged))
    lm_head = model.lm_head if act_scales is None else quantize(model.lm_head, act_scales.get("lm_head"))
    return replace(model, layers=tuple(layers), lm_head=lm_head)


def _merge_into_layer(layer: Layer, adapter: Mapping[str, Tensor], number: int, scale: float) -> Layer:
    import torch

    def product(name: str) -> Tensor:
        a, b = (adapter[f"model.layers.{number}.{name}.{half}"].float() for half in "AB")
        return scale * b @ a

    def merge(weight: Linear, parts: Sequence[str]) -> Tensor:
        if isinstance(weight, QuantizedLinear):
            raise TypeError("an adapter is added before the layers are quantized")
        return (weight.float() + torch.cat([product(part) for part in parts])).to(weight.dtype)

    merged = {name: merge(getattr(layer, name), parts) for name, parts in LORA_TARGETS.items()}
    return replace(layer, **merged)
