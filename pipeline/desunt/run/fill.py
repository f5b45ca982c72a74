"""Fill the gaps of a transcript, or single gaps given as JSON lines, without any scan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from desunt.errors import InputError
from desunt.export import load_exporter
from desunt.record.conjecture import CONJECTURE_LABEL, Candidate, Conjecture
from desunt.record.document import Document
from desunt.record.files import Record
from desunt.run.workflow import cached_gap_model, cached_lexicon, work_transcript
from desunt.settings import Settings
from desunt.transcript import read_transcript, source_bytes, transcript_document

if TYPE_CHECKING:
    from desunt.restore.gap_jsonl import GapLine

# Gaps are asked about in batches of this many, so that the first answers come soon and memory stays flat.
BATCH_SIZE_GAPS = 32


def fill_transcript(path: Path, content: bytes | None, settings: Settings) -> Record:
    """Read a transcript (from `content` if it came through standard input) and ask for its gaps."""
    if content is None:
        document = read_transcript(path, document_id=path.name)
    else:
        document = transcript_document(content, path=str(path), document_id="standard input")
    return work_transcript(document, settings)


def source_with_apparatus(record: Record) -> bytes:
    """Return the source's own bytes, unchanged, and after them the apparatus."""
    apparatus = load_exporter("apparatus").export(record, lambda _: None, "apparatus")
    return source_bytes(record.document) + b"\n\n" + b"".join(apparatus)


def as_json(record: Record) -> dict[str, Any]:
    """Return source and gaps for a program; `place` is the gap's (start, end) in the source, in characters."""
    return {"source": record.document.text, "gaps": [_gap_json(record, gap) for gap in record.document.gaps]}


def _gap_json(record: Record, gap: Any) -> dict[str, Any]:
    opinion = record.opinions.get(gap.id)
    return {
        "place": {"id": gap.id, "span": gap.span, **_line_and_column(record.document, gap.span)},
        "reason": gap.reason,
        "status": CONJECTURE_LABEL,
        "candidates": candidates_json(opinion.candidates if opinion else ()),
        "none_of_these": opinion.none_of_these if opinion else 1.0,
        "refusal": None if isinstance(opinion, Conjecture) else opinion.reason if opinion else f"{gap.reason}: never filled",
    }


def _line_and_column(document: Document, span: tuple[int, int] | None) -> dict[str, int]:
    if span is None or document.transcript is None:
        return {}
    before = document.transcript.text[: span[0]]
    return {"line": before.count("\n") + 1, "column": span[0] - before.rfind("\n")}


def candidates_json(candidates: tuple[Candidate, ...]) -> list[dict[str, Any]]:
    return [{"text": c.text, "probability": c.probability, "possible": c.possible} for c in candidates]


def fill_gap_file(path: Path, settings: Settings, out: TextIO) -> None:
    """Answer a file of gaps: one line in, one line out, in order, as soon as their batch is done.

    Raises InputError at a bad line, after the lines before it are answered.
    """
    from desunt.restore.gap_jsonl import iter_gaps

    batch: list[GapLine] = []
    try:
        for line in iter_gaps(path):
            batch.append(line)
            if len(batch) == BATCH_SIZE_GAPS:
                _answer_batch(batch, settings, out)
                batch = []
    except InputError:
        _answer_batch(batch, settings, out)
        raise
    _answer_batch(batch, settings, out)


def _answer_batch(batch: Sequence[GapLine], settings: Settings, out: TextIO) -> None:
    from desunt.restore import restore
    from desunt.restore.gap_jsonl import answer_line, gap_queries

    if not batch:
        return
    opinions = restore(gap_queries(batch), cached_gap_model(settings), lexicon=cached_lexicon(settings), limit=settings.candidates)
    for line, opinion in zip(batch, opinions, strict=True):
        out.write(json.dumps(answer_line(line.id, opinion), ensure_ascii=False) + "\n")
    out.flush()
