"""The apparatus in Markdown: every gap with its place, its context, and what is supposed about it, like the foot of a critical edition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal, assert_never

from desunt.export import ImageSource, Mode
from desunt.export.editor_changes import EditorChange, editor_changes
from desunt.export.gap_entries import ApparatusEntry, glosses_of, iter_entries, models_of, status_of
from desunt.export.markdown_escape import code_span, escape_prose
from desunt.export.modes import editor_reading
from desunt.export.wording import (
    GENERATOR,
    POSSIBLE_HEADING,
    REASON_WORDS,
    STATUS_WORDS,
    decision_in_words,
    extent_in_words,
    field_name_in_words,
    per_cent,
    status_in_words,
    title_of,
)
from desunt.record.conjecture import (
    CONJECTURE_LABEL,
    Candidate,
    Conjectured,
    Decided,
    Decision,
    Illegible,
    Opinion,
    Refusal,
    Refused,
    split_by_support,
)
from desunt.record.files import Record

EXPLANATION = f"""\
**This file is not the text of the document.** It lists the places of the document that could not be read, and what a language model
supposes may have stood there. Every line that says {CONJECTURE_LABEL} is a machine's guess: \
nobody has read it on the page, and it must not be
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

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield the apparatus in UTF-8 Markdown (CommonMark)."""
        blocks = [*_heading(record), *_gaps(record), *_change_blocks(record), *_ending(record)]
        yield ("\n\n".join(block.strip("\n") for block in blocks) + "\n").encode()


def _heading(record: Record) -> Iterator[str]:
    document = record.document
    yield f"# Apparatus: {escape_prose(title_of(document))}"
    yield EXPLANATION
    facts = [("Document", code_span(document.id)), ("Source", code_span(document.source))]
    facts += [(escape_prose(field_name_in_words(name)), escape_prose(value)) for name, value in document.metadata]
    facts += [("Pages", str(len(document.pages))), ("Gaps", _gap_count(record))]
    yield "\n".join(f"- {name}: {value}" for name, value in facts)


def _gap_count(record: Record) -> str:
    counts = Counter(status_of(entry) for entry in iter_entries(record))
    status_counts = [f"{counts[status]} {status_in_words(status)}" for status in STATUS_WORDS if counts[status]]
    return f"{counts.total()} ({'; '.join(status_counts)})" if status_counts else "0"


def _gaps(record: Record) -> Iterator[str]:
    for entry in iter_entries(record):
        yield f"## Gap {entry.number}: {entry.place}"
        yield "\n".join(f"- {line}" for line in _facts(entry))
        yield from _opinion_blocks(entry)


def _facts(entry: ApparatusEntry) -> Iterator[str]:
    gap = entry.gap
    yield f"Reason: {REASON_WORDS[gap.reason]}"
    yield f"Extent: {extent_in_words(gap)}"
    yield f"Context: {_context(entry)}"
    if gap.letters.before or gap.letters.after:
        sides = (("before", gap.letters.before), ("after", gap.letters.after))
        yield "Letters that survive: " + ", ".join(f"{code_span(letters)} {side} the lost ones" for side, letters in sides if letters)
    if gap.engine_reading is not None:
        yield f"Engine's reading of the ink (evidence, not text): {code_span(gap.engine_reading)}"


def _context(entry: ApparatusEntry) -> str:
    before = " / ".join(code_span(line) if line else "" for line in entry.before).strip(" ")
    after = " / ".join(code_span(line) if line else "" for line in entry.after).strip(" ")
    return f"{before} **{code_span(entry.gap.printed)}** {after}".strip()


def _opinion_blocks(entry: ApparatusEntry) -> Iterator[str]:
    match entry.segment:
        case Illegible(gap):
            yield "Withheld: located, and never filled." if gap.reason == "withheld" else "Nothing is supposed about this gap."
        case Conjectured(_, conjecture):
            yield from _candidate_blocks(conjecture)
        case Refused(_, refusal):
            yield from _candidate_blocks(refusal)
        case Decided(_, decision, opinion):
            yield f"Decision: {_labelled_reading(decision)}{escape_prose(decision_in_words(decision))}"
            if decision.confirmed_by:
                yield f"Confirmed by {escape_prose(', '.join(decision.confirmed_by))}"
            if decision.note:
                yield f"Note: {escape_prose(decision.note)}"
            if opinion:
                yield from _candidate_blocks(opinion)
        case _:
            assert_never(entry.segment)


def _labelled_reading(decision: Decision) -> str:
    """Return an editor's reading, under its label where it is a guess; nothing where the decision carries none."""
    reading = editor_reading(decision)
    label = "" if decision.basis == "ink" else f"{CONJECTURE_LABEL} "
    return f"{label}{code_span(reading)}, " if reading else ""


def _change_blocks(record: Record) -> Iterator[str]:
    changes = editor_changes(record)
    if changes:
        yield "## What editors changed"
        yield "Words that an editor reads otherwise than the machine, and gaps that editors made. The text is as the machine read it."
        yield "\n".join(f"- {_change_line(change)}" for change in changes)


def _change_line(change: EditorChange) -> str:
    read = _labelled_reading(change.decision) if change.decision else ""
    return f"{change.place}: {code_span(change.printed)}: {read}{'; '.join(map(escape_prose, change.in_words()))}"


def _candidate_blocks(opinion: Opinion) -> Iterator[str]:
    is_refusal = isinstance(opinion, Refusal)
    if isinstance(opinion, Refusal):
        yield f"**No reading is offered:** {escape_prose(opinion.reason)}."
    if opinion.candidates:
        label = f"{CONJECTURE_LABEL}, not offered:" if is_refusal else f"{CONJECTURE_LABEL}:"
        supported, possible = split_by_support(opinion.candidates)
        for heading, candidates in (("Not offered:" if is_refusal else "Candidates:", supported), (f"{POSSIBLE_HEADING}:", possible)):
            if candidates:
                yield heading
                yield "\n".join(f"{place}. {label} {_candidate_line(candidate)}" for place, candidate in enumerate(candidates, start=1))
        yield f"None of these: {per_cent(opinion.none_of_these)}."


def _candidate_line(candidate: Candidate) -> str:
    evidence = "; ".join(f"{evidence.kind}: {escape_prose(evidence.says)}" for evidence in candidate.evidence)
    return f"{code_span(candidate.text)}, {per_cent(candidate.probability)}" + (f" ({evidence})" if evidence else "")


def _ending(record: Record) -> Iterator[str]:
    glosses = glosses_of(record.document)
    if glosses:
        yield "## What earlier editors added"
        yield "These stand in brackets in the transcript. They are an editor's words, not the page's, and no guess of a machine."
        yield "\n".join(f"- line {line}, {kind}: {code_span(text)}" for line, kind, text in glosses)
    if record.document.notes:
        yield "## Notes"
        yield "\n".join(f"- {escape_prose(note)}" for note in record.document.notes)
    yield "## How this was made"
    provenance = [
        f"Model: {code_span(model.name)}, revision {code_span(model.revision)}, SHA-256 {code_span(model.sha256)}"
        for model in models_of(record)
    ]
    provenance += [f"Step: {code_span(step.name)} {code_span(step.version)}" + _settings(step.settings) for step in record.steps]
    provenance += [f"Written by {GENERATOR}"]
    yield "\n".join(f"- {line}" for line in provenance)


def _settings(settings: tuple[tuple[str, str], ...]) -> str:
    return "; " + ", ".join(f"{escape_prose(name)} {code_span(value)}" for name, value in settings) if settings else ""
