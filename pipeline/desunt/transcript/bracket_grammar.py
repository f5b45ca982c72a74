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
from desunt.transcript.bracket_extent import exact_letters, extent_of

# A mark is a few words; a longer bracket is a passage, and only its first words are looked at.
MAX_MARK_CHARS = 200


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
class BracketClass:
    """What a bracket says; `could_be` tells a person the choices where it is ambiguous."""

    kind: MarkKind
    extent: Extent | None = None
    reason: Reason = "illegible"
    could_be: str = ""


@dataclass(frozen=True, slots=True)
class BracketContext:
    """What stands round a bracket: the text of its line directly before and after it; `white` for the brackets ⟦ ⟧."""

    before: str = ""
    after: str = ""
    white: bool = False

    @property
    def touches_left(self) -> bool:
        """Whether a letter or figure touches the opening bracket."""
        return self.before[-1:].isalnum()

    @property
    def touches_right(self) -> bool:
        """Whether a letter or figure touches the closing bracket."""
        return self.after[:1].isalnum()


Rule: TypeAlias = Callable[[str, BracketContext], "BracketClass | None"]


def classify_bracket(content: str, context: BracketContext) -> BracketClass:
    """Return what a bracket with this content (without its brackets) means at this place."""
    collapsed = " ".join(content[:MAX_MARK_CHARS].split())
    for rule in RULES:
        if bracket_class := rule(collapsed, context):
            return bracket_class
    return _ambiguous("a gloss on the words before it, the editor's own conjecture or correction, or brackets of the document itself")


def _ambiguous(could_be: str) -> BracketClass:
    return BracketClass(MarkKind.AMBIGUOUS, could_be=could_be)


def _empty_rule(content: str, context: BracketContext) -> BracketClass | None:
    return None if content else _ambiguous("a word withheld, a word not read, or a box to tick")


def _signs_rule(content: str, context: BracketContext) -> BracketClass | None:
    """Read marks without words: one sign a letter, ellipses, blots of ink, supplied punctuation."""
    signs = content.replace(" ", "")
    if any(sign.isalnum() for sign in signs.replace("x", "").replace("X", "")):
        return None
    between_letters, touching = context.touches_left and context.touches_right, context.touches_left or context.touches_right
    distinct = set(signs)
    if distinct <= set("█■▇▓▉▆"):
        return BracketClass(MarkKind.WITHHELD, reason="withheld")
    if distinct == {"?"}:
        return _classify_question_marks(len(signs), context)
    if distinct == {"."}:
        return _classify_dots(len(signs), touching, between_letters, spaced=" " in content)
    if distinct == {"-"} and len(signs) > 1:
        return BracketClass(MarkKind.GAP, exact_letters(len(signs)))
    if (distinct <= set("….?-") and distinct & set("…?")) or (distinct <= set("—–") and len(signs) > 1):
        return BracketClass(MarkKind.GAP)
    return _classify_other_signs(signs, distinct, between_letters)


def _classify_other_signs(signs: str, distinct: set[str], between_letters: bool) -> BracketClass | None:
    if distinct <= set("-‐‑"):
        return BracketClass(MarkKind.CONJECTURE) if between_letters else _ambiguous("a word not read, or a dash the editor supplied")
    if signs == "~":
        return BracketClass(MarkKind.NOTE)
    if distinct <= set("xX_—–") or (distinct == {"*"} and len(signs) > 2):
        return _ambiguous("a blank or a box of the form, letters not read, or letters struck out")
    return BracketClass(MarkKind.CONJECTURE) if len(signs) == 1 and signs not in "*†‡§¶~!" else None


def _classify_question_marks(count: int, context: BracketContext) -> BracketClass:
    if count > 1:
        return BracketClass(MarkKind.GAP, exact_letters(count))
    if context.touches_left and not context.touches_right and not context.white:
        return _ambiguous("doubt about the word before it, or letters not read")
    return BracketClass(MarkKind.GAP)


def _classify_dots(count: int, touching: bool, between_letters: bool, *, spaced: bool) -> BracketClass:
    if count == 1:
        return BracketClass(MarkKind.GAP, exact_letters(1)) if between_letters else BracketClass(MarkKind.CONJECTURE)
    # Three dots are an ellipsis everywhere, four are one with a full stop unless they stand in a word.
    exact = count != 3 and (touching or count != 4) and not (spaced and count == 4)
    return BracketClass(MarkKind.GAP, exact_letters(count) if exact else None)


def _withheld_rule(content: str, context: BracketContext) -> BracketClass | None:
    lowered = content.casefold()
    if words.EXEMPTION.fullmatch(lowered):
        return BracketClass(MarkKind.WITHHELD, reason="withheld")
    if words.WITHHELD.search(lowered) and not lowered.startswith(("here follow", "omitted here")):
        return BracketClass(MarkKind.WITHHELD, extent_of(lowered), "withheld")
    if re.search(r"\bdelet(?:ed|ions?)\b", lowered):
        return _ambiguous("text withheld, or text struck out by its author")
    return None


def _sic_rule(content: str, context: BracketContext) -> BracketClass | None:
    return BracketClass(MarkKind.SIC) if words.SIC.fullmatch(content.casefold()) else None


def _page_rule(content: str, context: BracketContext) -> BracketClass | None:
    return BracketClass(MarkKind.PAGE) if words.PAGE.fullmatch(content.casefold()) else None


def _loss_rule(content: str, context: BracketContext) -> BracketClass | None:
    """Read marks in words: all words must belong to the vocabulary of loss, and one must say that something is lost."""
    lowered = words.NOT_READ.sub("illegible", content.casefold())
    if lowered in ("apparent omission", "omission in original"):
        return BracketClass(MarkKind.GAP, extent_of(lowered))
    vocabulary = set(re.findall(r"[^\W\d_]+", lowered))
    strong, weak = vocabulary & words.LOSS_WORDS, vocabulary & words.WEAK_LOSS_WORDS
    if not strong and not (
        weak and (vocabulary & words.PAGE_PART_WORDS or (len(vocabulary) == 1 and vocabulary & words.WEAK_LOSS_WORDS_ALONE))
    ):
        return None
    if vocabulary <= words.LOSS_WORDS | words.WEAK_LOSS_WORDS | words.NEUTRAL_WORDS:
        return BracketClass(MarkKind.GAP, extent_of(lowered), _loss_reason(vocabulary))
    if not strong or content.endswith("?") or words.DOUBTFUL.match(lowered):
        return None
    return _ambiguous("a gap with a remark on it, or a reading the editor is unsure of")


def _loss_reason(vocabulary: set[str]) -> Reason:
    if vocabulary & words.HANDWRITING_WORDS:
        return "handwriting"
    return "damaged" if vocabulary & words.DAMAGE_WORDS else "illegible"


def _blank_or_struck_rule(content: str, context: BracketContext) -> BracketClass | None:
    lowered = content.casefold()
    if words.BLANK.fullmatch(lowered):
        return BracketClass(MarkKind.GAP, extent_of(lowered), "blank")
    if (match := words.STRUCK.fullmatch(lowered)) and set(re.findall(r"[^\W\d_]+", match.group())) <= words.STRIKING_OUT_WORDS:
        return BracketClass(MarkKind.GAP, extent_of(lowered), "struck-out")
    return None


def _note_rule(content: str, context: BracketContext) -> BracketClass | None:
    lowered = content.casefold()
    if words.NUMBER_NOTE.fullmatch(lowered):
        return BracketClass(MarkKind.NOTE)
    if lowered.endswith("?") or context.touches_left or context.touches_right:
        return None
    return BracketClass(MarkKind.NOTE) if words.NOTE.match(lowered) or words.NOTE_ANYWHERE.search(lowered) else None


def _supplied_rule(content: str, context: BracketContext) -> BracketClass | None:
    """Read the editor's own words and letters: `[be?]`, `Mei[kl]ejohn`, `[to]`, `July 3, [1945]`, `[Washington,]` before a date."""
    lowered, count = content.casefold(), len(content.split())
    if (content.endswith("?") and count <= 6) or words.DOUBTFUL.match(lowered) or lowered in words.FUNCTION_WORDS:
        return BracketClass(MarkKind.CONJECTURE)
    if words.YEAR.fullmatch(content) and re.search(r"[\d,a-z]\s*$", context.before):
        return BracketClass(MarkKind.CONJECTURE)
    if not context.before.strip() and content.endswith(",") and content[0].isupper() and count <= 4:
        return BracketClass(MarkKind.CONJECTURE)
    return _classify_touching_letters(content, context)


def _classify_touching_letters(content: str, context: BracketContext) -> BracketClass | None:
    """Read letters that complete a word they touch; a name in capitals behind a word in capitals may be its gloss."""
    if not (context.touches_left or context.touches_right) or not re.match(r"[^\W\d_]", content):
        return None
    start = re.search(r"[^\W\d_]*$", context.before)
    touched_word = start.group() if start else ""
    if context.touches_left and not context.touches_right and content[0].isupper():
        if touched_word.isupper() and content.isupper() and len(touched_word) > 2 and len(content) > 3:
            return _ambiguous("a gloss on the word before it, or letters the editor supplied")
        if not touched_word.isupper():
            return None
    return BracketClass(MarkKind.CONJECTURE)


def _gloss_rule(content: str, context: BracketContext) -> BracketClass | None:
    """Read a name or an explanation behind the words it explains."""
    if not re.search(r"[\w.,;:)'’\"”]\s*$", context.before):
        return None
    if words.EXPLAINED.match(content.casefold()):
        return BracketClass(MarkKind.GLOSS)
    names = content.split()
    is_name = content[0].isupper() and all(word in words.NAME_LINK_WORDS or not word[0].islower() for word in names) and len(names) <= 8
    is_sentence = content.endswith(".") and not re.search(r"(?:\b\w\.)+$", content)
    return BracketClass(MarkKind.GLOSS) if is_name and not is_sentence else None


RULES: tuple[Rule, ...] = (
    _empty_rule,
    _signs_rule,
    _withheld_rule,
    _sic_rule,
    _page_rule,
    _blank_or_struck_rule,
    _loss_rule,
    _note_rule,
    _supplied_rule,
    _gloss_rule,
)
