"""One self-contained page to review a document on: scan beside diplomatic text, and apart from both what is supposed about the gaps."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from desunt.export import ImageSource, Mode
from desunt.export.editor_changes import editor_changes
from desunt.export.gap_entries import candidates_of, decision_of, glosses_of, iter_entries, models_of, opinion_of, refusal_reason, status_of
from desunt.export.modes import editor_reading, is_transcript_only
from desunt.export.review_columns import count_words, crop_around, page_columns
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
    vouch_threshold,
)
from desunt.record.conjecture import CONJECTURE_LABEL, split_by_support
from desunt.record.document import Page
from desunt.record.files import Record


class HtmlExporter:
    """Write the review page; the text columns hold the diplomatic text and nothing else, candidates stand in cards of their own."""

    name = "html"
    suffix = ".html"
    kind: Literal["reading", "apparatus"] = "apparatus"
    modes: tuple[Mode, ...] = ("apparatus",)
    one_per: Literal["document", "page"] = "document"

    def export(self, record: Record, images: ImageSource, mode: Mode) -> Iterator[bytes]:
        """Yield one HTML file that loads nothing: style, script and page images are inside."""
        counts = Counter(status_of(entry) for entry in iter_entries(record))
        style, script = _asset("review.css") + _link_rules(counts.total()), _asset("review.js")
        # Inside a document may stand anything: the browser is told to run this script and to load nothing, whatever it finds.
        sources = f"img-src data:; style-src {_csp_hash(style)}; script-src {_csp_hash(script)}"
        pages, words, unclear = record.document.pages, *count_words(record)
        parts = (
            _environment()
            .get_template("review.html.j2")
            .generate(
                record=record,
                document=record.document,
                title=title_of(record.document),
                pages=[Page(1, None, ())] if is_transcript_only(record.document) else pages,
                views=page_columns(record, images),
                words=words,
                unclear=unclear,
                gaps=counts.total(),
                counts={status: counts[status] for status in STATUS_WORDS if counts[status]},
                changes=editor_changes(record),
                glosses=glosses_of(record.document),
                models=models_of(record),
                vouch=vouch_threshold(record),
                label=CONJECTURE_LABEL,
                possible=POSSIBLE_HEADING,
                generator=GENERATOR,
                style=Markup(style),
                script=Markup(script),
                policy=f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'",
            )
        )
        # A page image is one large part: only one is in memory at a time.
        yield from (part.encode() for part in parts)


@cache
def _environment() -> Environment:
    loader = PackageLoader("desunt.export.formats")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["crop"] = crop_around
    environment.filters |= {
        "by_support": split_by_support,
        "candidates": candidates_of,
        "decided": decision_in_words,
        "decision": decision_of,
        "exact": escape_exactly,
        "extent": extent_in_words,
        "name": field_name_in_words,
        "opinion": opinion_of,
        "per_cent": per_cent,
        "read": editor_reading,
        "reason": REASON_WORDS.__getitem__,
        "refusal": refusal_reason,
        "status": status_of,
        "status_words": status_in_words,
    }
    return environment


def escape_exactly(text: str) -> Markup:
    """Escape text so that a reader of HTML gets every character back: carriage returns would become line feeds, NUL cannot be written."""
    return Markup(str(escape(text)).replace("\r", "&#13;").replace("\0", "␀"))


def _asset(name: str) -> str:
    return (resources.files("desunt.export.formats") / "templates" / name).read_text("utf-8")


def _csp_hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _link_rules(gaps: int) -> str:
    """Return rules that light up a gap's mark and box while its card is the target of a link: gap and image are linked without a script."""
    rule = ":root:has(#gap-{0}:target) :is(#mark-{0},#box-{0},#crop-{0}){{--lit:var(--accent);--lit-fill:var(--accent-soft)}}\n"
    return "".join(rule.format(number) for number in range(1, gaps + 1))
