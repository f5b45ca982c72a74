"""Prove the desk's database, for `desunt verify`: that its chain of decisions holds, and that snapshots tell what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from desunt.errors import DesuntError
from desunt.export.outputs import document_folders
from desunt.record.files import DECISIONS, read_record
from desunt.verify.findings import Breach, Finding, Note

DESK = "desk.sqlite"


def prove_desk(outputs: Path) -> Iterator[Finding]:
    """Yield what is wrong with the desk's database of an outputs folder; nothing where there is none.

    A snapshot that differs from what stands is a note: editors go on working after an export.
    """
    if not (outputs / DESK).is_file():
        return
    from sqlalchemy.exc import SQLAlchemyError

    from desunt.review import decided
    from desunt.review.store import open_store

    try:
        chain = open_store(outputs).decisions.verify_chain()
    except (DesuntError, SQLAlchemyError) as error:
        yield Breach(DESK, "", f"cannot be read: {error}")
        return
    if chain.broken is not None:
        yield Breach(DESK, f"row {chain.broken}", chain.problem)
        return
    stands = decided(outputs, None)
    for folder in document_folders(outputs) if any(outputs.glob(f"*/{DECISIONS}")) else ():
        try:
            record = read_record(folder)
        except DesuntError:
            # `verify` tells what is wrong with this folder.
            continue
        known = stands(record.document.id)
        if not (folder / DECISIONS).exists() or known == (dict(record.decisions or {}), record.edits):
            continue
        problem = "is not what stands at the desk now; `desunt export` writes it anew" if known else "was decided at another desk"
        yield Note(f"{folder.name}/{DECISIONS}", "", problem)
