"""SmolLM2's layers in plain torch, made for many short continuations of one text.

The model is Llama's (Touvron et al. 2023, arXiv 2302.13971): it gives the same numbers as Hugging Face's `LlamaForCausalLM`, but keeps
the keys and values of the text before the gap once for all continuations, runs the vocabulary head only where a figure is wanted, and can
read with full attention. Shapes: b continuations, t places, d hidden, h heads, v vocabulary.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from desunt.lm.int8 import Map, Rounded, mapped, rounded

if TYPE_CHECKING:
    from torch import Tensor, dtype

# Keys and values a layer, each (key heads, b or 1, t, head size).
Memory: TypeAlias = "tuple[tuple[Tensor, Tensor], ...]"

# The vocabulary head makes v numbers a place: so many places at once fit into the processor's cache.
HEAD_ROWS = 64
# The maps of a layer; and by `layer.map` or `head` the most that each of its inputs has been seen to be.
MAPS = ("query_key_value", "output", "gate_up", "down")
Loudest: TypeAlias = "Mapping[str, Tensor]"
ADAPTED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's weights; the maps that read the same input are joined."""

    attention_norm: Tensor
    query_key_value: Map
    output: Map
    mlp_norm: Tensor
    gate_up: Map
    down: Map

    def rounded(self, loudest: Loudest, number: int) -> Layer:
        """Return the layer, the `number`-th, with its maps in 8 bits."""
        maps = {name: rounded(getattr(self, name), loudest.get(f"{number}.{name}")) for name in MAPS}
        return replace(self, **maps)  # type: ignore[arg-type]  # the names are those of maps


@dataclass(frozen=True, slots=True)
class Llama:
    """The whole model; the embeddings are also the vocabulary head, `head`, which may be in 8 bits."""

    embeddings: Tensor
    head: Map
    layers: tuple[Layer, ...]
    norm: Tensor
    heads: int
    key_heads: int
    epsilon: float
    theta: float

    @property
    def size(self) -> int:
        """Return the size of a head."""
        return int(self.embeddings.shape[1]) // self.heads

    def embed(self, numbers: Tensor) -> Tensor:
        """Return the embeddings of tokens (b, t) as (b, t, d)."""
        import torch

        return torch.nn.functional.embedding(numbers, self.embeddings)

    def read(self, inputs: Tensor, places: Tensor, seen: Tensor | None, before: Sequence[Memory] = ()) -> tuple[Tensor, Memory]:
        """Run the layers.

        `inputs` (b, t, d) stand at `places` (b or 1, t); `seen` (b or 1, 1, t or 1, keys) is added to the attention's logits (None: all
        is seen); `before` are memories whose keys come first, of b or of 1. Returns the hidden states (b, t, d), normed, and the
        memory of this block.
        """
        from torch.nn.functional import rms_norm

        turn, hidden, memory = self._turn(places), inputs, []
        for number, layer in enumerate(self.layers):
            earlier = [one[number] for one in before]
            mixed, keys = self._attend(layer, rms_norm(hidden, hidden.shape[-1:], layer.attention_norm, self.epsilon), turn, seen, earlier)
            hidden = hidden + mixed
            hidden = hidden + _mlp(layer, rms_norm(hidden, hidden.shape[-1:], layer.mlp_norm, self.epsilon))
            memory.append(keys)
        return rms_norm(hidden, hidden.shape[-1:], self.norm, self.epsilon), tuple(memory)

    def _turn(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosine and sine of the rotary position embedding (Su et al. 2021), (b or 1, t, head size)."""
        import torch

        rates = 1.0 / self.theta ** (torch.arange(0, self.size, 2, dtype=torch.float32) / self.size)
        angles = places.to(torch.float32)[..., None] * rates
        angles = torch.cat((angles, angles), -1)
        return angles.cos().to(self.embeddings.dtype), angles.sin().to(self.embeddings.dtype)

    def _attend(
        self, layer: Layer, inputs: Tensor, turn: tuple[Tensor, Tensor], seen: Tensor | None, before: Sequence[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        import torch

        count, length, _ = inputs.shape
        joined = mapped(inputs, layer.query_key_value).view(count, length, -1, self.size).permute(2, 0, 1, 3)
        query, key, value = torch.split(joined, [self.heads, self.key_heads, self.key_heads])
        query, key = _turned(query, turn), _turned(key, turn)
        mixed = _mixed(query, [*before, (key, value)], seen)
        return mapped(mixed, layer.output), (key, value)

    def log_probabilities(self, hidden: Tensor) -> Tensor:
        """Return log P(token) at each hidden state: (n, d) to (n, v), float32."""
        import torch

        return torch.cat([self._head(rows).log_softmax(-1) for rows in torch.split(hidden, HEAD_ROWS)])

    def log_probabilities_of(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Return log P of one token at each hidden state: (n, d) and (n,) to (n,), float32."""
        import torch

        norms = torch.cat([self._head(rows).logsumexp(-1) for rows in torch.split(hidden, HEAD_ROWS)])
        # In bfloat16 a logit of 20 is known to 1/8 only; the one that counts is worth single precision.
        return (hidden.float() * self.embed(tokens).float()).sum(-1) - norms

    def _head(self, hidden: Tensor) -> Tensor:
        return mapped(hidden, self.head).float()


def _mixed(query: Tensor, memories: Sequence[tuple[Tensor, Tensor]], seen: Tensor | None) -> Tensor:
    """Attend from queries (h, b, t, size) to memories whose keys are (key heads, b or 1, keys, size); return (b, t, h * size).

    A memory that all continuations share is read by one matrix product, not copied to each: torch's own attention is slow on many
    short queries.
    """
    import torch

    heads, count, length, size = query.shape
    groups = memories[0][0].shape[0]
    # The heads that share a key head stand side by side as more queries.
    rows = query.view(groups, heads // groups, count, length, size).transpose(1, 2).reshape(groups, count, -1, size) * size**-0.5
    logits = torch.cat([_product(rows, keys.transpose(2, 3)) for keys, _ in memories], 3).float()
    if seen is not None:
        logits = (logits.view(groups, count, -1, length, logits.shape[-1]) + seen[None]).view(groups, count, -1, logits.shape[-1])
    weights = torch.split(logits.softmax(3).to(query.dtype), [keys.shape[2] for keys, _ in memories], 3)
    parts = [_product(weight, values) for weight, (_, values) in zip(weights, memories, strict=True)]
    mixed = sum(parts[1:], parts[0]).view(groups, count, -1, length, size)
    return mixed.permute(1, 3, 0, 2, 4).reshape(count, length, -1)


def _product(rows: Tensor, matrix: Tensor) -> Tensor:
    """Multiply (g, b, n, x) by (g, b or 1, x, y)."""
    if matrix.shape[1] == rows.shape[1]:
        return rows @ matrix
    groups, count, length, _ = rows.shape
    return (rows.reshape(groups, count * length, -1) @ matrix[:, 0]).view(groups, count, length, -1)


def _mlp(layer: Layer, inputs: Tensor) -> Tensor:
    from torch.nn.functional import silu

    gate, up = mapped(inputs, layer.gate_up).chunk(2, -1)
    return mapped(silu(gate) * up, layer.down)


def _turned(heads: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    import torch

    cosine, sine = turn
    first, second = heads.chunk(2, -1)
    return heads * cosine + torch.cat((-second, first), -1) * sine


def working_type() -> dtype:
    """Return bfloat16 where the processor multiplies it, else float32."""
    import torch

    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16") else torch.float32


def obey_thread_limit() -> None:
    """Let torch use no more threads than OpenMP grants it.

    Under OMP_THREAD_LIMIT (which Tesseract needs) torch still shares out its work among as many threads as there are cores, and the
    shares of those that never start are silently left undone: the numbers are garbage.
    """
    import torch

    limit = os.environ.get("OMP_THREAD_LIMIT", "")
    if limit.isdigit() and int(limit) > 0:
        torch.set_num_threads(min(torch.get_num_threads(), int(limit)))


def read_llama(folder: Path, kind: dtype | None = None) -> Llama:
    """Read a Llama model with tied embeddings from `config.json` and `model.safetensors`."""
    obey_thread_limit()
    kind = kind or working_type()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with (folder / "model.safetensors").open("rb") as file:
        stored = Stored(file, kind)
        embeddings = stored.tensor("model.embed_tokens.weight")
        return Llama(
            embeddings=embeddings,
            head=embeddings,
            layers=tuple(_layer(stored, number) for number in range(config["num_hidden_layers"])),
            norm=stored.tensor("model.norm.weight"),
            heads=config["num_attention_heads"],
            key_heads=config["num_key_value_heads"],
            epsilon=config["rms_norm_eps"],
            theta=config["rope_parameters"]["rope_theta"],
        )


class Stored:
    """The bfloat16 tensors of an open safetensors file.

    They are read one by one, not mapped: a map would count the whole file to the process's memory beside the copies worked with.
    """

    def __init__(self, file: BinaryIO, kind: dtype) -> None:
        self.file, self.kind = file, kind
        self.facts = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        self.start = file.tell()

    def tensor(self, name: str) -> Tensor:
        import torch

        first, end = self.facts[name]["data_offsets"]
        self.file.seek(self.start + first)
        return torch.frombuffer(bytearray(self.file.read(end - first)), dtype=torch.bfloat16).view(self.facts[name]["shape"]).to(self.kind)


def _layer(stored: Stored, number: int) -> Layer:
    import torch

    def weight(name: str) -> Tensor:
        return stored.tensor(f"model.layers.{number}.{name}.weight")

    return Layer(
        attention_norm=weight("input_layernorm"),
        query_key_value=torch.cat([weight(f"self_attn.{name}_proj") for name in "qkv"]),
        output=weight("self_attn.o_proj"),
        mlp_norm=weight("post_attention_layernorm"),
        gate_up=torch.cat([weight("mlp.gate_proj"), weight("mlp.up_proj")]),
        down=weight("mlp.down_proj"),
    )


def with_adapter(model: Llama, adapter: Mapping[str, Tensor], scale: float, narrow: Loudest | None = None) -> Llama:
    """Return the model with a low-rank adapter added to its maps: W + scale * B A (Hu et al. 2021), with `narrow` in 8 bits.

    Embeddings are shared. Layer by layer, so that no second copy of the model is ever whole.
    """
    added = (_with_adapter(layer, adapter, number, scale) for number, layer in enumerate(model.layers))
    layers = (layer if narrow is None else layer.rounded(narrow, number) for number, layer in enumerate(added))
    head = model.head if narrow is None else rounded(model.head, narrow.get("head"))
    return replace(model, layers=tuple(layers), head=head)


def _with_adapter(layer: Layer, adapter: Mapping[str, Tensor], number: int, scale: float) -> Layer:
    import torch

    def added(weight: Map, names: Iterator[str]) -> Tensor:
        if isinstance(weight, Rounded):
            raise TypeError("an adapter is added before rounding")
        parts = []
        for name in names:
            low, high = (adapter[f"model.layers.{number}.{name}.{half}"].float() for half in "AB")
            parts.append(scale * high @ low)
        return (weight.float() + torch.cat(parts)).to(weight.dtype)

    return replace(
        layer,
        query_key_value=added(layer.query_key_value, iter(ADAPTED[:3])),
        output=added(layer.output, iter(ADAPTED[3:4])),
        gate_up=added(layer.gate_up, iter(ADAPTED[4:6])),
        down=added(layer.down, iter(ADAPTED[6:])),
    )
