"""The fingerprint of a list of candidates: by it the desk knows that what an editor saw is what is logged as shown."""

from __future__ import annotations

from desunt.record.conjecture import Opinion, Refusal
from desunt.record.document import stable_id


def list_key(opinion: Opinion | None) -> str:
    """Return 12 hexadecimal digits for what is supposed about a gap: the texts, their order, shares and marks, and the refusal."""
    if opinion is None:
        return stable_id("list")
    candidates = (f"{candidate.text}\n{candidate.probability}\n{candidate.possible}" for candidate in opinion.candidates)
    return stable_id("list", opinion.reason if isinstance(opinion, Refusal) else "", *candidates)
