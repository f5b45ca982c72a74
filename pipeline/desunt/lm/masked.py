"""Masked language models: any of Hugging Face's by name or folder, asked for joint probabilities of whole fillings."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from desunt.errors import DependencyMissing, UsageError
from desunt.lm import Context, Filling
from desunt.lm.beam_search import Ids, MaskReader, Prior, Slots, fill
from desunt.lm.gap_constraint import MOST_WORDS, log_prior, shape_of
from desunt.lm.llama import obey_thread_limit, working_type
from desunt.lm.vocabulary import Pieces, read_pieces
from desunt.record.conjecture import ModelRef
from desunt.record.files import sha256_of

if TYPE_CHECKING:
    from torch import Tensor, dtype

# Text on each side, in tokens; enough for a gap's neighbourhood, and half a second less a gap than a whole window.
AROUND = 96
ROWS = 16
# Characters that hold so many tokens, with room to spare.
CHARACTERS = 12
LONGEST = 16
KIND = "Name a model of the fill-mask kind"
NEEDED = "It needs the configuration, weights and tokenizer of a fill-mask model"
# What turns hidden states into logits, by the attributes of the families' classes.
HEADS = (("cls",), ("head", "decoder"), ("lm_head",), ("predictions",))


class TextReader(MaskReader, Protocol):
    """A mask reader that cuts texts into tokens."""

    def sides(self, context: Context) -> tuple[Ids, Ids]:
        """Return the tokens before and after the gap, as many as the model can take."""
        ...

    def filling(self, context: Context, text: str) -> Ids:
        """Return the tokens of a filling with its surviving letters."""
        ...


class MaskedModel:
    """A GapModel that reads both sides of the gap at once."""

    def __init__(self, reader: TextReader, ref: Callable[[], ModelRef], prior: Prior = log_prior) -> None:
        self.reader, self.prior, self._ref = reader, prior, ref

    @cached_property
    def ref(self) -> ModelRef:
        return self._ref()

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        """Return the fillings with the highest joint probability of their pieces and their number, best first."""
        return [self._propose(context, limit) for context in contexts]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        shape = shape_of(context)
        whole = fill(self.reader, *self.reader.sides(context), shape, self.prior)
        best = sorted(whole.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(shape.lost(text), score) for text, score in best]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return the pseudo-log-likelihood of each text, and the prior of its number of pieces.

        Within a word a piece is read with the later pieces of the word masked too (Kauf & Ivanova 2023, arXiv 2305.10588): else a word
        of several pieces would be predicted from its own parts, and win over words of one. What two fillings ask alike is read once.
        """
        sides = self.reader.sides(context)
        fillings = [self.reader.filling(context, text) for text in texts]
        asked = [list(self._questions(filling, *sides)) for filling in fillings]
        slots = list(dict.fromkeys(slot for questions in asked for slot, _ in questions))
        row_of = dict(zip(slots, self.reader.read(slots), strict=True)) if slots else {}
        words = (1, MOST_WORDS)
        return [
            sum(float(row_of[slot][piece]) for slot, piece in questions) + self.prior(len(questions), words) if questions else -math.inf
            for questions in asked
        ]

    def _questions(self, filling: Ids, left: Ids, right: Ids) -> Iterator[tuple[Slots, int]]:
        for start, end in words_of(filling, self.reader.pieces):
            for place in range(start, end):
                slots = Slots(left + filling[:start], filling[start:place], end - start, filling[end:] + right)
                yield slots, filling[place]


def words_of(filling: Ids, pieces: Pieces) -> list[tuple[int, int]]:
    """Return where each word of a filling starts and ends, in pieces."""
    starts = [place for place, piece in enumerate(filling) if place == 0 or pieces.starts[piece]]
    return list(zip(starts, [*starts[1:], len(filling)], strict=True))


class HuggingFaceReader:
    """A masked language model of the BERT, RoBERTa or ModernBERT family, or another with the same interface."""

    def __init__(self, model: Any, tokenizer: Any, around: int = AROUND) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self._pieces = read_pieces(tokens, tokenizer.all_special_ids)
        self.around = min(around, (self._longest() - LONGEST - 2) // 2)

    @property
    def pieces(self) -> Pieces:
        return self._pieces

    def _longest(self) -> int:
        # RoBERTa's positions start behind the padding token's number.
        config = self.model.config
        offset = (config.pad_token_id or 0) + 1 if "roberta" in config.model_type else 0
        return min(int(config.max_position_embeddings) - offset, int(self.tokenizer.model_max_length))

    def _tokens(self, text: str) -> Ids:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def sides(self, context: Context) -> tuple[Ids, Ids]:
        before, after = context.before[-CHARACTERS * self.around :], context.after[: CHARACTERS * self.around]
        space = " " if after[:1].isspace() else ""
        left = self._tokens(" ".join(before.split()))[-self.around :]
        return left, self._tokens(space + " ".join(after.split()))[: self.around]

    def filling(self, context: Context, text: str) -> Ids:
        glued = bool(context.before) and not context.before[-1].isspace()
        return self._tokens(f"{'' if glued else ' '}{context.letters.before}{text}{context.letters.after}")[:LONGEST]

    def read(self, slots: Sequence[Slots]) -> NDArray[np.float32]:
        """Return log P(piece) for the first mask of each, (slots, vocabulary); rows of about the same length are read together."""
        import torch

        order = sorted(range(len(slots)), key=lambda number: len(self._row(slots[number])))
        result = np.empty((len(slots), len(self.pieces)), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), ROWS):
                chosen = order[start : start + ROWS]
                result[chosen] = self._read([slots[number] for number in chosen])[:, : len(self.pieces)]
        return result

    def _row(self, slots: Slots) -> list[int]:
        masks = [self.tokenizer.mask_token_id] * (slots.count - len(slots.filled))
        first = [self.tokenizer.cls_token_id] if self.tokenizer.cls_token_id is not None else []
        last = [self.tokenizer.sep_token_id] if self.tokenizer.sep_token_id is not None else []
        return [*first, *slots.left, *slots.filled, *masks, *slots.right, *last]

    def _read(self, slots: Sequence[Slots]) -> NDArray[np.float32]:
        import torch

        rows = [self._row(one) for one in slots]
        longest = max(map(len, rows))
        padding = self.tokenizer.pad_token_id or 0
        numbers = torch.tensor([row + [padding] * (longest - len(row)) for row in rows])
        real = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        first = self.tokenizer.cls_token_id is not None
        places = torch.tensor([first + len(one.left) + len(one.filled) for one in slots])
        logits = self._logits(numbers, real, places)
        rows_of_logits: NDArray[np.float32] = logits.float().log_softmax(-1).numpy()
        return rows_of_logits

    def _logits(self, numbers: Tensor, real: Tensor, places: Tensor) -> Tensor:
        """Return the logits at one place a row; the vocabulary head runs there alone, which halves the work of a small model."""
        import torch

        rows = torch.arange(len(numbers))
        head = next((names for names in HEADS if all(hasattr(self.model, name) for name in names)), None)
        if head is None or self.model.base_model is self.model:
            whole: Tensor = self.model(input_ids=numbers, attention_mask=real).logits[rows, places]
            return whole
        hidden: Tensor = self.model.base_model(input_ids=numbers, attention_mask=real).last_hidden_state[rows, places][:, None]
        for name in head:
            hidden = getattr(self.model, name)(hidden)
        return hidden[:, 0]


def load_masked(name: str, kind: dtype | None = None) -> MaskedModel:
    """Load a masked language model from a folder, or by name from the local cache of Hugging Face; nothing is downloaded.

    Raises DependencyMissing if it is not on this machine, UsageError if it is not a masked language model.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers import AutoModelForMaskedLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    obey_thread_limit()
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
        model = AutoModelForMaskedLM.from_pretrained(name, local_files_only=True, dtype=kind or working_type())
    except (OSError, ValueError, KeyError) as error:
        raise _refused(name, error) from None
    if tokenizer.mask_token_id is None:
        raise UsageError(f"the tokenizer of {name} has no mask token", remedy=KIND)
    return MaskedModel(HuggingFaceReader(model, tokenizer), lambda: _reference(name, model))


def _refused(name: str, error: Exception) -> DependencyMissing | UsageError:
    """Say why a model cannot be loaded: it is not here, its folder is incomplete, or it is of another kind."""
    if Path(name).is_dir():
        return UsageError(f"the folder {name} holds no complete masked language model: {_first_line(error)}", remedy=NEEDED)
    if not isinstance(error, OSError):
        return UsageError(f"{name} is not a masked language model: {_first_line(error)}", remedy=KIND)
    return DependencyMissing(
        f"the language model {name} is not on this machine", remedy=f"Type `hf download {name}`, or give a folder, or leave --model out"
    )


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error).strip().partition("\n")[0])[:200].rstrip(".")


def _reference(name: str, model: Any) -> ModelRef:
    """Return the model's name, its revision (None for a folder), and the hash of its weights file."""
    from transformers.utils import cached_file

    revision = str(getattr(model.config, "_commit_hash", None) or "local")
    for file in ("model.safetensors", "pytorch_model.bin"):
        path = cached_file(name, file, local_files_only=True, _raise_exceptions_for_missing_entries=False)
        if path is not None:
            return ModelRef(name, revision, sha256_of(Path(path)))
    return ModelRef(name, revision, "unknown")
