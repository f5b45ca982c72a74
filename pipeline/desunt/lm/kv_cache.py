"""Many continuations of one text, read side by side by a causal model: the text's KV cache is shared, never copied to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from desunt.lm.llama import KVCache, Llama

if TYPE_CHECKING:
    from torch import Tensor

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PrefixState:
    """The beginning of a text, read: its length, cache, and the hidden state at its last place, (1, d)."""

    length: int
    cache: KVCache
    last_hidden: Tensor


@dataclass(frozen=True, slots=True)
class Prefix:
    """The text before a gap, read: its length, cache, and log P of the next token, (vocabulary,)."""

    length: int
    cache: KVCache
    next_log_probs: Tensor


def extend_prefix(llama: Llama, state: PrefixState | None, tokens: Sequence[int]) -> PrefixState:
    """Read a text's next tokens, or its first."""
    import torch

    start, count = (state.length if state else 0), len(tokens)
    mask = torch.cat((torch.zeros(1, 1, count, start), causal_mask(count)), 3)
    past = [state.cache] if state else []
    hidden, cache = llama.forward(llama.embed(torch.tensor([tokens])), torch.arange(start, start + count)[None], mask, past)
    return PrefixState(start + count, _concat_caches(state.cache if state else None, cache), hidden[0, -1:])


def finish_prefix(llama: Llama, state: PrefixState) -> Prefix:
    """Return a text that ends at a gap."""
    return Prefix(state.length, state.cache, llama.log_probs(state.last_hidden)[0])


def causal_mask(length: int) -> Tensor:
    """Return what lets each of `length` places see itself and those before it, (1, 1, length, length), to be added to logits."""
    import torch

    return torch.full((length, length), -torch.inf).triu(1)[None, None]


def _select_rows(cache: KVCache, rows: Tensor) -> KVCache:
    return tuple((keys[:, rows], values[:, rows]) for keys, values in cache)


def _concat_caches(first: KVCache | None, second: KVCache) -> KVCache:
    import torch

    if first is None:
        return second
    return tuple((torch.cat((a, c), 2), torch.cat((b, d), 2)) for (a, b), (c, d) in zip(first, second, strict=True))


class DecodeBatch:
    """Continuations that grow by one token a step, all of one length."""

    def __init__(self, llama: Llama, prefix: Prefix) -> None:
        self.llama, self.prefix = llama, prefix
        self.own_cache: KVCache | None = None
        self.depth = 0

    def step(self, rows: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Go on from the continuations `rows` of the last step with one token each; return log P of the next, (rows, vocabulary)."""
        import torch

        if self.own_cache is not None:
            self.own_cache = _select_rows(self.own_cache, torch.tensor(rows))
        position_ids = torch.tensor([[self.prefix.length + self.depth]])
        past = [self.prefix.cache] if self.own_cache is None else [self.prefix.cache, self.own_cache]
        hidden, cache = self.llama.forward(self.llama.embed(torch.tensor(tokens)[:, None]), position_ids, None, past)
        self.own_cache, self.depth = _concat_caches(self.own_cache, cache), self.depth + 1
        next_log_probs: NDArray[np.float32] = self.llama.log_probs(hidden[:, -1]).numpy()
        return next_log_probs


class BatchScorer:
    """Fillings behind one prefix, each followed by the same right text, read in stages.

    The fillings are of unequal length: they end in the same column, and the columns before a shorter one are hidden.
    """

    def __init__(self, llama: Llama, prefix: Prefix, fillings: Sequence[Sequence[int]], right: Sequence[int]) -> None:
        import torch

        self.llama, self.prefix, self.right = llama, prefix, torch.tensor(right, dtype=torch.long)
        self.lengths = torch.tensor([len(filling) for filling in fillings])
        self.width = int(self.lengths.max())
        self.fillings = torch.tensor([[0] * (self.width - len(f)) + list(f) for f in fillings])
        padding = torch.arange(self.width)[None] < self.width - self.lengths[:, None]
        # What is added to the attention's logits at the columns of a filling, (fillings, columns).
        self.padding_mask = torch.zeros(padding.shape).masked_fill(padding, -torch.inf)
        self.own_cache: KVCache | None = None
        self.last_hidden: Tensor | None = None

    def score_first(self, end: int) -> Scores:
        """Return log P(filling, right[:end]) for every filling."""
        import torch

        count = len(self.fillings)
        inputs = torch.cat((self.fillings, self.right[: max(end - 1, 0)].expand(count, -1)), 1)
        hidden = self._read_block(inputs, self.prefix.length - (self.width - self.lengths))
        self.last_hidden = hidden[:, -1]
        targets = torch.cat((self.fillings[:, 1:], self.right[:end].expand(count, -1)), 1)
        first_log_probs = self.prefix.next_log_probs[self.fillings[torch.arange(count), self.width - self.lengths]].double()
        real = torch.arange(1, targets.shape[1] + 1)[None] > self.width - self.lengths[:, None]
        return (first_log_probs + self._sum_log_probs(hidden[:, : targets.shape[1]], targets, real)).numpy()

    def score_next(self, rows: NDArray[np.intp], start: int, end: int) -> Scores:
        """Forget all fillings but `rows` (numbers among those not yet forgotten); return log P(right[start:end] | what is before)."""
        import torch

        selected = torch.from_numpy(rows)
        if self.own_cache is not None:
            self.own_cache = _select_rows(self.own_cache, selected)
        self.lengths, self.padding_mask = self.lengths[selected], self.padding_mask[selected]
        inputs = self.right[start - 1 : end - 1].expand(len(selected), -1)
        hidden = self._read_block(inputs, self.prefix.length + self.lengths + start - 1)
        targets = self.right[start:end].expand(len(selected), -1)
        return self._sum_log_probs(hidden, targets, torch.ones_like(targets, dtype=torch.bool)).numpy()

    def word_end_log_prob(self, allowed: Tensor) -> Scores:
        """Return log P that the token behind each filling is an allowed one: that the filling's last word is whole."""
        import torch

        if self.last_hidden is None:
            raise ValueError("nothing was read yet")
        next_log_probs = self.llama.log_probs(self.last_hidden)
        return torch.logsumexp(next_log_probs.masked_fill(~allowed, -torch.inf), -1).double().numpy()

    def _read_block(self, inputs: Tensor, starts: Tensor) -> Tensor:
        """Read one more block of columns, (fillings, t), whose first stands at place `starts` of its row; return the hidden states."""
        import torch

        count, length = inputs.shape
        position_ids = (starts[:, None] + torch.arange(length)[None]).clamp(min=0)
        earlier = 0 if self.own_cache is None else self.own_cache[0][0].shape[2]
        columns = torch.zeros(count, earlier + length)
        columns[:, : self.width] = self.padding_mask
        mask = torch.zeros(count, 1, length, self.prefix.length + earlier + length)
        mask[..., self.prefix.length :] += columns[:, None, None]
        mask[..., self.prefix.length + earlier :] += causal_mask(length)
        past = [self.prefix.cache] if self.own_cache is None else [self.prefix.cache, self.own_cache]
        hidden, cache = self.llama.forward(self.llama.embed(inputs), position_ids, mask, past)
        self.own_cache = _concat_caches(self.own_cache, cache)
        return hidden

    def _sum_log_probs(self, hidden: Tensor, targets: Tensor, real: Tensor) -> Tensor:
        """Return the summed log P of the real targets of each row, (fillings,), in double precision."""
        import torch

        log_probs = torch.zeros(targets.shape, dtype=torch.float64)
        log_probs[real] = self.llama.token_log_probs(hidden[real], targets[real]).double()
        return log_probs.sum(1)
