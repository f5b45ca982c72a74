"""A IIIF Presentation 3 manifest: pages as canvases, their lines as text, and what is supposed as W3C Web Annotations of its own pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from desunt.export import ImageSource, Mode
from desunt.export.gap_entries import ApparatusEntry, decision_of, opinion_of
from desunt.export.markdown_escape import visible_text
from desunt.export.modes import RenderedToken, is_transcript_only, render_line, render_transcript, view_for_mode
from desunt.export.notes import entries_by_gap, note_about
from desunt.export.text_stream import MODE_STATEMENTS, stream_text
from desunt.export.wording import GENERATOR, field_name_in_words, title_of
from desunt.record.conjecture import ModelRef, Read
from desunt.record.document import Box, Page
from desunt.record.files import Record

PRESENTATION_CONTEXT = "http://iiif.io/api/presentation/3/context.json"
MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"
# Where the manifest is meant to be served if `base_uri` does not say: a server of this machine, so that no stranger's address is claimed.
DEFAULT_BASE_URI = "http://localhost:8000"
# The size of a canvas for a page without a scan: A4 at 100 dots an inch.
BLANK_CANVAS_SIZE = (827, 1169)
SOFTWARE = {"type": "Software", "name": GENERATOR}


@dataclass(frozen=True, slots=True)
class _ManifestContext:
    """What the annotations of a manifest need to know of their surroundings."""

    uri: str
    mode: Mode
    known: dict[str, ApparatusEntry]
    record: Record
    spans: dict[str, tuple[int, int]]


class IiifExporter:
    """Write the manifest canvas by canvas. In the mode `apparatus` every body about a conjecture begins with CONJECTURE."""

    name = "iiif"
    suffix = ".manifest.json"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("apparatus", "diplomatic", "accepted")
    one_per: Literal["document", "page"] = "document"

    def __init__(self) -> None:
        self.base_uri = DEFAULT_BASE_URI

    def export(self, record: Record, pictures: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield UTF-8 JSON. Ids are made of `base_uri` and the document's id: `BASE/box/letter.tif/canvas/1`."""
        shown = view_for_mode(record, mode)
        place = _ManifestContext(
            f"{self.base_uri.rstrip('/')}/{quote(record.document.id)}", mode, entries_by_gap(shown), shown, _text_positions(shown, mode)
        )
        head = json.dumps(_manifest_head(place), ensure_ascii=False, indent=1)
        yield (head.removesuffix("\n}") + ',\n "items": [').encode()
        for number, canvas in enumerate(_canvases(place)):
            written = json.dumps(canvas, ensure_ascii=False, indent=1)
            yield ("," * bool(number) + "\n" + written).encode()
        yield b"\n ]\n}\n"


def _text_positions(shown: Record, mode: Mode) -> dict[str, tuple[int, int]]:
    """Return where in the text of the mode each gap and each reading of an editor stands, in characters."""
    found, at = {}, 0
    for one in stream_text(shown, mode):
        text = one if isinstance(one, str) else one.text
        if isinstance(one, RenderedToken) and not isinstance(one.segment, Read):
            found[one.token.id] = (at, at + len(text))
        at += len(text)
    return found


def _manifest_head(place: _ManifestContext) -> dict[str, Any]:
    document = place.record.document
    pairs = [(field_name_in_words(name), value) for name, value in document.metadata if value.strip()]
    pairs += [("Source", document.source), ("Mode", place.mode), ("Written by", GENERATOR)]
    return {
        "@context": PRESENTATION_CONTEXT,
        "id": f"{place.uri}/manifest.json",
        "type": "Manifest",
        "label": _language_map(title_of(document)),
        "summary": _language_map(MODE_STATEMENTS[place.mode]),
        "metadata": [{"label": _language_map(name), "value": _language_map(value)} for name, value in pairs],
        "behavior": ["paged" if len(document.pages) > 1 else "individuals"],
    }


def _language_map(text: str) -> dict[str, list[str]]:
    """Return a language map; a value that begins with `<` would be taken for HTML (Presentation 3.0, section 4.2)."""
    shown = visible_text(text)
    return {"none": [f" {shown}" if shown.startswith("<") else shown]}


def _canvases(place: _ManifestContext) -> Iterator[dict[str, Any]]:
    document = place.record.document
    if is_transcript_only(document) or not document.pages:
        parts = list(render_transcript(place.record, place.mode)) if document.transcript else []
        text = "".join(one if isinstance(one, str) else one.text for one in parts)
        written = [_line_annotation(f"{place.uri}/canvas/1", 1, text, None)] if text.strip() else []
        yield _canvas(place, 1, BLANK_CANVAS_SIZE, written, [one for one in parts if isinstance(one, RenderedToken)])
        return
    for page in document.pages:
        lines = [list(render_line(line, place.record, place.mode)) for line in page.lines]
        size = (page.image.width, page.image.height) if page.image else BLANK_CANVAS_SIZE
        canvas = _canvas(place, page.number, size, _line_annotations(place, page, lines), [one for line in lines for one in line])
        canvas["items"] = [_painting_page(place, page)] if page.image else canvas["items"]
        yield canvas


def _canvas(
    place: _ManifestContext, number: int, size: tuple[int, int], written: list[dict[str, Any]], found: list[RenderedToken]
) -> dict[str, Any]:
    uri = f"{place.uri}/canvas/{number}"
    kinds = [("text", "The text of the page", written)]
    if place.mode != "diplomatic":
        notes = "Gaps, with what is supposed about them" if place.mode == "apparatus" else "What editors decided"
        kinds.append(("notes", notes, list(_note_annotations(place, uri, found))))
    return {
        "id": uri,
        "type": "Canvas",
        "label": _language_map(f"Page {number}"),
        "width": size[0],
        "height": size[1],
        "items": [{"id": f"{uri}/painting", "type": "AnnotationPage", "items": []}],
        "annotations": [
            {"id": f"{uri}/{kind}", "type": "AnnotationPage", "label": _language_map(label), "items": items} for kind, label, items in kinds
        ],
    }


def _painting_page(place: _ManifestContext, page: Page) -> dict[str, Any]:
    assert page.image is not None
    uri, size = f"{place.uri}/canvas/{page.number}", {"width": page.image.width, "height": page.image.height}
    body = {"id": f"{place.uri}/pages/{page.number:04d}.jpg", "type": "Image", "format": "image/jpeg", **size}
    painting = {"id": f"{uri}/painting/1", "type": "Annotation", "motivation": "painting", "body": body, "target": uri}
    return {"id": f"{uri}/painting", "type": "AnnotationPage", "items": [painting]}


def _fragment(box: Box | None) -> str:
    return f"#xywh={max(0, box.left)},{max(0, box.top)},{box.width},{box.height}" if box else ""


def _line_annotations(place: _ManifestContext, page: Page, lines: list[list[RenderedToken]]) -> list[dict[str, Any]]:
    """Return the lines of a page as text that supplements it: the text of the mode and nothing else."""
    uri = f"{place.uri}/canvas/{page.number}"
    return [
        _line_annotation(uri, number, " ".join(one.text for one in found), line.box or Box.enclosing_known(one.token.box for one in found))
        for number, (line, found) in enumerate(zip(page.lines, lines, strict=True), start=1)
        if found
    ]


def _line_annotation(uri: str, number: int, text: str, box: Box | None) -> dict[str, Any]:
    body = {"type": "TextualBody", "format": "text/plain", "value": text}
    return {
        "id": f"{uri}/text/{number}", "type": "Annotation", "motivation": "supplementing", "body": body, "target": uri + _fragment(box),
    }  # fmt: skip


def _note_annotations(place: _ManifestContext, uri: str, found: list[RenderedToken]) -> Iterator[dict[str, Any]]:
    for one in found:
        note = note_about(one, place.known, place.mode)
        if note is None:
            continue
        entry = place.known.get(one.token.id)
        decision = one.decision or (decision_of(entry.segment) if entry else None)
        creator: dict[str, Any] = {"type": "Person", "name": visible_text(decision.editor)} if decision else _machine_creator(entry)
        made = {"created": decision.at} if decision else {}
        bodies = [{"type": "TextualBody", "purpose": "describing", "format": "text/plain", "value": line} for line in note.lines]
        yield {
            "id": f"{uri}/notes/{one.token.id}",
            "type": "Annotation",
            "motivation": "assessing" if decision else "commenting",
            "creator": creator,
            **made,
            "generator": SOFTWARE,
            "body": bodies,
            "target": _targets(place, uri, one, entry),
        }


def _machine_creator(entry: ApparatusEntry | None) -> dict[str, Any]:
    opinion = opinion_of(entry.segment) if entry else None
    model: ModelRef | None = opinion.model if opinion else None
    return {**SOFTWARE, "name": f"{GENERATOR}, model {model.name} {model.revision}"} if model else SOFTWARE


def _targets(place: _ManifestContext, uri: str, one: RenderedToken, entry: ApparatusEntry | None) -> list[dict[str, Any]]:
    """Return where an annotation belongs: a part of the canvas, and the words of its line."""
    canvas: dict[str, Any] = {"id": uri, "type": "Canvas", "partOf": [{"id": f"{place.uri}/manifest.json", "type": "Manifest"}]}
    box = one.token.box
    targets: list[dict[str, Any]] = [{"type": "SpecificResource", "source": canvas}]
    if box:
        targets[0]["selector"] = {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": _fragment(box).removeprefix("#")}
    quoted: dict[str, Any] = {"type": "TextQuoteSelector", "exact": one.text}
    if entry:
        quoted |= {"prefix": entry.before[-1] if entry.before else "", "suffix": entry.after[0] if entry.after else ""}
    start, end = place.spans[one.token.id]
    selectors = [quoted, {"type": "TextPositionSelector", "start": start, "end": end}]
    return [*targets, {"type": "SpecificResource", "source": f"{place.uri}/text.txt", "selector": selectors}]
