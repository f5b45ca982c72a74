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
from desunt.lm.beam_search import MaskedSpan, MaskPredictor, Prior, TokenIds, beam_search
from desunt.lm.gap_constraint import MAX_WORDS, constraint_for, log_prior
from desunt.lm.llama import compute_dtype, obey_thread_limit
from desunt.lm.model_files import file_hash
from desunt.lm.vocabulary import Vocabulary, read_vocabulary
from desunt.record.conjecture import ModelRef

if TYPE_CHECKING:
    from torch import Tensor, dtype

# Text on each side; enough for a gap's neighbourhood, and half a second less a gap than a whole window.
MAX_TOKENS_A_SIDE = 96
BATCH_ROWS = 16
# Characters that hold so many tokens, with room to spare.
MAX_CHARS_PER_TOKEN = 12
MAX_FILLING_TOKENS = 16
WRONG_KIND_REMEDY = "Name a model of the fill-mask kind"
INCOMPLETE_REMEDY = "It needs the configuration, weights and tokenizer of a fill-mask model"
# What turns hidden states into logits, by the attributes of the families' classes.
VOCABULARY_HEADS = (("cls",), ("head", "decoder"), ("lm_head",), ("predictions",))


class TextMaskPredictor(MaskPredictor, Protocol):
    """A mask predictor that cuts texts into tokens."""

    def encode_sides(self, context: Context) -> tuple[TokenIds, TokenIds]:
        """Return the tokens before and after the gap, as many as the model can take."""
        ...

    def encode_filling(self, context: Context, text: str) -> TokenIds:
        """Return the tokens of a filling with its surviving letters."""
        ...


class MaskedModel:
    """A GapModel that reads both sides of the gap at once."""

    def __init__(self, predictor: TextMaskPredictor, ref: Callable[[], ModelRef], prior: Prior = log_prior) -> None:
        self.predictor, self.prior, self._ref = predictor, prior, ref

    @cached_property
    def ref(self) -> ModelRef:
        return self._ref()

    def propose(self, contexts: Sequence[Context], limit: int) -> list[list[Filling]]:
        """Return the fillings with the highest joint probability of their tokens and their number, best first."""
        return [self._propose(context, limit) for context in contexts]

    def _propose(self, context: Context, limit: int) -> list[Filling]:
        constraint = constraint_for(context)
        scores = beam_search(self.predictor, *self.predictor.encode_sides(context), constraint, self.prior)
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return [Filling(constraint.without_letters(text), score) for text, score in best]

    def score(self, context: Context, texts: Sequence[str]) -> list[float]:
        """Return the pseudo-log-likelihood of each text, and the prior of its number of tokens.

        Within a word a token is read with the later tokens of the word masked too (Kauf & Ivanova 2023, arXiv 2305.10588): else a word
        of several tokens would be predicted from its own parts, and win over words of one. What two fillings ask alike is read once.
        """
        sides = self.predictor.encode_sides(context)
        fillings = [self.predictor.encode_filling(context, text) for text in texts]
        targets = [list(self._masked_spans(filling, *sides)) for filling in fillings]
        spans = list(dict.fromkeys(span for pairs in targets for span, _ in pairs))
        row_of = dict(zip(spans, self.predictor.predict(spans), strict=True)) if spans else {}
        word_range = (1, MAX_WORDS)
        return [
            sum(float(row_of[span][token]) for span, token in pairs) + self.prior(len(pairs), word_range) if pairs else -math.inf
            for pairs in targets
        ]

    def _masked_spans(self, filling: TokenIds, left: TokenIds, right: TokenIds) -> Iterator[tuple[MaskedSpan, int]]:
        """Yield each token of a filling, and the span whose first mask it is."""
        for start, end in word_spans(filling, self.predictor.vocabulary):
            for place in range(start, end):
                span = MaskedSpan(left + filling[:start], filling[start:place], end - start, filling[end:] + right)
                yield span, filling[place]


def word_spans(filling: TokenIds, vocabulary: Vocabulary) -> list[tuple[int, int]]:
    """Return where each word of a filling starts and ends, in tokens."""
    starts = [place for place, token in enumerate(filling) if place == 0 or vocabulary.word_start[token]]
    return list(zip(starts, [*starts[1:], len(filling)], strict=True))


class HuggingFaceMaskPredictor:
    """A masked language model of the BERT, RoBERTa or ModernBERT family, or another with the same interface."""

    def __init__(self, model: Any, tokenizer: Any, max_tokens_a_side: int = MAX_TOKENS_A_SIDE) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self._vocabulary = read_vocabulary(tokens, tokenizer.all_special_ids)
        self.max_tokens_a_side = min(max_tokens_a_side, (self._max_input_tokens() - MAX_FILLING_TOKENS - 2) // 2)

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    def _max_input_tokens(self) -> int:
        # RoBERTa's positions start behind the padding token's number.
        config = self.model.config
        offset = (config.pad_token_id or 0) + 1 if "roberta" in config.model_type else 0
        return min(int(config.max_position_embeddings) - offset, int(self.tokenizer.model_max_length))

    def _encode(self, text: str) -> TokenIds:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def encode_sides(self, context: Context) -> tuple[TokenIds, TokenIds]:
        most = self.max_tokens_a_side
        before, after = context.before[-MAX_CHARS_PER_TOKEN * most :], context.after[: MAX_CHARS_PER_TOKEN * most]
        space = " " if after[:1].isspace() else ""
        return self._encode(" ".join(before.split()))[-most:], self._encode(space + " ".join(after.split()))[:most]

    def encode_filling(self, context: Context, text: str) -> TokenIds:
        no_space_before = bool(context.before) and not context.before[-1].isspace()
        text = f"{'' if no_space_before else ' '}{context.letters.before}{text}{context.letters.after}"
        return self._encode(text)[:MAX_FILLING_TOKENS]

    def predict(self, spans: Sequence[MaskedSpan]) -> NDArray[np.float32]:
        """Return log P(token) for the first mask of each, (spans, vocabulary); rows of about the same length are read together."""
        import torch

        by_length = sorted(range(len(spans)), key=lambda number: len(self._input_ids(spans[number])))
        log_probs = np.empty((len(spans), len(self.vocabulary)), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(by_length), BATCH_ROWS):
                batch = by_length[start : start + BATCH_ROWS]
                log_probs[batch] = self._predict_batch([spans[number] for number in batch])[:, : len(self.vocabulary)]
        return log_probs

    def _input_ids(self, span: MaskedSpan) -> list[int]:
        masks = [self.tokenizer.mask_token_id] * (span.count - len(span.filled))
        first = [self.tokenizer.cls_token_id] if self.tokenizer.cls_token_id is not None else []
        last = [self.tokenizer.sep_token_id] if self.tokenizer.sep_token_id is not None else []
        return [*first, *span.left, *span.filled, *masks, *span.right, *last]

    def _predict_batch(self, spans: Sequence[MaskedSpan]) -> NDArray[np.float32]:
        import torch

        rows = [self._input_ids(span) for span in spans]
        longest = max(map(len, rows))
        padding = self.tokenizer.pad_token_id or 0
        input_ids = torch.tensor([row + [padding] * (longest - len(row)) for row in rows])
        attention_mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
        first = self.tokenizer.cls_token_id is not None
        places = torch.tensor([first + len(span.left) + len(span.filled) for span in spans])
        logits = self._logits(input_ids, attention_mask, places)
        log_probs: NDArray[np.float32] = logits.float().log_softmax(-1).numpy()
        return log_probs

    def _logits(self, input_ids: Tensor, attention_mask: Tensor, places: Tensor) -> Tensor:
        """Return the logits at one place a row; the vocabulary head runs there alone, which halves the work of a small model."""
        import torch

        rows = torch.arange(len(input_ids))
        head = next((names for names in VOCABULARY_HEADS if all(hasattr(self.model, name) for name in names)), None)
        if head is None or self.model.base_model is self.model:
            logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits[rows, places]
            return logits
        hidden: Tensor = self.model.base_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[rows, places][:, None]
        for name in head:
            hidden = getattr(self.model, name)(hidden)
        return hidden[:, 0]


def load_masked(name: str, torch_dtype: dtype | None = None) -> MaskedModel:
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
        model = AutoModelForMaskedLM.from_pretrained(name, local_files_only=True, dtype=torch_dtype or compute_dtype())
    except (OSError, ValueError, KeyError) as error:
        raise _load_error(name, error) from None
    if tokenizer.mask_token_id is None:
        raise UsageError(f"the tokenizer of {name} has no mask token", remedy=WRONG_KIND_REMEDY)
    return MaskedModel(HuggingFaceMaskPredictor(model, tokenizer), lambda: _model_ref(name, model))


def _load_error(name: str, error: Exception) -> DependencyMissing | UsageError:
    """Say why a model cannot be loaded: it is not here, its folder is incomplete, or it is of another kind."""
    if Path(name).is_dir():
        return UsageError(f"the folder {name} holds no complete masked language model: {_first_line(error)}", remedy=INCOMPLETE_REMEDY)
    if not isinstance(error, OSError):
        return UsageError(f"{name} is not a masked language model: {_first_line(error)}", remedy=WRONG_KIND_REMEDY)
    return DependencyMissing(
        f"the language model {name} is not on this machine", remedy=f"Type `hf download {name}`, or give a folder, or leave --model out"
    )


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error).strip().partition("\n")[0])[:200].rstrip(".")


def _model_ref(name: str, model: Any) -> ModelRef:
    """Return the model's name, its revision (None for a folder), and the hash of its weights file."""
    from transformers.utils import cached_file

    revision = str(getattr(model.config, "_commit_hash", None) or "local")
    for file in ("model.safetensors", "pytorch_model.bin"):
        path = cached_file(name, file, local_files_only=True, _raise_exceptions_for_missing_entries=False)
        if path is not None:
            return ModelRef(name, revision, file_hash(Path(path)))
    return ModelRef(name, revision, "unknown")
