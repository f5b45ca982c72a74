"""When no reading is offered, and the reason that is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from desunt.lm.length import words_in
from desunt.lm.lexicon import Lexicon, bare
from desunt.record.conjecture import Candidate
from desunt.record.document import Gap, Reason
from desunt.restore.casing import style_of
from desunt.restore.gap_query import Asked

NEVER: dict[Reason, str] = {
    "withheld": "withheld: never filled",
    "blank": "blank: nothing was written here",
    "struck-out": "struck out: what the writer cancelled is not filled",
}
# Below this probability the first candidate is not worth showing as a reading; below the second it must at least lead.
WEAK = 0.10
CLOSE = 0.25
LEAD = 0.02
# More words than this are a guess at the writer's drift, not at his words.
MOST_WORDS = 5
FIGURE = re.compile(
    r"\d|\b(?:january|february|march|april|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
    re.IGNORECASE,
)


def never(gap: Gap) -> str | None:
    """Return why a gap is never filled, None if it may be: for its reason, or because it is a whole line of which nothing was made out."""
    if gap.extent is not None and gap.extent.unit == "line" and gap.extent.least > 0 and not gap.engine_reading:
        return NEVER.get(gap.reason, "a whole line is lost, too much to supply")
    return NEVER.get(gap.reason)


def why_not(asked: Asked, candidates: Sequence[Candidate], seen: frozenset[str], lexicon: Lexicon) -> str | None:
    """Return why no reading is offered, None where the evidence decides; `seen` holds the document's words, case folded."""
    if not candidates:
        return "nothing fits: no candidate is left under what is known of the gap"
    return _too_long(asked) or _unsupported(asked, candidates, seen, lexicon) or _undecided(asked, candidates)


def _too_long(asked: Asked) -> str | None:
    """Beyond a few words a filling is a guess at the writer's drift, whatever it scores."""
    if asked.kind == "open" or asked.gap.engine_reading:
        return None
    words = words_in(asked.gap.extent, open_ended=False)
    return f"about {words:.0f} words are lost, too many to supply" if words > MOST_WORDS else None


def _unsupported(asked: Asked, candidates: Sequence[Candidate], seen: frozenset[str], lexicon: Lexicon) -> str | None:
    """Context alone cannot know a name or a figure: without ink or a second occurrence it would be made up."""
    match _made_up(asked, candidates[0].text, seen, lexicon):
        case "figure":
            return "a figure or date: the text does not say which, and no ink supports one"
        case "name":
            return "a proper name that occurs nowhere else in the document, and no ink supports it"
        case None:
            return None


def _made_up(asked: Asked, text: str, seen: frozenset[str], lexicon: Lexicon) -> Literal["figure", "name"] | None:
    """Return what only the context speaks for, None if the filling holds no name, figure or date, or more speaks for it."""
    if asked.ink:
        return None
    new = [word for word in map(bare, text.split()) if word and word.casefold() not in seen]
    if any(FIGURE.search(word) for word in new):
        return "figure"
    return "name" if any(is_name(word, asked, lexicon) for word in new) else None


def marked(asked: Asked, candidates: Sequence[Candidate], seen: frozenset[str], lexicon: Lexicon) -> tuple[Candidate, ...]:
    """Return the candidates, those that are only possible marked so; texts, order and probabilities stay."""
    return tuple(replace(one, possible=_made_up(asked, one.text, seen, lexicon) is not None) for one in candidates)


def is_name(word: str, asked: Asked, lexicon: Lexicon) -> bool:
    """Tell whether a word would be a proper name here: capitals tell, except where everything or every beginning has them."""
    context = asked.context
    style = style_of(context.before, context.after, inside_word=bool(context.letters.before))
    if context.letters.before:
        return False
    if style.capitals or style.opens:
        return lexicon.forms.get(word.casefold(), word)[:1].isupper()
    return word[:1].isupper()


def _undecided(asked: Asked, candidates: Sequence[Candidate]) -> str | None:
    first = candidates[0].probability
    second = candidates[1].probability if len(candidates) > 1 else 0.0
    if first < WEAK:
        return _too_weak(asked, first)
    if first < CLOSE and first - second < LEAD:
        return f"candidates too close: the first two have {first:.0%} and {second:.0%}"
    return None


def _too_weak(asked: Asked, first: float) -> str:
    share = f"the best candidate has {first:.0%}" if first >= 0.005 else "the best candidate has less than 1%"
    if asked.kind == "open":
        return f"length unknown, the gap runs to the end of the line: {share}"
    return f"the evidence does not decide: {share}"


def words_seen(texts: Sequence[str], names: Sequence[str]) -> frozenset[str]:
    """Return all words of the texts and names, bare and case folded."""
    return frozenset(bare(word).casefold() for text in (*texts, *names) for word in text.split()) - {""}
