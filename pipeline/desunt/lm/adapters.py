"""The embedded model: SmolLM2 with two trained low-rank adapters (training/train.py), one a reading.

The masked reading has full attention, predicts the token at place i from the hidden state at i - 1, and every masked input is one learnt
vector (LLM2Vec, arXiv 2404.05961). The causal reading has learnt the language of diplomatic papers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from desunt.lm import Context, Filling, GapModel
from desunt.lm.beam_search import MaskedSpan, TokenIds, beam_search
from desunt.lm.causal import CausalModel, TokenizedModel, load_base_model
from desunt.lm.gap_constraint import constraint_for
from desunt.lm.int8 import has_int8_kernels
from desunt.lm.llama import ActScales, KVCache, Llama, merge_lora
from desunt.lm.masked import MaskedModel, load_masked
from desunt.lm.model_files import file_hash, find_model_file, model_file
from desunt.lm.vocabulary import Vocabulary
from desunt.record.conjecture import ModelRef

if TYPE_CHECKING:
    from torch import Tensor

MASKED_ADAPTER, CAUSAL_ADAPTER, ACT_SCALES = "masked-adapter.safetensors", "causal-adapter.safetensors", "act_scales.safetensors"
MAX_TOKENS_BEFORE, MAX_TOKENS_AFTER = 40, 20


def read_lora(path: Path) -> tuple[dict[str, Tensor], float]:
    """Return the values of an adapter by name, and what its product is scaled by."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        scale = float((file.metadata() or {}).get("scale", "2.0"))
        return {name: file.get_tensor(name) for name in file.keys()}, scale  # noqa: SIM118 (not a mapping)


@dataclass(frozen=True, slots=True)
class SpanCache:
    """Two texts with masks between them, read once: the hidden state that predicts the first mask, (d), and the cache of the two texts,
    of the masks none.
    """

    first_hidden: Tensor
    context_kv: KVCache


class MaskedLoraModel:
    """A mask predictor that keeps the KV cache of the text round the masks: only the span is read again as it is filled.

    So the text round the gap is read as if all its masks were open; the span itself always sees what is filled. The caches of the last gap
    are kept. `words`, if given, serves for words and embeddings in the place of `base`, whose layers can then be forgotten.
    """

    def __init__(
        self, base: TokenizedModel, adapter: Path, words: TokenizedModel | None = None, act_scales: ActScales | None = None
    ) -> None:
        values, scale = read_lora(adapter)
        self.base = words or base
        self.llama: Llama = merge_lora(base.llama, values, scale, act_scales)
        self.mask_embedding: Tensor = values["mask_emb"].to(base.llama.embeddings.dtype)
        self._cached_sides: tuple[TokenIds, TokenIds] = ((), ())
        self._span_caches: dict[int, SpanCache] = {}

    @property
    def vocabulary(self) -> Vocabulary:
        return self.base.vocabulary

    def encode_sides(self, context: Context) -> tuple[TokenIds, TokenIds]:
        return self.base.encode_before(context, MAX_TOKENS_BEFORE), self.base.encode_after(context, MAX_TOKENS_AFTER)

    def encode_filling(self, context: Context, text: str) -> TokenIds:
        return self.base.encode_filling(context, text)

    def predict(self, spans: Sequence[MaskedSpan]) -> NDArray[np.float32]:
        """Return log P(token) for the first mask of each, (spans, vocabulary)."""
        import torch

        with torch.inference_mode():
            hidden = self._empty_hidden(len(spans))
            for left, right in dict.fromkeys((span.left, span.right) for span in spans):
                alike = [number for number, span in enumerate(spans) if (span.left, span.right) == (left, right)]
                hidden[alike] = self._predict_gap(left, right, [spans[number] for number in alike])
            rows: NDArray[np.float32] = self.llama.log_probs(hidden).numpy()
        return rows

    def _empty_hidden(self, count: int) -> Tensor:
        import torch

        return torch.empty(count, self.mask_embedding.shape[0], dtype=self.mask_embedding.dtype)

    def _predict_gap(self, left: TokenIds, right: TokenIds, spans: Sequence[MaskedSpan]) -> Tensor:
        if self._cached_sides != (left, right):
            self._cached_sides, self._span_caches = (left, right), {}
        counts = sorted({span.count for span in spans})
        if uncached := [count for count in counts if count not in self._span_caches]:
            self._span_caches |= self._prefill(left, right, uncached)
        hidden = self._empty_hidden(len(spans))
        for count in counts:
            alike = [number for number, span in enumerate(spans) if span.count == count]
            hidden[alike] = self._continue(self._span_caches[count], len(left), count, [spans[number].filled for number in alike])
        return hidden

    def _prefill(self, left: TokenIds, right: TokenIds, counts: Sequence[int]) -> dict[int, SpanCache]:
        """Read both texts with each number of masks between them, in one batch."""
        import torch

        longest = len(left) + max(counts) + len(right)
        rows = [[*left, *[0] * count, *right, *[0] * (longest - len(left) - count - len(right))] for count in counts]
        embeds, position_ids = self.base.llama.embed(torch.tensor(rows)), torch.arange(longest)[None]
        masked = torch.stack([(position_ids[0] >= len(left)) & (position_ids[0] < len(left) + count) for count in counts])
        embeds = torch.where(masked[..., None], self.mask_embedding, embeds)
        padding = torch.stack([position_ids[0] >= len(left) + count + len(right) for count in counts])
        attention_mask = torch.zeros(len(counts), 1, 1, longest).masked_fill(padding[:, None, None], -torch.inf)
        hidden, cache = self.llama.forward(embeds, position_ids, attention_mask)
        return {
            count: SpanCache(hidden[row, len(left) - 1].clone(), _select_columns(cache, row, ~masked[row] & ~padding[row]))
            for row, count in enumerate(counts)
        }

    def _continue(self, cache: SpanCache, start: int, count: int, filled: Sequence[TokenIds]) -> Tensor:
        """Return the hidden states that predict the next mask of each filling."""
        import torch

        hidden = cache.first_hidden.repeat(len(filled), 1)
        begun = [number for number, tokens in enumerate(filled) if tokens]
        if not begun:
            return hidden
        embeds = self.base.llama.embed(torch.tensor([[*filled[n], *[0] * (count - len(filled[n]))] for n in begun]))
        ends = torch.tensor([len(filled[n]) for n in begun])
        embeds = torch.where((torch.arange(count)[None] >= ends[:, None])[..., None], self.mask_embedding, embeds)
        states, _ = self.llama.forward(embeds, torch.arange(start, start + count)[None], None, [cache.context_kv])
        hidden[begun] = states[torch.arange(len(begun)), ends - 1]
        return hidden


def _select_columns(cache: KVCache, row: int, columns: Tensor) -> KVCache:
    return tuple((keys[:, row : row + 1, columns], values[:, row : row + 1, columns]) for keys, values in cache)


class EmbeddedModel:
    """The default GapModel, one base with two readings: the masked one proposes, the causal one scores."""

    def __init__(self, causal: CausalModel, predictor: MaskedLoraModel, adapters: Sequence[Path]) -> None:
        self.causal, self.predictor, self.adapters = causal, predictor, tuple(adapters)

    @cached_property
    def ref(self) -> ModelRef:
        hashes = " ".join(file_hash(adapter)[:12] for adapter in self.adapters)
        return ModelRef("smollm2-135m-desunt", f"adapters {hashes}", self.causal.ref.sha256)

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        """Return the masked reading's fillings, best first."""
        return [self._propose(context, limit) for context in contexts]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        constraint = constraint_for(context)
        scores = beam_search(self.predictor, *self.predictor.encode_sides(context), constraint)
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(constraint.without_letters(text), score) for text, score in best]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return log P(text, text after | text before) for each text by the causal reading."""
        return self.causal.score(context, texts)


class RescoringModel:
    """A GapModel whose proposals come from a masked model and whose scores come from the causal reading."""

    def __init__(self, proposer: MaskedModel, causal: CausalModel) -> None:
        self.proposer, self.causal = proposer, causal

    @cached_property
    def ref(self) -> ModelRef:
        proposer, scorer = self.proposer.ref, self.causal.ref
        return ModelRef(f"{proposer.name} + {scorer.name}", proposer.revision, proposer.sha256)

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        return self.proposer.propose(contexts, limit)

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        return self.causal.score(context, texts)


def load_embedded(name: str, models: Path | None, rescore: bool) -> GapModel:
    """Load the embedded model, in 8 bits where that pays."""
    return build_embedded(models, int8=has_int8_kernels())


def build_embedded(models: Path | None = None, *, int8: bool) -> EmbeddedModel | CausalModel:
    """Load the embedded model; without its masked adapter it is the causal reading alone."""
    base, masked = load_base_model(models), find_model_file(MASKED_ADAPTER, models)
    scorer = _build_scorer(base, models, int8=int8)
    if masked is None:
        return scorer
    predictor = MaskedLoraModel(base, masked, scorer.base, load_act_scales("masked", models) if int8 else None)
    adapters = (find_model_file(file, models) for file in (MASKED_ADAPTER, CAUSAL_ADAPTER, ACT_SCALES))
    return EmbeddedModel(scorer, predictor, [path for path in adapters if path])


def _build_scorer(base: TokenizedModel, models: Path | None, *, int8: bool) -> CausalModel:
    act_scales = load_act_scales("causal", models) if int8 else None
    return CausalModel(with_lora(base, find_model_file(CAUSAL_ADAPTER, models), act_scales))


def load_act_scales(reading: str, models: Path | None = None) -> ActScales:
    """Return how large the inputs of a reading's linear layers become (training/fit_act_scales.py).

    Raises DependencyMissing if the file is absent.
    """
    values, _ = read_lora(model_file(ACT_SCALES, models))
    return {name.removeprefix(f"{reading}."): value for name, value in values.items() if name.startswith(f"{reading}.")}


def with_lora(base: TokenizedModel, adapter: Path | None, act_scales: ActScales | None = None) -> TokenizedModel:
    """Return the base with the adapter in its layers, with `act_scales` in 8 bits; the base itself if there is no adapter."""
    return replace(base, llama=merge_lora(base.llama, *read_lora(adapter), act_scales)) if adapter else base


def load_hugging_face(name: str, models: Path | None, rescore: bool) -> GapModel:
    """Load a Hugging Face masked language model; with `rescore`, the causal reading scores its proposals."""
    proposer = load_masked(name)
    if not rescore:
        return proposer
    return RescoringModel(proposer, _build_scorer(load_base_model(models), models, int8=has_int8_kernels()))
