"""When no reading is offered, and the reason that is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from desunt.lm.length import expected_words
from desunt.lm.lexicon import Lexicon, strip_punctuation
from desunt.record.conjecture import Candidate
from desunt.record.document import Gap, Reason
from desunt.restore.casing import style_of
from desunt.restore.gap_query import GapQuery

UNFILLABLE_REASONS: dict[Reason, str] = {
    "withheld": "withheld: never filled",
    "blank": "blank: nothing was written here",
    "struck-out": "struck out: what the writer cancelled is not filled",
}
# Below this probability the first candidate is not worth showing as a reading; below the second it must at least lead.
MIN_PROBABILITY = 0.10
CLEAR_PROBABILITY = 0.25
MIN_LEAD = 0.02
# More words than this are a guess at the writer's drift, not at his words.
MAX_WORDS = 5
FIGURE_OR_DATE = re.compile(
    r"\d|\b(?:january|february|march|april|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
    re.IGNORECASE,
)


def unfillable_reason(gap: Gap) -> str | None:
    """Return why a gap is never filled, None if it may be: for its reason, or because it is a whole line of which nothing was made out."""
    if gap.extent is not None and gap.extent.unit == "line" and gap.extent.least > 0 and not gap.engine_reading:
        return UNFILLABLE_REASONS.get(gap.reason, "a whole line is lost, too much to supply")
    return UNFILLABLE_REASONS.get(gap.reason)


def refusal_reason(query: GapQuery, candidates: Sequence[Candidate], document_words: frozenset[str], lexicon: Lexicon) -> str | None:
    """Return why no reading is offered, None where the evidence decides; `document_words` are case folded."""
    if not candidates:
        return "nothing fits: no candidate is left under what is known of the gap"
    return _too_long(query) or _unsupported(query, candidates, document_words, lexicon) or _undecided(query, candidates)


def _too_long(query: GapQuery) -> str | None:
    """Beyond a few words a filling is a guess at the writer's drift, whatever it scores."""
    if query.evidence_kind == "open" or query.gap.engine_reading:
        return None
    words = expected_words(query.gap.extent, open_ended=False)
    return f"about {words:.0f} words are lost, too many to supply" if words > MAX_WORDS else None


def _unsupported(query: GapQuery, candidates: Sequence[Candidate], document_words: frozenset[str], lexicon: Lexicon) -> str | None:
    """Context alone cannot know a name or a figure: without ink or a second occurrence it would be made up."""
    match _unsupported_part(query, candidates[0].text, document_words, lexicon):
        case "figure":
            return "a figure or date: the text does not say which, and no ink supports one"
        case "name":
            return "a proper name that occurs nowhere else in the document, and no ink supports it"
        case None:
            return None


def _unsupported_part(query: GapQuery, text: str, document_words: frozenset[str], lexicon: Lexicon) -> Literal["figure", "name"] | None:
    """Return what only the context speaks for, None if the filling holds no name, figure or date, or more speaks for it."""
    if query.engine_reading:
        return None
    new = [word for word in map(strip_punctuation, text.split()) if word and word.casefold() not in document_words]
    if any(FIGURE_OR_DATE.search(word) for word in new):
        return "figure"
    return "name" if any(is_name(word, query, lexicon) for word in new) else None


def flag_unsupported(
    query: GapQuery, candidates: Sequence[Candidate], document_words: frozenset[str], lexicon: Lexicon
) -> tuple[Candidate, ...]:
    """Return the candidates, those that are only possible marked so; texts, order and probabilities stay."""
    return tuple(
        replace(candidate, possible=_unsupported_part(query, candidate.text, document_words, lexicon) is not None)
        for candidate in candidates
    )


def is_name(word: str, query: GapQuery, lexicon: Lexicon) -> bool:
    """Tell whether a word would be a proper name here: capitals tell, except where everything or every beginning has them."""
    context = query.context
    style = style_of(context.before, context.after, inside_word=bool(context.letters.before))
    if context.letters.before:
        return False
    if style.all_caps or style.starts_sentence:
        return lexicon.surface_forms.get(word.casefold(), word)[:1].isupper()
    return word[:1].isupper()


def _undecided(query: GapQuery, candidates: Sequence[Candidate]) -> str | None:
    first = candidates[0].probability
    second = candidates[1].probability if len(candidates) > 1 else 0.0
    if first < MIN_PROBABILITY:
        return _too_weak(query, first)
    if first < CLEAR_PROBABILITY and first - second < MIN_LEAD:
        return f"candidates too close: the first two have {first:.0%} and {second:.0%}"
    return None


def _too_weak(query: GapQuery, first: float) -> str:
    share = f"the best candidate has {first:.0%}" if first >= 0.005 else "the best candidate has less than 1%"
    if query.evidence_kind == "open":
        return f"length unknown, the gap runs to the end of the line: {share}"
    return f"the evidence does not decide: {share}"


def collect_words(texts: Sequence[str], names: Sequence[str]) -> frozenset[str]:
    """Return all words of the texts and names, without punctuation and case folded."""
    return frozenset(strip_punctuation(word).casefold() for text in (*texts, *names) for word in text.split()) - {""}
