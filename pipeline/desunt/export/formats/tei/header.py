"""The header of a TEI file: what the source is, what made the file, and who decided what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lxml import etree

from desunt.__version__ import __version__
from desunt.export import Mode
from desunt.export.formats.tei.context import TEI, XML_ID, TeiContext, tei_date
from desunt.export.gap_entries import glosses_of
from desunt.export.modes import is_transcript_only
from desunt.export.wording import GENERATOR, decision_in_words, field_name_in_words, title_of
from desunt.export.xml import element, subelement
from desunt.record.conjecture import CONJECTURE_LABEL, Decision
from desunt.record.document import Step

TEI_VERSION = re.compile(r"\d+[a-z]*\d*(\.\d+[a-z]*\d*){0,3}")
MODE_TITLES: Mapping[Mode, str] = {
    "diplomatic": "diplomatic text: the page's own words and gaps, and nothing else",
    "accepted": "text with the readings that editors accepted, each marked with who accepted it",
    "apparatus": "diplomatic text, and behind it the apparatus of what is supposed about its gaps",
}
EDITORIAL_RULES: Mapping[Mode, str] = {
    "diplomatic": f"No {CONJECTURE_LABEL} stands in this file. A gap is a place where text stood and is not read;"
    " its desc says how it is printed.",
    "accepted": "A supplied element is a guess that an editor accepted as such: nobody has read it on the page. An unclear element with the"
    " pointer of an editor was read in the ink by that editor, a seg of type corrected is a word that the editor reads otherwise than the"
    " machine. Every other gap is open.",
    "apparatus": f"The body is the diplomatic text. Every rdg of type {CONJECTURE_LABEL} in the back is a machine's guess that nobody has"
    " read on the page, and must not be quoted as the source.",
}


def header_of(context: TeiContext) -> etree._Element:
    """Return the header."""
    header = element(f"{{{TEI}}}teiHeader")
    file = subelement(header, "fileDesc")
    _title_statement(subelement(file, "titleStmt"), context)
    subelement(subelement(file, "publicationStmt"), "p", {}, f"Written by {GENERATOR} from the record of the document; not a publication.")
    _notes(file, context)
    _source_description(subelement(file, "sourceDesc"), context)
    _encoding(subelement(header, "encodingDesc"), context)
    _revisions(subelement(header, "revisionDesc"), context)
    return header


def _title_statement(statement: etree._Element, context: TeiContext) -> None:
    subelement(statement, "title", {"type": "main"}, title_of(context.view.document))
    subelement(statement, "title", {"type": "sub"}, MODE_TITLES[context.mode])
    _responsible(statement, "desunt", "read by a machine", "name", GENERATOR)
    if context.view.document.transcript:
        _responsible(statement, "transcriber", "the transcript, with the glosses in its brackets", "name", "the maker of the transcript")
    for name, pointer in context.editor_ids.items():
        _responsible(statement, pointer, "read and decided, or confirmed, as an editor", "persName", name)


def _responsible(statement: etree._Element, pointer: str, responsibility: str, tag: str, name: str) -> None:
    statement_part = subelement(statement, "respStmt", {XML_ID: pointer})
    subelement(statement_part, "resp", {}, responsibility)
    subelement(statement_part, tag, {}, name)


def _notes(file: etree._Element, context: TeiContext) -> None:
    """Write what a person should know; glosses of a transcript that was laid over a scan stand here, as its own text is not the body."""
    document = context.view.document
    glosses = () if is_transcript_only(document) else glosses_of(document)
    if not document.notes and not glosses:
        return
    statement = subelement(file, "notesStmt")
    for note in document.notes:
        subelement(statement, "note", {}, note)
    for line, kind, text in glosses:
        subelement(statement, "note", {"type": "gloss", "resp": "#transcriber"}, f"line {line} of the transcript, {kind}: {text}")


def _source_description(description: etree._Element, context: TeiContext) -> None:
    document = context.view.document
    source = subelement(description, "bibl", {XML_ID: "source"})
    subelement(source, "title", {}, title_of(document))
    subelement(source, "idno", {"type": "document"}, document.id)
    for name, value in document.metadata:
        subelement(source, "note", {"type": _attribute_word(name)}, f"{field_name_in_words(name)}: {value}")
    hashes = dict.fromkeys((page.image.path, page.image.sha256) for page in document.pages if page.image)
    if document.transcript:
        hashes[document.transcript.path, document.transcript.sha256] = None
    for path, sha256 in hashes:
        subelement(subelement(source, "relatedItem", {"type": "file"}), "bibl", {}, f"{path}, SHA-256 {sha256}")
    if context.mode != "diplomatic":
        subelement(
            description,
            "bibl",
            {XML_ID: "conjectures"},
            "conjectures.json: what a model supposes about the gaps, each a " + CONJECTURE_LABEL,
        )


def _attribute_word(name: str) -> str:
    """Return a name as one word of an attribute."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-") or "metadata"


def _encoding(description: etree._Element, context: TeiContext) -> None:
    editorial = subelement(description, "editorialDecl")
    subelement(subelement(editorial, "interpretation"), "p", {}, EDITORIAL_RULES[context.mode])
    text = f"Words less legible than {context.vouch} are marked unclear; cert is the calibrated probability that a word is read right."
    subelement(subelement(editorial, "normalization"), "p", {}, text)
    if context.mode == "apparatus":
        subelement(description, "variantEncoding", {"method": "double-end-point", "location": "external"})
    programs = subelement(description, "appInfo")
    _application(programs, "desunt", __version__, "desunt", "wrote this file")
    for step in dict.fromkeys(context.record.steps):
        _application(programs, f"desunt-{_attribute_word(step.name)}", step.version, step.name, _settings(step))
    for model, pointer in context.model_ids.items():
        made = _application(programs, "model", model.revision, model.name, f"revision {model.revision}, SHA-256 {model.sha256}")
        made.set(XML_ID, pointer)


def _application(programs: etree._Element, ident: str, version: str, label: str, description: str) -> etree._Element:
    """Write a program; a version that TEI would not take for one stands in its description alone."""
    is_version = TEI_VERSION.fullmatch(version)
    application = subelement(programs, "application", {"ident": ident, "version": version if is_version else "0"})
    subelement(application, "label", {}, label)
    subelement(application, "desc", {}, description if is_version else f"version {version}: {description}")
    return application


def _settings(step: Step) -> str:
    return "; ".join(f"{name} {value}" for name, value in step.settings) or "no settings"


def _revisions(description: etree._Element, context: TeiContext) -> None:
    """Write who changed what, newest first, and last that desunt made the file."""
    for _, change_element in sorted(_changes(context), key=lambda pair: pair[0], reverse=True):
        description.append(change_element)
    subelement(description, "change", {"who": "#desunt"}, f"made from the record by {GENERATOR}, mode {context.mode}")


def _changes(context: TeiContext) -> Iterator[tuple[str, etree._Element]]:
    for token_id, decision in (context.view.decisions or {}).items():
        target = f"#{context.xml_ids[token_id]}" if token_id in context.xml_ids else None
        yield decision.at, _change(decision.editor, decision.at, target, _decision_sentence(decision), context)
    for edit in context.view.edits:
        description = f"{edit.kind} of gaps in a line" + (f": {edit.note}" if edit.note else "")
        yield edit.at, _change(edit.editor, edit.at, None, description, context)


def _decision_sentence(decision: Decision) -> str:
    confirmed = f"; confirmed by {', '.join(decision.confirmed_by)}" if decision.confirmed_by else ""
    return decision_in_words(decision) + confirmed + (f". {decision.note}" if decision.note else "")


def _change(editor: str, at: str, target: str | None, description: str, context: TeiContext) -> etree._Element:
    return element(f"{{{TEI}}}change", {"when": tei_date(at), "who": f"#{context.editor_ids[editor]}", "target": target}, description)
