"""What spoke for a candidate, in sentences for an editor."""

from __future__ import annotations

from collections.abc import Sequence

from desunt.lm.length import count_graphemes, describe_extent
from desunt.lm.lexicon import strip_punctuation
from desunt.record.conjecture import Evidence
from desunt.record.document import Extent
from desunt.restore.calibration import Features
from desunt.restore.error_model import ErrorModel, longest_part, strip_marks
from desunt.restore.gap_query import GapQuery

ORDINALS = ("best", "second best", "third best")


def evidence_for(
    query: GapQuery, text: str, features: Features, *, rank: int, document_words: frozenset[str], error_model: ErrorModel
) -> tuple[Evidence, ...]:
    """Return the evidence for one filling; `rank` is its place from 0 among all fillings by the text round the gap alone."""
    evidence = [Evidence("context", round(features.context, 3), _describe_context(query, rank))]
    if query.engine_reading:
        evidence.append(Evidence("ink", round(features.reading, 3), _describe_reading(query, text, error_model)))
    extent = query.context.extent
    if extent is not None and extent.unit != "line":
        evidence.append(Evidence("length", round(features.length, 3), _describe_length(extent, text)))
    if all(strip_punctuation(word).casefold() in document_words for word in text.split()):
        evidence.append(Evidence("lexicon", round(features.lexicon, 3), "stands elsewhere in the document"))
    return tuple(evidence)


def _describe_context(query: GapQuery, rank: int) -> str:
    sides = [name for name, text in (("before", query.context.before), ("after", query.context.after)) if text.strip()]
    where = {0: "no text round the gap", 1: f"the text {sides[0]} it" if sides else "", 2: "the text on both sides"}[len(sides)]
    return f"fits {where} {ORDINALS[rank]}" if rank < len(ORDINALS) else f"fits {where} less well than {rank} others"


def _describe_reading(query: GapQuery, text: str, error_model: ErrorModel) -> str:
    # Of several engines' readings the one that fits the candidate best speaks for it.
    reading = max(query.engine_readings, key=lambda reading: error_model.log_likelihood_with_specks(reading, text))
    verb = "the engine read" if query.channel == "ink" else "the source has"
    edits = error_model.describe_edits(text, longest_part(reading) if " " not in text else strip_marks(reading))
    return f"{verb} {reading!r}" + (f" ({edits})" if edits else "")


def _describe_length(extent: Extent, text: str) -> str:
    count = count_graphemes(text) if extent.unit == "character" else len(text.split())
    return f"needs {describe_extent(extent)}; {text} has {count}"


def ranks(scores: Sequence[float]) -> list[int]:
    """Return the place of each score from 0, the highest first."""
    best_first = sorted(range(len(scores)), key=lambda i: -scores[i])
    places = [0] * len(scores)
    for place, index in enumerate(best_first):
        places[index] = place
    return places
