"""The apparatus of a TEI file, behind the text: an entry a gap, each candidate labelled, refusals and decisions as notes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from lxml import etree

from desunt.export.formats.tei.context import TEI, TeiContext
from desunt.export.gap_entries import GapSegment, decision_of, opinion_of
from desunt.export.modes import editor_reading, render_line
from desunt.export.wording import POSSIBLE_HEADING, REASON_WORDS, decision_in_words, extent_in_words, per_cent
from desunt.export.xml import element, subelement
from desunt.record.conjecture import CONJECTURE_LABEL, Candidate, Corrected, Decision, Opinion, Read, Refusal, split_by_support
from desunt.record.document import lines_with_pages

EXPLANATION = (
    f"This is not the text of the document. Every rdg of type {CONJECTURE_LABEL} is a machine's guess: nobody has read it on the page."
    " cert is its calibrated probability; the last note of an entry says how likely it is that every candidate listed is wrong."
)


def apparatus_head(division: etree._Element) -> etree._Element:
    """Write heading and explanation of the apparatus; return the division."""
    subelement(division, "head", {}, "Apparatus")
    subelement(division, "p", {}, EXPLANATION)
    return division


def apparatus_of(context: TeiContext) -> Iterator[etree._Element]:
    """Yield an entry for each gap, and for each word that an editor reads otherwise; each points to its place in the body."""
    has_entries = False
    for _, line in lines_with_pages(context.view.document):
        for rendered in render_line(line, context.view, context.mode):
            if isinstance(rendered.segment, Corrected):
                has_entries = True
                yield _corrected_entry(rendered.segment, context)
            elif not isinstance(rendered.segment, Read):
                has_entries = True
                yield _gap_entry(rendered.segment, context)
    if not has_entries:
        # A list of no entries is not valid.
        yield element(f"{{{TEI}}}app")


def _gap_entry(segment: GapSegment, context: TeiContext) -> etree._Element:
    gap, opinion, decision = segment.gap, opinion_of(segment), decision_of(segment)
    entry = element(f"{{{TEI}}}app", {"from": f"#{context.xml_ids[gap.id]}", "n": gap.id})
    subelement(entry, "note", {"type": "gap"}, f"{REASON_WORDS[gap.reason]}, {extent_in_words(gap)}")
    if decision:
        _decision(entry, decision, gap.reason, context)
    if isinstance(opinion, Refusal):
        subelement(entry, "note", {"type": "refusal", "resp": "#desunt"}, f"No reading is offered: {opinion.reason}")
    if opinion and opinion.candidates:
        _candidates(entry, opinion, gap.reason, context)
    return _one_part_a_line(entry)


def _candidates(entry: etree._Element, opinion: Opinion, reason: str, context: TeiContext) -> None:
    resp = f"#{context.model_ids[opinion.model]}" if opinion.model else "#desunt"
    for candidate in chain(*split_by_support(opinion.candidates)):
        type_attributes = {"type": CONJECTURE_LABEL, "subtype": "possible" if candidate.possible else None}
        reading = subelement(entry, "rdg", {**type_attributes, "cert": candidate.probability, "resp": resp, "source": "#conjectures"})
        subelement(reading, "note", {"type": "label"}, _label(candidate, offered=not isinstance(opinion, Refusal)))
        attributes = {"reason": reason, "evidence": "conjecture", "cert": candidate.probability, "resp": resp}
        subelement(reading, "supplied", attributes, candidate.text)
    subelement(entry, "note", {"type": "none-of-these"}, f"None of these: {per_cent(opinion.none_of_these)}")


def _label(candidate: Candidate, *, offered: bool) -> str:
    possible = f". {POSSIBLE_HEADING}" if candidate.possible else ""
    return f"{CONJECTURE_LABEL}{'' if offered else ', not offered'}, {per_cent(candidate.probability)}{possible}"


def _decision(entry: etree._Element, decision: Decision, reason: str, context: TeiContext) -> None:
    """Write an editor's decision: a reading of the ink as such, a guess under its label."""
    resp = context.resp(decision)
    reading = editor_reading(decision)
    if reading:
        is_guess = decision.basis != "ink"
        source = "#conjectures" if is_guess else "#source"
        reading_element = subelement(entry, "rdg", {"type": CONJECTURE_LABEL if is_guess else "reading", "resp": resp, "source": source})
        if is_guess:
            subelement(reading_element, "note", {"type": "label"}, f"{CONJECTURE_LABEL}, accepted as such")
        tag, evidence = ("supplied", "conjecture") if is_guess else ("unclear", "internal")
        subelement(reading_element, tag, {"reason": reason, "evidence": evidence, "resp": resp}, reading)
    subelement(
        entry, "note", {"type": "decision", "resp": resp}, decision_in_words(decision) + (f". {decision.note}" if decision.note else "")
    )


def _corrected_entry(segment: Corrected, context: TeiContext) -> etree._Element:
    """Return the entry of a word that was read, and that an editor reads otherwise."""
    word, decision = segment.word, segment.decision
    entry = element(f"{{{TEI}}}app", {"from": f"#{context.xml_ids[word.id]}", "n": word.id})
    subelement(entry, "lem", {"resp": "#desunt"}, word.text)
    _decision(entry, decision, "illegible", context)
    return _one_part_a_line(entry)


def _one_part_a_line(entry: etree._Element) -> etree._Element:
    """Put each reading and note of an entry on a line of its own; within a reading nothing is added."""
    entry.text = "\n "
    for part in entry:
        part.tail = "\n "
    entry[-1].tail = "\n"
    return entry
