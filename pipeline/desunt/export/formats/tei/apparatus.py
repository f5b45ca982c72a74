"""The apparatus of a TEI file, behind the text: an entry a gap, each candidate labelled, refusals and decisions as notes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from lxml import etree

from desunt.export.formats.tei.names import TEI, TeiContext
from desunt.export.gap_entries import GapSegment, decision_of, opinion_of
from desunt.export.modes import editor_reading, render_line
from desunt.export.wording import POSSIBLE_HEADING, REASON_WORDS, decision_in_words, extent_in_words, per_cent
from desunt.export.xml import element, subelement
from desunt.record.conjecture import CONJECTURE_LABEL, Candidate, Corrected, Decision, Opinion, Read, Refusal, split_by_support
from desunt.record.document import lines_with_pages

EXPLANATION = (
    f"This is not the text of the document. Every rdg of type {CONJECTURE_LABEL} is a machine's guess: nobody has read it on the page. cert is its"
    " calibrated probability; the last note of an entry says how likely it is that every candidate listed is wrong."
)


def apparatus_head(division: etree._Element) -> etree._Element:
    """Write heading and explanation of the apparatus; return the division."""
    subelement(division, "head", {}, "Apparatus")
    subelement(division, "p", {}, EXPLANATION)
    return division


def apparatus_of(view: TeiContext) -> Iterator[etree._Element]:
    """Yield an entry for each gap, and for each word that an editor reads otherwise; each points to its place in the body."""
    found = False
    for _, line in lines_with_pages(view.shown.document):
        for one in render_line(line, view.shown, view.mode):
            if isinstance(one.segment, Corrected):
                found = True
                yield _corrected_entry(one.segment, view)
            elif not isinstance(one.segment, Read):
                found = True
                yield _gap_entry(one.segment, view)
    if not found:
        # A list of no entries is not valid.
        yield element(f"{{{TEI}}}app")


def _gap_entry(segment: GapSegment, view: TeiContext) -> etree._Element:
    gap, opinion, decision = segment.gap, opinion_of(segment), decision_of(segment)
    entry = element(f"{{{TEI}}}app", {"from": f"#{view.places[gap.id]}", "n": gap.id})
    subelement(entry, "note", {"type": "gap"}, f"{REASON_WORDS[gap.reason]}, {extent_in_words(gap)}")
    if decision:
        _decision(entry, decision, gap.reason, view)
    if isinstance(opinion, Refusal):
        subelement(entry, "note", {"type": "refusal", "resp": "#desunt"}, f"No reading is offered: {opinion.reason}")
    if opinion and opinion.candidates:
        _candidates(entry, opinion, gap.reason, view)
    return _one_part_a_line(entry)


def _candidates(entry: etree._Element, opinion: Opinion, reason: str, view: TeiContext) -> None:
    resp = f"#{view.models[opinion.model]}" if opinion.model else "#desunt"
    for candidate in chain(*split_by_support(opinion.candidates)):
        kind = {"type": CONJECTURE_LABEL, "subtype": "possible" if candidate.possible else None}
        reading = subelement(entry, "rdg", {**kind, "cert": candidate.probability, "resp": resp, "source": "#conjectures"})
        subelement(reading, "note", {"type": "label"}, _label(candidate, offered=not isinstance(opinion, Refusal)))
        about = {"reason": reason, "evidence": "conjecture", "cert": candidate.probability, "resp": resp}
        subelement(reading, "supplied", about, candidate.text)
    subelement(entry, "note", {"type": "none-of-these"}, f"None of these: {per_cent(opinion.none_of_these)}")


def _label(candidate: Candidate, *, offered: bool) -> str:
    possible = f". {POSSIBLE_HEADING}" if candidate.possible else ""
    return f"{CONJECTURE_LABEL}{'' if offered else ', not offered'}, {per_cent(candidate.probability)}{possible}"


def _decision(entry: etree._Element, decision: Decision, reason: str, view: TeiContext) -> None:
    """Write an editor's decision: a reading of the ink as such, a guess under its label."""
    resp = view.resp(decision)
    read = editor_reading(decision)
    if read:
        guessed = decision.basis != "ink"
        source = "#conjectures" if guessed else "#source"
        reading = subelement(entry, "rdg", {"type": CONJECTURE_LABEL if guessed else "reading", "resp": resp, "source": source})
        if guessed:
            subelement(reading, "note", {"type": "label"}, f"{CONJECTURE_LABEL}, accepted as such")
        tag, evidence = ("supplied", "conjecture") if guessed else ("unclear", "internal")
        subelement(reading, tag, {"reason": reason, "evidence": evidence, "resp": resp}, read)
    subelement(
        entry, "note", {"type": "decision", "resp": resp}, decision_in_words(decision) + (f". {decision.note}" if decision.note else "")
    )


def _corrected_entry(segment: Corrected, view: TeiContext) -> etree._Element:
    """Return the entry of a word that was read, and that an editor reads otherwise."""
    word, decision = segment.word, segment.decision
    entry = element(f"{{{TEI}}}app", {"from": f"#{view.places[word.id]}", "n": word.id})
    subelement(entry, "lem", {"resp": "#desunt"}, word.text)
    _decision(entry, decision, "illegible", view)
    return _one_part_a_line(entry)


def _one_part_a_line(entry: etree._Element) -> etree._Element:
    """Put each reading and note of an entry on a line of its own; within a reading nothing is added."""
    entry.text = "\n "
    for one in entry:
        one.tail = "\n "
    entry[-1].tail = "\n"
    return entry
