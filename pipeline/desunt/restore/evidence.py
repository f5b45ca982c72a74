"""What spoke for a candidate, in sentences for an editor."""

from __future__ import annotations

from collections.abc import Sequence

from desunt.lm.length import letters_in, needs
from desunt.lm.lexicon import bare
from desunt.record.conjecture import Evidence
from desunt.restore.calibration import Factors
from desunt.restore.error_model import Confusion, cleaned, core
from desunt.restore.gap_query import Asked

ORDINALS = ("best", "second best", "third best")


def evidence_of(asked: Asked, text: str, row: Factors, *, rank: int, seen: frozenset[str], confusion: Confusion) -> tuple[Evidence, ...]:
    """Return the evidence for one filling; `rank` is its place from 0 among all fillings by the text round the gap alone."""
    found = [Evidence("context", round(row.context, 3), _context(asked, rank))]
    if asked.ink:
        found.append(Evidence("ink", round(row.ink, 3), _ink(asked, text, confusion)))
    if asked.context.extent is not None and asked.context.extent.unit != "line":
        found.append(Evidence("length", round(row.length, 3), _length(asked, text)))
    if all(bare(word).casefold() in seen for word in text.split()):
        found.append(Evidence("lexicon", round(row.lexicon, 3), "stands elsewhere in the document"))
    return tuple(found)


def _context(asked: Asked, rank: int) -> str:
    sides = [name for name, text in (("before", asked.context.before), ("after", asked.context.after)) if text.strip()]
    where = {0: "no text round the gap", 1: f"the text {sides[0]} it" if sides else "", 2: "the text on both sides"}[len(sides)]
    return f"fits {where} {ORDINALS[rank]}" if rank < len(ORDINALS) else f"fits {where} less well than {rank} others"


def _ink(asked: Asked, text: str, confusion: Confusion) -> str:
    # Of several engines' readings the one that fits the candidate best speaks for it.
    ink = max(asked.inks, key=lambda one: confusion.explains(one, text))
    verb = "the engine read" if asked.channel == "ink" else "the source has"
    changes = confusion.said(text, core(ink) if " " not in text else cleaned(ink))
    return f"{verb} {ink!r}" + (f" ({changes})" if changes else "")


def _length(asked: Asked, text: str) -> str:
    extent = asked.context.extent
    assert extent is not None  # only asked where one is known
    count = letters_in(text) if extent.unit == "character" else len(text.split())
    return f"needs {needs(extent)}; {text} has {count}"


def ranks(scores: Sequence[float]) -> list[int]:
    """Return the place of each score from 0, the highest first."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    places = [0] * len(scores)
    for place, index in enumerate(order):
        places[index] = place
    return places
