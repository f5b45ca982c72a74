"""Case and outer punctuation: what a filling must look like where it stands, and when two fillings are the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from desunt.lm.lexicon import OUTER

# So much text on each side decides whether a passage is in capitals: a heading does not make a page a telegram.
NEAR = 120
CAPITALS = 0.85
SENTENCE_END = re.compile(r"(?:^|[.!?][\"'”’)\]]*\s+|\n\s*\n\s*)[\"'“‘(\[]*$")
# A full stop after these does not end a sentence.
ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Messrs|Dr|Gen|Col|Maj|Lt|Capt|Adm|Amb|Sec|Secy|Dept|Depts|Deptel|Embtel|Govt|No|Nos|St|vs|etc|e\.g|i\.e|[A-Z])\.\s+$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Style:
    """How the text round a gap is written: all in capitals, and whether a sentence begins at the gap."""

    capitals: bool
    opens: bool


def style_of(before: str, after: str, *, inside_word: bool = False) -> Style:
    """Return the style of the place between two texts; inside a word no sentence begins."""
    letters = [sign for sign in before[-NEAR:] + after[:NEAR] if sign.isalpha()]
    capitals = len(letters) >= 12 and sum(sign.isupper() for sign in letters) >= CAPITALS * len(letters)
    opens = not inside_word and bool(before.strip()) and bool(SENTENCE_END.search(before)) and not ABBREVIATION.search(before)
    return Style(capitals, opens)


def restored(text: str, style: Style, form: Callable[[str], str]) -> str:
    """Return the text as it would be written in the place; `form` gives how a case-folded word is written most often.

    A lower-case word takes a known capital (`stalin` becomes `Stalin`); a word that already has capitals is left alone, and so
    are short words, whose capitals are mostly abbreviations (`us` is not the `US`).
    """
    if style.capitals:
        return text.upper()
    words = [_written(word, form(word)) for word in text.split(" ")]
    if style.opens and words[0][:1].islower():
        words[0] = words[0][:1].upper() + words[0][1:]
    return " ".join(words)


def _written(word: str, known: str) -> str:
    mixed = not word.isupper() and any(sign.isupper() for sign in word[1:])  # an engine's `SOong`, no writer's
    return known if len(word) > 3 and (word.islower() or mixed) and known[1:].islower() else word


def folded(text: str) -> str:
    """Return what makes two fillings the same: case folded, spaces single, outer punctuation off unless there is nothing else."""
    plain = " ".join(text.replace("’", "'").casefold().split())
    return plain.strip(OUTER + " ") or plain
