"""The little letter whose exports `docs/formats.md` shows: two lines, a gap, one candidate, and what two editors decided."""

from __future__ import annotations

from dataclasses import replace

from desunt.record.conjecture import Candidate, Conjecture, Decision, ModelRef
from desunt.record.files import Record
from tests.support.records import sample_record

MODEL = ModelRef("smollm2-135m", "1", "9" * 64)
DECISIONS = {
    "g1": Decision("g1", "accepted", "guess", "quondam", "M. Editor", "2024-05-01T10:00:00Z"),
    "w4": Decision("w4", "corrected", "ink", "argued", "M. Editor", "2024-05-01T10:00:00Z"),
}


def documented_record(*, decided: bool = False) -> Record:
    """Return the letter as it was read, or as it is after the editors' work."""
    record = sample_record()
    (page, *_) = record.document.pages
    strictly, rest = page.regions
    regions = (strictly, replace(rest, lines=rest.lines[:1]))
    metadata = (("title", "A letter"),)
    document = replace(record.document, metadata=metadata, pages=(replace(page, regions=regions),), notes=())
    opinions = {"g1": Conjecture("g1", (Candidate("quondam", 0.62),), 0.38, MODEL, ("The ", " agreed"))}
    return replace(record, document=document, opinions=opinions, decisions=DECISIONS if decided else None)
