"""Where a candidate stands elsewhere: among the words that were read, never among conjectures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, select

from desunt.record.document import Document, Word, lines_with_pages
from desunt.review.store.index_rows import stored_word_key, word_key
from desunt.review.store.schema import WordTable
from desunt.review.store.values import Occurrence


def find_in_document(document: Document, text: str, limit: int) -> tuple[Occurrence, ...]:
    """Return each place of a document where these words follow each other in a line."""
    keys = [word_key(word) for word in text.split()]
    return tuple(islice(_occurrences(document, keys), limit)) if keys and all(keys) else ()


def _occurrences(document: Document, keys: list[str]) -> Iterator[Occurrence]:
    for page, line in lines_with_pages(document):
        line_keys = [word_key(token.text) if isinstance(token, Word) else None for token in line.tokens]
        for start in range(len(line_keys) - len(keys) + 1):
            if line_keys[start : start + len(keys)] == keys:
                yield Occurrence(document.id, page.number, line.id, line.tokens[start].id, line.text, 1)


def find_in_collection(connection: Connection, text: str, limit: int) -> tuple[Occurrence, ...]:
    """Return the documents that have this one word, most often first, each with its first place; nothing for several words."""
    words = select(WordTable).where(WordTable.word == stored_word_key(text)).order_by(WordTable.times.desc(), WordTable.document_id)
    rows = connection.execute(words.limit(limit))
    return tuple(Occurrence(row.document_id, row.page, row.line_id, row.word_id, row.line, row.times) for row in rows)
