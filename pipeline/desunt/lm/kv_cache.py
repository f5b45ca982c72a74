"""Many continuations of one text, read side by side by a causal model: the text's memory is shared, never copied to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from desunt.lm.llama import Llama, Memory

if TYPE_CHECKING:
    from torch import Tensor

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Begun:
    """The beginning of a text, read: its length, memory, and the hidden state at its last place, (1, d)."""

    length: int
    memory: Memory
    last: Tensor


@dataclass(frozen=True, slots=True)
class Left:
    """The text before a gap, read: its length, memory, and log P of the next token, (vocabulary,)."""

    length: int
    memory: Memory
    following: Tensor


def read_on(llama: Llama, begun: Begun | None, tokens: Sequence[int]) -> Begun:
    """Read a text's next tokens, or its first."""
    import torch

    start, count = (begun.length if begun else 0), len(tokens)
    seen = torch.cat((torch.zeros(1, 1, count, start), backwards(count)), 3)
    before = [begun.memory] if begun else []
    hidden, memory = llama.read(llama.embed(torch.tensor([tokens])), torch.arange(start, start + count)[None], seen, before)
    return Begun(start + count, _joined(begun.memory if begun else None, memory), hidden[0, -1:])


def left_of(llama: Llama, begun: Begun) -> Left:
    """Return a text that ends at a gap."""
    return Left(begun.length, begun.memory, llama.log_probabilities(begun.last)[0])


def read_left(llama: Llama, tokens: Sequence[int]) -> Left:
    """Read the text before a gap in one go."""
    return left_of(llama, read_on(llama, None, tokens))


def backwards(length: int) -> Tensor:
    """Return what lets each of `length` places see itself and those before it, (1, 1, length, length), to be added to logits."""
    import torch

    return torch.full((length, length), -torch.inf).triu(1)[None, None]


def _chosen(memory: Memory, rows: Tensor) -> Memory:
    return tuple((keys[:, rows], values[:, rows]) for keys, values in memory)


def _joined(first: Memory | None, second: Memory) -> Memory:
    import torch

    if first is None:
        return second
    return tuple((torch.cat((a, c), 2), torch.cat((b, d), 2)) for (a, b), (c, d) in zip(first, second, strict=True))


class Step:
    """Continuations that grow by one token a step, all of one length."""

    def __init__(self, llama: Llama, left: Left) -> None:
        self.llama, self.left = llama, left
        self.own: Memory | None = None
        self.depth = 0

    def forward(self, rows: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Go on from the continuations `rows` of the last step with one token each; return log P of the next, (rows, vocabulary)."""
        import torch

        if self.own is not None:
            self.own = _chosen(self.own, torch.tensor(rows))
        places = torch.tensor([[self.left.length + self.depth]])
        earlier = [self.left.memory] if self.own is None else [self.left.memory, self.own]
        hidden, memory = self.llama.read(self.llama.embed(torch.tensor(tokens)[:, None]), places, None, earlier)
        self.own, self.depth = _joined(self.own, memory), self.depth + 1
        following: NDArray[np.float32] = self.llama.log_probabilities(hidden[:, -1]).numpy()
        return following


class Reading:
    """Fillings behind one left text, each followed by the same right text, read in stages.

    The fillings are of unequal length: they end in the same column, and the columns before a shorter one are hidden.
    """

    def __init__(self, llama: Llama, left: Left, fillings: Sequence[Sequence[int]], right: Sequence[int]) -> None:
        import torch

        self.llama, self.left, self.right = llama, left, torch.tensor(right, dtype=torch.long)
        self.lengths = torch.tensor([len(filling) for filling in fillings])
        self.widest = int(self.lengths.max())
        self.fillings = torch.tensor([[0] * (self.widest - len(f)) + list(f) for f in fillings])
        columns = torch.arange(self.widest)[None] < self.widest - self.lengths[:, None]
        # What is added to the attention's logits at the columns of a filling, (fillings, columns).
        self.hidden_columns = torch.zeros(columns.shape).masked_fill(columns, -torch.inf)
        self.own: Memory | None = None
        self.last: Tensor | None = None

    def first(self, end: int) -> Scores:
        """Return log P(filling, right[:end]) for every filling."""
        import torch

        count = len(self.fillings)
        inputs = torch.cat((self.fillings, self.right[: max(end - 1, 0)].expand(count, -1)), 1)
        hidden = self._block(inputs, self.left.length - (self.widest - self.lengths))
        self.last = hidden[:, -1]
        targets = torch.cat((self.fillings[:, 1:], self.right[:end].expand(count, -1)), 1)
        gains = self.left.following[self.fillings[torch.arange(count), self.widest - self.lengths]].double()
        real = torch.arange(1, targets.shape[1] + 1)[None] > self.widest - self.lengths[:, None]
        return (gains + self._sums(hidden[:, : targets.shape[1]], targets, real)).numpy()

    def further(self, kept: NDArray[np.intp], start: int, end: int) -> Scores:
        """Forget all fillings but `kept` (numbers among those not yet forgotten); return log P(right[start:end] | what is before)."""
        import torch

        rows = torch.from_numpy(kept)
        if self.own is not None:
            self.own = _chosen(self.own, rows)
        self.lengths, self.hidden_columns = self.lengths[rows], self.hidden_columns[rows]
        inputs = self.right[start - 1 : end - 1].expand(len(rows), -1)
        hidden = self._block(inputs, self.left.length + self.lengths + start - 1)
        targets = self.right[start:end].expand(len(rows), -1)
        return self._sums(hidden, targets, torch.ones_like(targets, dtype=torch.bool)).numpy()

    def endings(self, allowed: Tensor) -> Scores:
        """Return log P that the token behind each filling is an allowed one: that the filling's last word is whole."""
        import torch

        if self.last is None:
            raise ValueError("nothing was read yet")
        following = self.llama.log_probabilities(self.last)
        return torch.logsumexp(following.masked_fill(~allowed, -torch.inf), -1).double().numpy()

    def _block(self, inputs: Tensor, starts: Tensor) -> Tensor:
        """Read one more block of columns, (fillings, t), whose first stands at place `starts` of its row; return the hidden states."""
        import torch

        count, length = inputs.shape
        places = (starts[:, None] + torch.arange(length)[None]).clamp(min=0)
        earlier = 0 if self.own is None else self.own[0][0].shape[2]
        columns = torch.zeros(count, earlier + length)
        columns[:, : self.widest] = self.hidden_columns
        seen = torch.zeros(count, 1, length, self.left.length + earlier + length)
        seen[..., self.left.length :] += columns[:, None, None]
        seen[..., self.left.length + earlier :] += backwards(length)
        before = [self.left.memory] if self.own is None else [self.left.memory, self.own]
        hidden, memory = self.llama.read(self.llama.embed(inputs), places, seen, before)
        self.own = _joined(self.own, memory)
        return hidden

    def _sums(self, hidden: Tensor, targets: Tensor, real: Tensor) -> Tensor:
        """Return the summed log P of the real targets of each row, (fillings,), in double precision."""
        import torch

        gains = torch.zeros(targets.shape, dtype=torch.float64)
        gains[real] = self.llama.log_probabilities_of(hidden[real], targets[real]).double()
        return gains.sum(1)
