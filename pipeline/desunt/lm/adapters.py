"""The embedded model: SmolLM2 with two trained low-rank adapters (models/train.py), one a reading.

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
from desunt.lm.beam_search import Ids, Slots, fill, joint
from desunt.lm.causal import Base, CausalModel, read_base
from desunt.lm.gap_constraint import MOST_WORDS, log_prior, shape_of
from desunt.lm.int8 import pays
from desunt.lm.llama import Llama, Loudest, Memory, with_adapter
from desunt.lm.masked import MaskedModel, load_masked
from desunt.lm.model_files import model_file, model_folders
from desunt.lm.vocabulary import Pieces
from desunt.record.conjecture import ModelRef
from desunt.record.files import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

MASKED, CAUSAL, LOUDNESS = "masked-adapter.safetensors", "causal-adapter.safetensors", "loudness.safetensors"
LEFT, RIGHT = 40, 20
# Left-context beams that join the masked reading's own proposals: none since counted phrases do, which find what they found
# (docs/results.md, what each part adds).
FROM_LEFT = 0


def read_adapter(path: Path) -> tuple[dict[str, Tensor], float]:
    """Return the values of an adapter by name, and what its product is scaled by."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        scale = float((file.metadata() or {}).get("scale", "2.0"))
        return {name: file.get_tensor(name) for name in file.keys()}, scale  # noqa: SIM118 (not a mapping)


@dataclass(frozen=True, slots=True)
class Row:
    """Two texts with masks between them, read once: what the later steps need of it."""

    first: Tensor  # hidden state that predicts the first mask, (d)
    around: Memory  # keys and values of the two texts, of the masks none


class AdaptedReader:
    """A mask reader that keeps the memory of the text round the masks: only the span is read again as it is filled.

    So the text round the gap is read as if all its masks were open; the span itself always sees what is filled. It remembers the rows of
    the last gap. `words`, if given, serves for words and embeddings in the place of `base`, whose layers can then be forgotten.
    """

    def __init__(self, base: Base, adapter: Path, words: Base | None = None, narrow: Loudest | None = None) -> None:
        values, scale = read_adapter(adapter)
        self.base = words or base
        self.llama: Llama = with_adapter(base.llama, values, scale, narrow)
        self.mask: Tensor = values["mask_emb"].to(base.llama.embeddings.dtype)
        self._sides: tuple[Ids, Ids] = ((), ())
        self._rows: dict[int, Row] = {}

    @property
    def pieces(self) -> Pieces:
        return self.base.pieces

    def sides(self, context: Context) -> tuple[Ids, Ids]:
        return self.base.left(context, LEFT), self.base.right(context, RIGHT)

    def filling(self, context: Context, text: str) -> Ids:
        return self.base.filling(context, text)

    def read(self, slots: Sequence[Slots]) -> NDArray[np.float32]:
        """Return log P(piece) for the first mask of each, (slots, vocabulary)."""
        import torch

        with torch.inference_mode():
            hidden = torch.empty(len(slots), self.mask.shape[0], dtype=self.mask.dtype)
            for left, right in dict.fromkeys((one.left, one.right) for one in slots):
                alike = [number for number, one in enumerate(slots) if (one.left, one.right) == (left, right)]
                hidden[alike] = self._read_gap(left, right, [slots[number] for number in alike])
            rows: NDArray[np.float32] = self.llama.log_probabilities(hidden).numpy()
        return rows

    def _read_gap(self, left: Ids, right: Ids, slots: Sequence[Slots]) -> Tensor:
        import torch

        if self._sides != (left, right):
            self._sides, self._rows = (left, right), {}
        new = sorted({one.count for one in slots} - self._rows.keys())
        if new:
            self._rows |= self._open(left, right, new)
        hidden = torch.empty(len(slots), self.mask.shape[0], dtype=self.mask.dtype)
        for count in sorted({one.count for one in slots}):
            alike = [number for number, one in enumerate(slots) if one.count == count]
            hidden[alike] = self._continue(self._rows[count], len(left), count, [slots[number].filled for number in alike])
        return hidden

    def _open(self, left: Ids, right: Ids, counts: Sequence[int]) -> dict[int, Row]:
        """Read both texts with each number of masks between them, in one batch."""
        import torch

        longest = len(left) + max(counts) + len(right)
        rows = [[*left, *[0] * count, *right, *[0] * (longest - len(left) - count - len(right))] for count in counts]
        inputs, places = self.base.llama.embed(torch.tensor(rows)), torch.arange(longest)[None]
        span = torch.stack([(places[0] >= len(left)) & (places[0] < len(left) + count) for count in counts])
        inputs = torch.where(span[..., None], self.mask, inputs)
        unreal = torch.stack([places[0] >= len(left) + count + len(right) for count in counts])
        seen = torch.zeros(len(counts), 1, 1, longest).masked_fill(unreal[:, None, None], -torch.inf)
        hidden, memory = self.llama.read(inputs, places, seen)
        return {
            count: Row(hidden[number, len(left) - 1].clone(), _around(memory, number, ~span[number] & ~unreal[number]))
            for number, count in enumerate(counts)
        }

    def _continue(self, row: Row, start: int, count: int, filled: Sequence[Ids]) -> Tensor:
        """Return the hidden states that predict the next mask of each filling."""
        import torch

        hidden = row.first.repeat(len(filled), 1)
        begun = [number for number, pieces in enumerate(filled) if pieces]
        if not begun:
            return hidden
        inputs = self.base.llama.embed(torch.tensor([[*filled[n], *[0] * (count - len(filled[n]))] for n in begun]))
        ends = torch.tensor([len(filled[n]) for n in begun])
        inputs = torch.where((torch.arange(count)[None] >= ends[:, None])[..., None], self.mask, inputs)
        states, _ = self.llama.read(inputs, torch.arange(start, start + count)[None], None, [row.around])
        hidden[begun] = states[torch.arange(len(begun)), ends - 1]
        return hidden


def _around(memory: Memory, number: int, kept: Tensor) -> Memory:
    return tuple((keys[:, number : number + 1, kept], values[:, number : number + 1, kept]) for keys, values in memory)


class EmbeddedModel:
    """The default GapModel, one base with two readings: the masked one proposes with the left context, the causal one scores."""

    def __init__(self, causal: CausalModel, reader: AdaptedReader, adapters: Sequence[Path], from_left: int = FROM_LEFT) -> None:
        self.causal, self.reader, self.adapters, self.from_left = causal, reader, tuple(adapters), from_left

    @cached_property
    def ref(self) -> ModelRef:
        hashes = " ".join(sha256_of(adapter)[:12] for adapter in self.adapters)
        return ModelRef("smollm2-135m-desunt", f"adapters {hashes}", self.causal.ref.sha256)

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        """Return the masked reading's fillings, and what is asked for of the left context's, by the masked score, best first."""
        return [self._propose(context, limit) for context in contexts]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        shape, (left, right) = shape_of(context), self.reader.sides(context)
        whole = fill(self.reader, left, right, shape)
        if self.from_left:
            from_left = sorted(self.causal.beams(context).items(), key=lambda item: (-item[1], item[0]))[: self.from_left]
            others = [text for text, _ in from_left if text not in whole]
            whole |= dict(zip(others, self._joint(context, [shape.lost(text) for text in others]), strict=True))
        best = sorted(whole.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(shape.lost(text), score) for text, score in best]

    def _joint(self, context: Context, texts: Sequence[str]) -> list[float]:
        fillings = [self.reader.filling(context, text) for text in texts]
        scores = joint(self.reader, *self.reader.sides(context), fillings)
        return [score + log_prior(len(f), (1, MOST_WORDS)) for score, f in zip(scores, fillings, strict=True)]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return log P(text, text after | text before) for each text by the causal reading."""
        return self.causal.score(context, texts)


class Rescored:
    """A GapModel whose proposals come from a masked model and whose scores come from the causal reading."""

    def __init__(self, proposer: MaskedModel, causal: CausalModel) -> None:
        self.proposer, self.causal = proposer, causal

    @cached_property
    def ref(self) -> ModelRef:
        asked, judge = self.proposer.ref, self.causal.ref
        return ModelRef(f"{asked.name} + {judge.name}", asked.revision, asked.sha256)

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        return self.proposer.propose(contexts, limit)

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        return self.causal.score(context, texts)


def load_embedded(name: str, models: Path | None, rescore: bool) -> GapModel:
    """Load the embedded model, in 8 bits where that pays; without its trained adapters it is the causal reading of the base alone."""
    base, (masked, causal) = read_base(models), (_adapter(file, models) for file in (MASKED, CAUSAL))
    judge = CausalModel(tuned(base, causal, loudest("causal", models)))
    if masked is None:
        return judge
    reader = AdaptedReader(base, masked, judge.base, loudest("masked", models))
    return EmbeddedModel(judge, reader, [path for path in (masked, causal, _adapter(LOUDNESS, models)) if path])


def loudest(reading: str, models: Path | None) -> Loudest | None:
    """Return how loud the inputs of a reading's maps become (models/fit_loudness.py), None where 8 bits do not pay.

    Raises DependencyMissing if the file is absent.
    """
    if not pays():
        return None
    values, _ = read_adapter(model_file(LOUDNESS, models))
    return {name.removeprefix(f"{reading}."): value for name, value in values.items() if name.startswith(f"{reading}.")}


def _adapter(file: str, models: Path | None) -> Path | None:
    return next((folder / file for folder in model_folders(models) if (folder / file).is_file()), None)


def tuned(base: Base, adapter: Path | None, narrow: Loudest | None = None) -> Base:
    """Return the base with the adapter in its maps, with `narrow` in 8 bits; the base itself if there is no adapter."""
    return replace(base, llama=with_adapter(base.llama, *read_adapter(adapter), narrow)) if adapter else base


def load_other(name: str, models: Path | None, rescore: bool) -> GapModel:
    """Load a Hugging Face masked language model; with `rescore`, the embedded model scores its proposals."""
    proposer = load_masked(name)
    if not rescore:
        return proposer
    return Rescored(proposer, CausalModel(tuned(read_base(models), _adapter(CAUSAL, models), loudest("causal", models))))
