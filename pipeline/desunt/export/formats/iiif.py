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
    entries: dict[str, ApparatusEntry]
    record: Record
    text_positions: dict[str, tuple[int, int]]


class IiifExporter:
    """Write the manifest canvas by canvas. In the mode `apparatus` every body about a conjecture begins with CONJECTURE."""

    name = "iiif"
    suffix = ".manifest.json"
    kind: Literal["reading", "apparatus"] = "reading"
    modes: tuple[Mode, ...] = ("apparatus", "diplomatic", "accepted")
    one_per: Literal["document", "page"] = "document"

    def __init__(self) -> None:
        self.base_uri = DEFAULT_BASE_URI

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield UTF-8 JSON. Ids are made of `base_uri` and the document's id: `BASE/box/letter.tif/canvas/1`."""
        view = view_for_mode(record, mode)
        context = _ManifestContext(
            f"{self.base_uri.rstrip('/')}/{quote(record.document.id)}", mode, entries_by_gap(view), view, _text_positions(view, mode)
        )
        head = json.dumps(_manifest_head(context), ensure_ascii=False, indent=1)
        yield (head.removesuffix("\n}") + ',\n "items": [').encode()
        for index, canvas in enumerate(_canvases(context)):
            canvas_json = json.dumps(canvas, ensure_ascii=False, indent=1)
            yield ("," * bool(index) + "\n" + canvas_json).encode()
        yield b"\n ]\n}\n"


def _text_positions(view: Record, mode: Mode) -> dict[str, tuple[int, int]]:
    """Return where in the text of the mode each gap and each reading of an editor stands, in characters."""
    positions, position = {}, 0
    for part in stream_text(view, mode):
        text = part if isinstance(part, str) else part.text
        if isinstance(part, RenderedToken) and not isinstance(part.segment, Read):
            positions[part.token.id] = (position, position + len(text))
        position += len(text)
    return positions


def _manifest_head(context: _ManifestContext) -> dict[str, Any]:
    document = context.record.document
    fields = [(field_name_in_words(name), value) for name, value in document.metadata if value.strip()]
    fields += [("Source", document.source), ("Mode", context.mode), ("Written by", GENERATOR)]
    return {
        "@context": PRESENTATION_CONTEXT,
        "id": f"{context.uri}/manifest.json",
        "type": "Manifest",
        "label": _language_map(title_of(document)),
        "summary": _language_map(MODE_STATEMENTS[context.mode]),
        "metadata": [{"label": _language_map(name), "value": _language_map(value)} for name, value in fields],
        "behavior": ["paged" if len(document.pages) > 1 else "individuals"],
    }


def _language_map(text: str) -> dict[str, list[str]]:
    """Return a language map; a value that begins with `<` would be taken for HTML (Presentation 3.0, section 4.2)."""
    visible = visible_text(text)
    return {"none": [f" {visible}" if visible.startswith("<") else visible]}


def _canvases(context: _ManifestContext) -> Iterator[dict[str, Any]]:
    document = context.record.document
    if is_transcript_only(document) or not document.pages:
        parts = list(render_transcript(context.record, context.mode)) if document.transcript else []
        text = "".join(part if isinstance(part, str) else part.text for part in parts)
        annotations = [_line_annotation(f"{context.uri}/canvas/1", 1, text, None)] if text.strip() else []
        yield _canvas(context, 1, BLANK_CANVAS_SIZE, annotations, [part for part in parts if isinstance(part, RenderedToken)])
        return
    for page in document.pages:
        lines = [list(render_line(line, context.record, context.mode)) for line in page.lines]
        size = (page.image.width, page.image.height) if page.image else BLANK_CANVAS_SIZE
        canvas = _canvas(context, page.number, size, _line_annotations(context, page, lines), [token for line in lines for token in line])
        canvas["items"] = [_painting_page(context, page)] if page.image else canvas["items"]
        yield canvas


def _canvas(
    context: _ManifestContext,
    number: int,
    size: tuple[int, int],
    line_annotations: list[dict[str, Any]],
    rendered_tokens: list[RenderedToken],
) -> dict[str, Any]:
    uri = f"{context.uri}/canvas/{number}"
    annotation_pages = [("text", "The text of the page", line_annotations)]
    if context.mode != "diplomatic":
        notes = "Gaps, with what is supposed about them" if context.mode == "apparatus" else "What editors decided"
        annotation_pages.append(("notes", notes, list(_note_annotations(context, uri, rendered_tokens))))
    return {
        "id": uri,
        "type": "Canvas",
        "label": _language_map(f"Page {number}"),
        "width": size[0],
        "height": size[1],
        "items": [{"id": f"{uri}/painting", "type": "AnnotationPage", "items": []}],
        "annotations": [
            {"id": f"{uri}/{name}", "type": "AnnotationPage", "label": _language_map(label), "items": items}
            for name, label, items in annotation_pages
        ],
    }


def _painting_page(context: _ManifestContext, page: Page) -> dict[str, Any]:
    assert page.image is not None
    uri, size = f"{context.uri}/canvas/{page.number}", {"width": page.image.width, "height": page.image.height}
    body = {"id": f"{context.uri}/pages/{page.number:04d}.jpg", "type": "Image", "format": "image/jpeg", **size}
    annotation = {"id": f"{uri}/painting/1", "type": "Annotation", "motivation": "painting", "body": body, "target": uri}
    return {"id": f"{uri}/painting", "type": "AnnotationPage", "items": [annotation]}


def _fragment(box: Box | None) -> str:
    return f"#xywh={max(0, box.left)},{max(0, box.top)},{box.width},{box.height}" if box else ""


def _line_annotations(context: _ManifestContext, page: Page, lines: list[list[RenderedToken]]) -> list[dict[str, Any]]:
    """Return the lines of a page as text that supplements it: the text of the mode and nothing else."""
    uri = f"{context.uri}/canvas/{page.number}"
    return [
        _line_annotation(
            uri,
            number,
            " ".join(rendered.text for rendered in rendered_line),
            line.box or Box.enclosing_known(rendered.token.box for rendered in rendered_line),
        )
        for number, (line, rendered_line) in enumerate(zip(page.lines, lines, strict=True), start=1)
        if rendered_line
    ]


def _line_annotation(uri: str, number: int, text: str, box: Box | None) -> dict[str, Any]:
    body = {"type": "TextualBody", "format": "text/plain", "value": text}
    return {
        "id": f"{uri}/text/{number}", "type": "Annotation", "motivation": "supplementing", "body": body, "target": uri + _fragment(box),
    }  # fmt: skip


def _note_annotations(context: _ManifestContext, uri: str, rendered_tokens: list[RenderedToken]) -> Iterator[dict[str, Any]]:
    for rendered in rendered_tokens:
        note = note_about(rendered, context.entries, context.mode)
        if note is None:
            continue
        entry = context.entries.get(rendered.token.id)
        decision = rendered.decision or (decision_of(entry.segment) if entry else None)
        creator: dict[str, Any] = {"type": "Person", "name": visible_text(decision.editor)} if decision else _machine_creator(entry)
        created = {"created": decision.at} if decision else {}
        bodies = [{"type": "TextualBody", "purpose": "describing", "format": "text/plain", "value": line} for line in note.lines]
        yield {
            "id": f"{uri}/notes/{rendered.token.id}",
            "type": "Annotation",
            "motivation": "assessing" if decision else "commenting",
            "creator": creator,
            **created,
            "generator": SOFTWARE,
            "body": bodies,
            "target": _targets(context, uri, rendered, entry),
        }


def _machine_creator(entry: ApparatusEntry | None) -> dict[str, Any]:
    opinion = opinion_of(entry.segment) if entry else None
    model: ModelRef | None = opinion.model if opinion else None
    return {**SOFTWARE, "name": f"{GENERATOR}, model {model.name} {model.revision}"} if model else SOFTWARE


def _targets(context: _ManifestContext, uri: str, rendered: RenderedToken, entry: ApparatusEntry | None) -> list[dict[str, Any]]:
    """Return where an annotation belongs: a part of the canvas, and the words of its line."""
    canvas: dict[str, Any] = {"id": uri, "type": "Canvas", "partOf": [{"id": f"{context.uri}/manifest.json", "type": "Manifest"}]}
    box = rendered.token.box
    targets: list[dict[str, Any]] = [{"type": "SpecificResource", "source": canvas}]
    if box:
        targets[0]["selector"] = {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": _fragment(box).removeprefix("#")}
    quote_selector: dict[str, Any] = {"type": "TextQuoteSelector", "exact": rendered.text}
    if entry:
        quote_selector |= {"prefix": entry.before[-1] if entry.before else "", "suffix": entry.after[0] if entry.after else ""}
    start, end = context.text_positions[rendered.token.id]
    selectors = [quote_selector, {"type": "TextPositionSelector", "start": start, "end": end}]
    return [*targets, {"type": "SpecificResource", "source": f"{context.uri}/text.txt", "selector": selectors}]
