"""The apparatus of a TEI file, behind the text: an entry a gap, each candidate labelled, refusals and decisions as notes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from lxml import etree

from desunt.export.formats.tei.names import TEI, View
from desunt.export.gap_entries import GapSegment, decision_of, opinion_of
from desunt.export.modes import reading_of, standings
from desunt.export.wording import POSSIBLE, REASONS, decision_in_words, extent_in_words, per_cent
from desunt.export.xml import element, sub
from desunt.record.conjecture import LABEL, Candidate, Corrected, Decision, Opinion, Read, Refusal, by_support
from desunt.record.document import lines_with_pages

EXPLAINED = (
    f"This is not the text of the document. Every rdg of type {LABEL} is a machine's guess: nobody has read it on the page. cert is its"
    " calibrated probability; the last note of an entry says how likely it is that every candidate listed is wrong."
)


def apparatus_head(division: etree._Element) -> etree._Element:
    """Write heading and explanation of the apparatus; return the division."""
    sub(division, "head", {}, "Apparatus")
    sub(division, "p", {}, EXPLAINED)
    return division


def apparatus_of(view: View) -> Iterator[etree._Element]:
    """Yield an entry for each gap, and for each word that an editor reads otherwise; each points to its place in the body."""
    found = False
    for _, line in lines_with_pages(view.shown.document):
        for one in standings(line, view.shown, view.mode):
            if isinstance(one.segment, Corrected):
                found = True
                yield _corrected(one.segment, view)
            elif not isinstance(one.segment, Read):
                found = True
                yield _entry(one.segment, view)
    if not found:
        # A list of no entries is not valid.
        yield element(f"{{{TEI}}}app")


def _entry(segment: GapSegment, view: View) -> etree._Element:
    gap, opinion, decision = segment.gap, opinion_of(segment), decision_of(segment)
    entry = element(f"{{{TEI}}}app", {"from": f"#{view.places[gap.id]}", "n": gap.id})
    sub(entry, "note", {"type": "gap"}, f"{REASONS[gap.reason]}, {extent_in_words(gap)}")
    if decision:
        _decision(entry, decision, gap.reason, view)
    if isinstance(opinion, Refusal):
        sub(entry, "note", {"type": "refusal", "resp": "#desunt"}, f"No reading is offered: {opinion.reason}")
    if opinion and opinion.candidates:
        _candidates(entry, opinion, gap.reason, view)
    return _spread(entry)


def _candidates(entry: etree._Element, opinion: Opinion, reason: str, view: View) -> None:
    resp = f"#{view.models[opinion.model]}" if opinion.model else "#desunt"
    for candidate in chain(*by_support(opinion.candidates)):
        kind = {"type": LABEL, "subtype": "possible" if candidate.possible else None}
        reading = sub(entry, "rdg", {**kind, "cert": candidate.probability, "resp": resp, "source": "#conjectures"})
        sub(reading, "note", {"type": "label"}, _label(candidate, offered=not isinstance(opinion, Refusal)))
        about = {"reason": reason, "evidence": "conjecture", "cert": candidate.probability, "resp": resp}
        sub(reading, "supplied", about, candidate.text)
    sub(entry, "note", {"type": "none-of-these"}, f"None of these: {per_cent(opinion.none_of_these)}")


def _label(candidate: Candidate, *, offered: bool) -> str:
    possible = f". {POSSIBLE}" if candidate.possible else ""
    return f"{LABEL}{'' if offered else ', not offered'}, {per_cent(candidate.probability)}{possible}"


def _decision(entry: etree._Element, decision: Decision, reason: str, view: View) -> None:
    """Write an editor's decision: a reading of the ink as such, a guess under its label."""
    resp = view.resp(decision)
    read = reading_of(decision)
    if read:
        guessed = decision.basis != "ink"
        source = "#conjectures" if guessed else "#source"
        reading = sub(entry, "rdg", {"type": LABEL if guessed else "reading", "resp": resp, "source": source})
        if guessed:
            sub(reading, "note", {"type": "label"}, f"{LABEL}, accepted as such")
        tag, evidence = ("supplied", "conjecture") if guessed else ("unclear", "internal")
        sub(reading, tag, {"reason": reason, "evidence": evidence, "resp": resp}, read)
    sub(entry, "note", {"type": "decision", "resp": resp}, decision_in_words(decision) + (f". {decision.note}" if decision.note else ""))


def _corrected(segment: Corrected, view: View) -> etree._Element:
    """Return the entry of a word that was read, and that an editor reads otherwise."""
    word, decision = segment.word, segment.decision
    entry = element(f"{{{TEI}}}app", {"from": f"#{view.places[word.id]}", "n": word.id})
    sub(entry, "lem", {"resp": "#desunt"}, word.text)
    _decision(entry, decision, "illegible", view)
    return _spread(entry)


def _spread(entry: etree._Element) -> etree._Element:
    """Put each reading and note of an entry on a line of its own; within a reading nothing is added."""
    entry.text = "\n "
    for one in entry:
        one.tail = "\n "
    entry[-1].tail = "\n"
    return entry
