"""The apparatus in Markdown: every gap with its place, its context, and what is supposed about it, like the foot of a critical edition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal, assert_never

from desunt.export import Mode, Pictures
from desunt.export.editor_changes import Change, changes_of
from desunt.export.gap_entries import Entry, each_entry, glosses_of, models_of, status_of
from desunt.export.markdown_escape import code, sentence
from desunt.export.modes import reading_of
from desunt.export.wording import (
    GENERATOR,
    POSSIBLE,
    REASONS,
    STATUSES,
    decision_in_words,
    extent_in_words,
    name_in_words,
    per_cent,
    status_in_words,
    title_of,
)
from desunt.record.conjecture import LABEL, Candidate, Conjectured, Decided, Decision, Illegible, Opinion, Refusal, Refused, by_support
from desunt.record.files import Record

WHAT_THIS_IS = f"""\
**This file is not the text of the document.** It lists the places of the document that could not be read, and what a language model
supposes may have stood there. Every line that says {LABEL} is a machine's guess: nobody has read it on the page, and it must not be
quoted as the source. The text itself, with its gaps left open, is in the `.txt` file beside this one.

What stands in `this type` is quoted letter for letter. In a context the gap is printed **`like this`**, and a stroke / divides lines.
Percentages are probabilities; *none of these* is the probability that every candidate listed is wrong.
"""


class ApparatusExporter:
    """Write the apparatus; it holds no running text."""

    name = "apparatus"
    suffix = ".apparatus.md"
    kind: Literal["reading", "apparatus"] = "apparatus"
    modes: tuple[Mode, ...] = ("apparatus",)
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, pictures: Pictures, mode: Mode) -> Iterator[bytes]:
        """Yield the apparatus in UTF-8 Markdown (CommonMark)."""
        blocks = [*_heading(record), *_gaps(record), *_changes(record), *_ending(record)]
        yield ("\n\n".join(block.strip("\n") for block in blocks) + "\n").encode()


def _heading(record: Record) -> Iterator[str]:
    document = record.document
    yield f"# Apparatus: {sentence(title_of(document))}"
    yield WHAT_THIS_IS
    facts = [("Document", code(document.id)), ("Source", code(document.source))]
    facts += [(sentence(name_in_words(name)), sentence(value)) for name, value in document.metadata]
    facts += [("Pages", str(len(document.pages))), ("Gaps", _count(record))]
    yield "\n".join(f"- {name}: {value}" for name, value in facts)


def _count(record: Record) -> str:
    counted = Counter(status_of(entry) for entry in each_entry(record))
    kinds = [f"{counted[status]} {status_in_words(status)}" for status in STATUSES if counted[status]]
    return f"{counted.total()} ({'; '.join(kinds)})" if kinds else "0"


def _gaps(record: Record) -> Iterator[str]:
    for entry in each_entry(record):
        yield f"## Gap {entry.number}: {entry.place}"
        yield "\n".join(f"- {line}" for line in _facts(entry))
        yield from _opinion(entry)


def _facts(entry: Entry) -> Iterator[str]:
    gap = entry.gap
    yield f"Reason: {REASONS[gap.reason]}"
    yield f"Extent: {extent_in_words(gap)}"
    yield f"Context: {_context(entry)}"
    if gap.letters.before or gap.letters.after:
        sides = (("before", gap.letters.before), ("after", gap.letters.after))
        yield "Letters that survive: " + ", ".join(f"{code(letters)} {side} the lost ones" for side, letters in sides if letters)
    if gap.engine_reading is not None:
        yield f"Engine's reading of the ink (evidence, not text): {code(gap.engine_reading)}"


def _context(entry: Entry) -> str:
    before = " / ".join(code(line) if line else "" for line in entry.before).strip(" ")
    after = " / ".join(code(line) if line else "" for line in entry.after).strip(" ")
    return f"{before} **{code(entry.gap.printed)}** {after}".strip()


def _opinion(entry: Entry) -> Iterator[str]:
    match entry.segment:
        case Illegible(gap):
            yield "Withheld: located, and never filled." if gap.reason == "withheld" else "Nothing is supposed about this gap."
        case Conjectured(_, conjecture):
            yield from _candidates(conjecture)
        case Refused(_, refusal):
            yield from _candidates(refusal)
        case Decided(_, decision, opinion):
            yield f"Decision: {_read(decision)}{sentence(decision_in_words(decision))}"
            if decision.confirmed_by:
                yield f"Confirmed by {sentence(', '.join(decision.confirmed_by))}"
            if decision.note:
                yield f"Note: {sentence(decision.note)}"
            if opinion:
                yield from _candidates(opinion)
        case _:
            assert_never(entry.segment)


def _read(decision: Decision) -> str:
    """Return an editor's reading, under its label where it is a guess; nothing where the decision carries none."""
    reading = reading_of(decision)
    label = "" if decision.basis == "ink" else f"{LABEL} "
    return f"{label}{code(reading)}, " if reading else ""


def _changes(record: Record) -> Iterator[str]:
    found = changes_of(record)
    if found:
        yield "## What editors changed"
        yield "Words that an editor reads otherwise than the machine, and gaps that editors made. The text is as the machine read it."
        yield "\n".join(f"- {_change(change)}" for change in found)


def _change(change: Change) -> str:
    read = _read(change.decision) if change.decision else ""
    return f"{change.place}: {code(change.printed)}: {read}{'; '.join(map(sentence, change.in_words()))}"


def _candidates(opinion: Opinion) -> Iterator[str]:
    refused = isinstance(opinion, Refusal)
    if isinstance(opinion, Refusal):
        yield f"**No reading is offered:** {sentence(opinion.reason)}."
    if opinion.candidates:
        mark = f"{LABEL}, not offered:" if refused else f"{LABEL}:"
        supported, possible = by_support(opinion.candidates)
        for heading, found in (("Not offered:" if refused else "Candidates:", supported), (f"{POSSIBLE}:", possible)):
            if found:
                yield heading
                yield "\n".join(f"{place}. {mark} {_candidate(candidate)}" for place, candidate in enumerate(found, start=1))
        yield f"None of these: {per_cent(opinion.none_of_these)}."


def _candidate(candidate: Candidate) -> str:
    evidence = "; ".join(f"{e.kind}: {sentence(e.says)}" for e in candidate.evidence)
    return f"{code(candidate.text)}, {per_cent(candidate.probability)}" + (f" ({evidence})" if evidence else "")


def _ending(record: Record) -> Iterator[str]:
    glosses = glosses_of(record.document)
    if glosses:
        yield "## What earlier editors added"
        yield "These stand in brackets in the transcript. They are an editor's words, not the page's, and no guess of a machine."
        yield "\n".join(f"- line {line}, {kind}: {code(text)}" for line, kind, text in glosses)
    if record.document.notes:
        yield "## Notes"
        yield "\n".join(f"- {sentence(note)}" for note in record.document.notes)
    yield "## How this was made"
    made = [f"Model: {code(m.name)}, revision {code(m.revision)}, SHA-256 {code(m.sha256)}" for m in models_of(record)]
    made += [f"Step: {code(step.name)} {code(step.version)}" + _settings(step.settings) for step in record.steps]
    made += [f"Written by {GENERATOR}"]
    yield "\n".join(f"- {line}" for line in made)


def _settings(pairs: tuple[tuple[str, str], ...]) -> str:
    return "; " + ", ".join(f"{sentence(name)} {code(value)}" for name, value in pairs) if pairs else ""
