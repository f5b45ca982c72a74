"""What the pieces of a tokenizer's vocabulary spell, and where in a word each of them may stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

# How a vocabulary marks words: `##` before a piece that continues one (WordPiece), or a sign for the space before a piece that
# starts one (byte-level BPE, SentencePiece).
Convention: TypeAlias = Literal["##", "Ġ", "▁"]
Mask: TypeAlias = NDArray[np.bool_]

INSIDE = re.compile(r"['’&.-]?[^\W_]+(?:['’&.-][^\W_]+)*")
JOINER = re.compile(r"['’-]")
PUNCTUATION = re.compile(r"[,.;:?!)’”\"]{1,2}")
USABLE = re.compile(f"{INSIDE.pattern}|{JOINER.pattern}|{PUNCTUATION.pattern}")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The vocabulary, a row a piece.

    `texts` (and `spelled`, the same as an array) is what a piece spells without its mark; `starts` and `continues` say where a piece of
    letters or figures may stand, `whole` which pieces may stand first behind a bracket or dash; `stops` marks punctuation, which stands
    in a filling only where the gap runs over the end of a word. `spaced` says whether pieces that start a word carry the space before
    it; `lower` whether the vocabulary has no capitals.
    """

    texts: tuple[str, ...]
    spelled: NDArray[np.str_]
    lengths: NDArray[np.int32]
    starts: Mask
    continues: Mask
    whole: Mask
    stops: Mask
    spaced: bool
    lower: bool

    def __len__(self) -> int:
        return len(self.texts)


def read_pieces(tokens: Sequence[str | None], special: Iterable[int] = ()) -> Pieces:
    """Read the table from the vocabulary's tokens in the order of their numbers; special tokens spell nothing."""
    convention, hidden = convention_of(tokens), set(special)
    texts, begins = [], []
    for number, token in enumerate(tokens):
        text, begin = ("", False) if number in hidden or not token else _spelled(token, convention)
        # Pieces of spaces and signs have no place in a word; some are so long that they would blow up the array.
        texts.append(text if USABLE.fullmatch(text) else "")
        begins.append(begin)
    return _table(tuple(texts), np.array(begins, dtype=bool), spaced=convention != "##")


def _table(texts: tuple[str, ...], begins: Mask, *, spaced: bool) -> Pieces:
    def where(holds: Callable[[str], object]) -> Mask:
        return np.array([bool(holds(text)) for text in texts], dtype=bool)

    words, letter_first = where(INSIDE.fullmatch), where(lambda text: text[:1].isalnum())
    return Pieces(
        texts=texts,
        spelled=np.array(texts),
        lengths=np.array([len(text) for text in texts], dtype=np.int32),
        starts=begins & words & letter_first,
        continues=~begins & (words | where(JOINER.fullmatch)),
        whole=~begins & words & letter_first,
        stops=where(PUNCTUATION.fullmatch) & (~begins if spaced else True),
        spaced=spaced,
        lower=all(text == text.lower() for text in texts),
    )


def convention_of(tokens: Sequence[str | None]) -> Convention:
    """Tell how the vocabulary marks words: by the mark that most of its tokens bear."""
    marks: tuple[Convention, ...] = ("##", "Ġ", "▁")
    # A vocabulary without any mark has whole words only, as WordPiece would write them.
    return max(marks, key=lambda mark: sum(len(token) > len(mark) and token.startswith(mark) for token in tokens if token))


def _spelled(token: str, convention: Convention) -> tuple[str, bool]:
    """Return what a token spells without its mark, and whether it starts a word; a piece of a character spells nothing."""
    if convention == "##":
        return (token[2:], False) if token.startswith("##") else (token, True)
    if convention == "▁":
        return (token[1:], True) if token.startswith("▁") else (token, False)
    text = from_bytes(token)
    return (text[1:], True) if text.startswith(" ") else (text, False)


def byte_signs() -> dict[str, int]:
    """Return GPT-2's table from the sign that stands for a byte to the byte (Radford et al. 2019): printable bytes stand for themselves."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(others)}


SIGNS = byte_signs()


def from_bytes(token: str) -> str:
    """Return the text of a token of byte-level BPE, "" if its bytes are no whole characters."""
    try:
        return bytes(SIGNS[sign] for sign in token).decode()
    except (KeyError, UnicodeDecodeError):
        return ""
