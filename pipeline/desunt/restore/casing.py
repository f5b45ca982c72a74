"""Case: what a filling must look like where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

# So much text on each side decides whether a passage is in capitals: a heading does not make a page a telegram.
STYLE_CONTEXT_CHARS = 120
MIN_STYLE_LETTERS = 12
ALL_CAPS_SHARE = 0.85
SENTENCE_END = re.compile(r"(?:^|[.!?][\"'”’)\]]*\s+|\n\s*\n\s*)[\"'“‘(\[]*$")
# A full stop after these does not end a sentence.
ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Messrs|Dr|Gen|Col|Maj|Lt|Capt|Adm|Amb|Sec|Secy|Dept|Depts|Deptel|Embtel|Govt|No|Nos|St|vs|etc|e\.g|i\.e|[A-Z])\.\s+$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Style:
    """How the text round a gap is written: all in capitals, and whether a sentence begins at the gap."""

    all_caps: bool
    starts_sentence: bool


def style_of(before: str, after: str, *, inside_word: bool = False) -> Style:
    """Return the style of the place between two texts; inside a word no sentence begins."""
    letters = [char for char in before[-STYLE_CONTEXT_CHARS:] + after[:STYLE_CONTEXT_CHARS] if char.isalpha()]
    all_caps = len(letters) >= MIN_STYLE_LETTERS and sum(char.isupper() for char in letters) >= ALL_CAPS_SHARE * len(letters)
    starts_sentence = not inside_word and bool(before.strip()) and bool(SENTENCE_END.search(before)) and not ABBREVIATION.search(before)
    return Style(all_caps, starts_sentence)


def truecase(text: str, style: Style, surface_form: Callable[[str], str]) -> str:
    """Return the text as it would be written in the place; `surface_form` gives how a case-folded word is written most often.

    A lower-case word takes a known capital (`stalin` becomes `Stalin`); a word that already has capitals is left alone, and so
    are short words, whose capitals are mostly abbreviations (`us` is not the `US`).
    """
    if style.all_caps:
        return text.upper()
    words = [_truecase_word(word, surface_form(word)) for word in text.split(" ")]
    if style.starts_sentence and words[0][:1].islower():
        words[0] = words[0][:1].upper() + words[0][1:]
    return " ".join(words)


def _truecase_word(word: str, surface_form: str) -> str:
    mixed = not word.isupper() and any(char.isupper() for char in word[1:])  # an engine's `SOong`, no writer's
    return surface_form if len(word) > 3 and (word.islower() or mixed) and surface_form[1:].islower() else word
