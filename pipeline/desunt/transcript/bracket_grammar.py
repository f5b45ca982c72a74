"""The typed grammar of square brackets in transcripts: what one bracket means, by its words and by what stands round it.

Rules are tried in the order of `RULES`; what none of them knows is ambiguous. Where a rule is in doubt it errs towards leaving text
alone, and towards withheld before illegible: withheld text must never be filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from desunt.record.document import Extent, Reason
from desunt.transcript import bracket_words as words
from desunt.transcript.bracket_extent import extent_of, letters

# A mark is a few words; a longer bracket is a passage, and only its first words are looked at.
LONGEST = 200


class MarkKind(StrEnum):
    """What a bracket means."""

    GAP = "gap"
    WITHHELD = "withheld"
    GLOSS = "gloss"
    SIC = "sic"
    CONJECTURE = "conjecture"
    PAGE = "page"
    NOTE = "note"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a bracket says; `could_be` tells a person the choices where it is ambiguous."""

    kind: MarkKind
    extent: Extent | None = None
    reason: Reason = "illegible"
    could_be: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What stands round a bracket: the text of its line directly before and after it; `white` for the brackets ⟦ ⟧."""

    before: str = ""
    after: str = ""
    white: bool = False

    @property
    def left(self) -> bool:
        """Whether a letter or figure touches the opening bracket."""
        return self.before[-1:].isalnum()

    @property
    def right(self) -> bool:
        """Whether a letter or figure touches the closing bracket."""
        return self.after[:1].isalnum()


Rule: TypeAlias = Callable[[str, Site], "Meaning | None"]


def meaning(content: str, site: Site) -> Meaning:
    """Return what a bracket with this content (without its brackets) means at this place."""
    squeezed = " ".join(content[:LONGEST].split())
    for rule in RULES:
        if found := rule(squeezed, site):
            return found
    return _unknown("a gloss on the words before it, the editor's own conjecture or correction, or brackets of the document itself")


def _unknown(could_be: str) -> Meaning:
    return Meaning(MarkKind.AMBIGUOUS, could_be=could_be)


def _empty(content: str, site: Site) -> Meaning | None:
    return None if content else _unknown("a word withheld, a word not read, or a box to tick")


def _signs(content: str, site: Site) -> Meaning | None:
    """Read marks without words: one sign a letter, ellipses, blots of ink, supplied punctuation."""
    signs = content.replace(" ", "")
    if any(sign.isalnum() for sign in signs.replace("x", "").replace("X", "")):
        return None
    inside, glued = site.left and site.right, site.left or site.right
    kinds = set(signs)
    if kinds <= set("█■▇▓▉▆"):
        return Meaning(MarkKind.WITHHELD, reason="withheld")
    if kinds == {"?"}:
        return _question(len(signs), site)
    if kinds == {"."}:
        return _dots(len(signs), glued, inside, spaced=" " in content)
    if kinds == {"-"} and len(signs) > 1:
        return Meaning(MarkKind.GAP, letters(len(signs)))
    if (kinds <= set("….?-") and kinds & set("…?")) or (kinds <= set("—–") and len(signs) > 1):
        return Meaning(MarkKind.GAP)
    return _other_signs(signs, kinds, inside)


def _other_signs(signs: str, kinds: set[str], inside: bool) -> Meaning | None:
    if kinds <= set("-‐‑"):
        return Meaning(MarkKind.CONJECTURE) if inside else _unknown("a word not read, or a dash the editor supplied")
    if signs == "~":
        return Meaning(MarkKind.NOTE)
    if kinds <= set("xX_—–") or (kinds == {"*"} and len(signs) > 2):
        return _unknown("a blank or a box of the form, letters not read, or letters struck out")
    return Meaning(MarkKind.CONJECTURE) if len(signs) == 1 and signs not in "*†‡§¶~!" else None


def _question(count: int, site: Site) -> Meaning:
    if count > 1:
        return Meaning(MarkKind.GAP, letters(count))
    if site.left and not site.right and not site.white:
        return _unknown("doubt about the word before it, or letters not read")
    return Meaning(MarkKind.GAP)


def _dots(count: int, glued: bool, inside: bool, *, spaced: bool) -> Meaning:
    if count == 1:
        return Meaning(MarkKind.GAP, letters(1)) if inside else Meaning(MarkKind.CONJECTURE)
    # Three dots are an ellipsis everywhere, four are one with a full stop unless they stand in a word.
    tells = count != 3 and (glued or count != 4) and not (spaced and count == 4)
    return Meaning(MarkKind.GAP, letters(count) if tells else None)


def _withheld(content: str, site: Site) -> Meaning | None:
    low = content.casefold()
    if words.EXEMPTION.fullmatch(low):
        return Meaning(MarkKind.WITHHELD, reason="withheld")
    if words.WITHHELD.search(low) and not low.startswith(("here follow", "omitted here")):
        return Meaning(MarkKind.WITHHELD, extent_of(low), "withheld")
    if re.search(r"\bdelet(?:ed|ions?)\b", low):
        return _unknown("text withheld, or text struck out by its author")
    return None


def _sic(content: str, site: Site) -> Meaning | None:
    return Meaning(MarkKind.SIC) if words.SIC.fullmatch(content.casefold()) else None


def _page(content: str, site: Site) -> Meaning | None:
    return Meaning(MarkKind.PAGE) if words.PAGE.fullmatch(content.casefold()) else None


def _loss(content: str, site: Site) -> Meaning | None:
    """Read marks in words: all words must belong to the vocabulary of loss, and one must say that something is lost."""
    low = words.NOT_READ.sub("illegible", content.casefold())
    if low in ("apparent omission", "omission in original"):
        return Meaning(MarkKind.GAP, extent_of(low))
    said = set(re.findall(r"[^\W\d_]+", low))
    strong, weak = said & words.STRONG, said & words.WEAK
    if not strong and not (weak and (said & words.PARTS or (len(said) == 1 and said & words.ALONE))):
        return None
    if said <= words.STRONG | words.WEAK | words.PLAIN:
        return Meaning(MarkKind.GAP, extent_of(low), _harm(said))
    if not strong or content.endswith("?") or words.DOUBTFUL.match(low):
        return None
    return _unknown("a gap with a remark on it, or a reading the editor is unsure of")


def _harm(said: set[str]) -> Reason:
    if said & words.HAND:
        return "handwriting"
    return "damaged" if said & words.HARM else "illegible"


def _blank_or_struck(content: str, site: Site) -> Meaning | None:
    low = content.casefold()
    if words.BLANK.fullmatch(low):
        return Meaning(MarkKind.GAP, extent_of(low), "blank")
    if (match := words.STRUCK.fullmatch(low)) and set(re.findall(r"[^\W\d_]+", match.group())) <= words.STRIKING:
        return Meaning(MarkKind.GAP, extent_of(low), "struck-out")
    return None


def _note(content: str, site: Site) -> Meaning | None:
    low = content.casefold()
    if words.NUMBER_NOTE.fullmatch(low):
        return Meaning(MarkKind.NOTE)
    if low.endswith("?") or site.left or site.right:
        return None
    return Meaning(MarkKind.NOTE) if words.NOTE.match(low) or words.NOTE_ANYWHERE.search(low) else None


def _supplied(content: str, site: Site) -> Meaning | None:
    """Read the editor's own words and letters: `[be?]`, `Mei[kl]ejohn`, `[to]`, `July 3, [1945]`, `[Washington,]` before a date."""
    low, count = content.casefold(), len(content.split())
    if (content.endswith("?") and count <= 6) or words.DOUBTFUL.match(low) or low in words.SMALL:
        return Meaning(MarkKind.CONJECTURE)
    if words.YEAR.fullmatch(content) and re.search(r"[\d,a-z]\s*$", site.before):
        return Meaning(MarkKind.CONJECTURE)
    if not site.before.strip() and content.endswith(",") and content[0].isupper() and count <= 4:
        return Meaning(MarkKind.CONJECTURE)
    return _glued(content, site)


def _glued(content: str, site: Site) -> Meaning | None:
    """Read letters that complete a word they touch; a name in capitals behind a word in capitals may be its gloss."""
    if not (site.left or site.right) or not re.match(r"[^\W\d_]", content):
        return None
    start = re.search(r"[^\W\d_]*$", site.before)
    touched = start.group() if start else ""
    if site.left and not site.right and content[0].isupper():
        if touched.isupper() and content.isupper() and len(touched) > 2 and len(content) > 3:
            return _unknown("a gloss on the word before it, or letters the editor supplied")
        if not touched.isupper():
            return None
    return Meaning(MarkKind.CONJECTURE)


def _gloss(content: str, site: Site) -> Meaning | None:
    """Read a name or an explanation behind the words it explains."""
    if not re.search(r"[\w.,;:)'’\"”]\s*$", site.before):
        return None
    if words.EXPLAINED.match(content.casefold()):
        return Meaning(MarkKind.GLOSS)
    said = content.split()
    named = content[0].isupper() and all(word in words.LINKS or not word[0].islower() for word in said) and len(said) <= 8
    closed = content.endswith(".") and not re.search(r"(?:\b\w\.)+$", content)
    return Meaning(MarkKind.GLOSS) if named and not closed else None


RULES: tuple[Rule, ...] = (_empty, _signs, _withheld, _sic, _page, _blank_or_struck, _loss, _note, _supplied, _gloss)
