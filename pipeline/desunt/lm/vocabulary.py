"""What the tokens of a vocabulary spell, and where in a word each of them may stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

# How a vocabulary marks words: `##` before a token that continues one (WordPiece), or a sign for the space before a token that
# starts one (byte-level BPE, SentencePiece).
WordMark: TypeAlias = Literal["##", "Ġ", "▁"]
TokenFlags: TypeAlias = NDArray[np.bool_]

WORD_TEXT = re.compile(r"['’&.-]?[^\W_]+(?:['’&.-][^\W_]+)*")
JOINER = re.compile(r"['’-]")
PUNCTUATION = re.compile(r"[,.;:?!)’”\"]{1,2}")
USABLE_TEXT = re.compile(f"{WORD_TEXT.pattern}|{JOINER.pattern}|{PUNCTUATION.pattern}")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What is known of each token, by its number.

    `texts` (and `text_array`, the same) is what a token spells without its mark; `word_start` and `word_inside` say where a token of
    letters or figures may stand, `unprefixed` which tokens may stand first behind a bracket or dash; `punctuation` stands in a filling
    only where the gap runs over the end of a word. `has_space_prefix` says whether tokens that start a word carry the space before it;
    `lowercase_only` whether there are no capitals.
    """

    texts: tuple[str, ...]
    text_array: NDArray[np.str_]
    lengths: NDArray[np.int32]
    word_start: TokenFlags
    word_inside: TokenFlags
    unprefixed: TokenFlags
    punctuation: TokenFlags
    has_space_prefix: bool
    lowercase_only: bool

    def __len__(self) -> int:
        return len(self.texts)


def read_vocabulary(tokens: Sequence[str | None], special: Iterable[int] = ()) -> Vocabulary:
    """Read what the tokens spell, in the order of their numbers; special tokens spell nothing."""
    mark, special_ids = word_mark_of(tokens), set(special)
    texts, starts = [], []
    for token_id, token in enumerate(tokens):
        text, starts_word = ("", False) if token_id in special_ids or not token else _split_mark(token, mark)
        # Tokens of spaces and signs have no place in a word; some are so long that they would blow up the array.
        texts.append(text if USABLE_TEXT.fullmatch(text) else "")
        starts.append(starts_word)
    return _build_vocabulary(tuple(texts), np.array(starts, dtype=bool), has_space_prefix=mark != "##")


def _build_vocabulary(texts: tuple[str, ...], starts: TokenFlags, *, has_space_prefix: bool) -> Vocabulary:
    def where(holds: Callable[[str], object]) -> TokenFlags:
        return np.array([bool(holds(text)) for text in texts], dtype=bool)

    words, letter_first = where(WORD_TEXT.fullmatch), where(lambda text: text[:1].isalnum())
    return Vocabulary(
        texts=texts,
        text_array=np.array(texts),
        lengths=np.array([len(text) for text in texts], dtype=np.int32),
        word_start=starts & words & letter_first,
        word_inside=~starts & (words | where(JOINER.fullmatch)),
        unprefixed=~starts & words & letter_first,
        punctuation=where(PUNCTUATION.fullmatch) & (~starts if has_space_prefix else True),
        has_space_prefix=has_space_prefix,
        lowercase_only=all(text == text.lower() for text in texts),
    )


def word_mark_of(tokens: Sequence[str | None]) -> WordMark:
    """Tell how the vocabulary marks words: by the mark that most of its tokens bear."""
    marks: tuple[WordMark, ...] = ("##", "Ġ", "▁")
    # A vocabulary without any mark has whole words only, as WordPiece would write them.
    return max(marks, key=lambda mark: sum(len(token) > len(mark) and token.startswith(mark) for token in tokens if token))


def _split_mark(token: str, mark: WordMark) -> tuple[str, bool]:
    """Return what a token spells without its mark, and whether it starts a word; a part of a character spells nothing."""
    if mark == "##":
        return (token[2:], False) if token.startswith("##") else (token, True)
    if mark == "▁":
        return (token[1:], True) if token.startswith("▁") else (token, False)
    text = decode_byte_token(token)
    return (text[1:], True) if text.startswith(" ") else (text, False)


def gpt2_byte_decoder() -> dict[str, int]:
    """Return GPT-2's table from characters to the bytes they stand for (Radford et al. 2019): printable ones stand for themselves."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


BYTE_DECODER = gpt2_byte_decoder()


def decode_byte_token(token: str) -> str:
    """Return the text of a token of byte-level BPE, "" if its bytes are no whole characters."""
    try:
        return bytes(BYTE_DECODER[char] for char in token).decode()
    except (KeyError, UnicodeDecodeError):
        return ""
