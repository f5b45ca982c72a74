"""How exports say things: reasons, extents, decisions and shares in words, the same in every format."""

from __future__ import annotations

from itertools import chain
from typing import Literal, TypeAlias

from desunt.__version__ import __version__
from desunt.record.conjecture import Decision
from desunt.record.document import Document, Gap, Reason, Step
from desunt.record.files import Record

GapStatus: TypeAlias = Literal["conjectured", "refused", "withheld", "silent", "decided"]

GENERATOR = f"desunt {__version__}"
REASON_WORDS: dict[Reason, str] = {
    "illegible": "illegible",
    "damaged": "damaged",
    "withheld": "withheld: never filled",
    "blank": "left blank",
    "struck-out": "struck out",
    "handwriting": "handwriting that was not read",
    "low-confidence": "read too doubtfully to stand as text",
}
STATUS_WORDS: dict[GapStatus, str] = {
    "conjectured": "conjectures",
    "refused": "no reading offered",
    "withheld": "withheld, never filled",
    "silent": "nothing supposed",
    "decided": "decided by an editor",
}
# Heading over candidates that are no more than possible, in every display.
POSSIBLE_HEADING = "Possible: a name, figure or date that neither ink nor a second occurrence in the document supports"
DEFAULT_VOUCH = 0.9


def status_in_words(status: GapStatus) -> str:
    """Return the status as a badge or a count says it."""
    return STATUS_WORDS[status]


def extent_in_words(gap: Gap) -> str:
    """Say how long a gap is: `3 to 6 characters`, `length unknown, runs to the end of its line`."""
    length = "length unknown"
    if gap.extent and not (gap.extent.least == 0 and gap.extent.most is None):
        least, most, unit = gap.extent.least, gap.extent.most, gap.extent.unit
        number = (
            f"at least {least}" if most is None else f"{least}" if least == most else f"{least} to {most}" if least else f"up to {most}"
        )
        length = f"{number} {unit}" if (most or least) == 1 else f"{number} {unit}s"
    if gap.continues is None:
        return f"{length}, runs to the end of its line; whether the next line goes on from it is not known"
    return f"{length}, runs to the end of its line and on into the next" if gap.continues else length


def decision_in_words(decision: Decision) -> str:
    """Say what an editor decided, keeping what was read in the ink apart from a guess."""
    by = f"by {decision.editor}, {decision.at}"
    if decision.verdict in ("accepted", "amended"):
        basis = "read in the ink" if decision.basis == "ink" else "a conjecture accepted as such, not read on the page"
        return f"{decision.verdict} {by}: {basis}"
    return f"{decision.verdict.replace('-', ' ')} {by}"


def title_of(document: Document) -> str:
    """Return the title the metadata give, else the document's id."""
    return next((value for name, value in document.metadata if name.casefold() == "title" and value.strip()), document.id)


def field_name_in_words(name: str) -> str:
    """Print the name of a metadata field: `source-url` as `Source url`."""
    return name[:1].upper() + name[1:].replace("-", " ").replace("_", " ")


def find_setting(steps: tuple[Step, ...], name: str) -> str | None:
    """Return the value of a setting from the last step that carries it."""
    settings = chain.from_iterable(step.settings for step in reversed(steps))
    return next((value for setting_name, value in settings if setting_name == name), None)


def vouch_threshold(record: Record) -> float:
    """Return the legibility below which words are marked unclear."""
    try:
        return float(find_setting(record.steps, "vouch") or DEFAULT_VOUCH)
    except ValueError:
        return DEFAULT_VOUCH


def per_cent(share: float) -> str:
    """Print a share of 1 in per cent; what is above nothing never prints as nothing, and what is short of all never as all."""
    if 0.999 < share < 1:
        return "over 99.9 %"
    return "under 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def format_probability(probability: float) -> str:
    """Print the probability of a conjecture: it was rounded when it was stored, and is never nothing and never certain."""
    return per_cent(min(max(probability, 1e-6), 1 - 1e-6))
