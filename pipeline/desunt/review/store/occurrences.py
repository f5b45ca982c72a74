"""Where a candidate stands elsewhere: among the words that were read, never among conjectures."""

from __future__ import annotations

from sqlalchemy import Connection, select

from desunt.record.document import Document, Word, lines_with_pages
from desunt.review.store.index_rows import folded
from desunt.review.store.schema import WordTable
from desunt.review.store.values import Occurrence


def of_document(document: Document, text: str, limit: int) -> tuple[Occurrence, ...]:
    """Return each place of a document where these words follow each other in a line."""
    wanted = [folded(word) for word in text.split()]
    found = []
    for page, line in lines_with_pages(document) if all(wanted) and wanted else ():
        here = [folded(token.text) if isinstance(token, Word) else None for token in line.tokens]
        for start in range(len(here) - len(wanted) + 1):
            if here[start : start + len(wanted)] == wanted:
                found.append(Occurrence(document.id, page.number, line.id, line.tokens[start].id, line.text, 1))
                if len(found) == limit:
                    return tuple(found)
    return tuple(found)


def of_collection(connection: Connection, text: str, limit: int) -> tuple[Occurrence, ...]:
    """Return the documents that have this one word, most often first, each with its first place; nothing for several words."""
    asked = (
        select(WordTable).where(WordTable.word == folded(text)[:200]).order_by(WordTable.times.desc(), WordTable.document_id).limit(limit)
    )
    return tuple(Occurrence(row.document_id, row.page, row.line_id, row.word_id, row.line, row.times) for row in connection.execute(asked))
