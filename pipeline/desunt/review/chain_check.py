"""Prove the desk's database, for `desunt verify`: that its chain of decisions holds, and that snapshots tell what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from desunt.errors import DesuntError
from desunt.record.edits import DocumentDecisions
from desunt.record.files import DECISIONS_FILE, read_record
from desunt.record.folder import document_folders
from desunt.verify.findings import Breach, Finding, Remark

DESK_DATABASE = "desk.sqlite"


def verify_desk(outputs: Path) -> Iterator[Finding]:
    """Yield what is wrong with the desk's database of an outputs folder; nothing where there is none.

    A snapshot that differs from what stands is a note: editors go on working after an export.
    """
    if not (outputs / DESK_DATABASE).is_file():
        return
    from sqlalchemy.exc import SQLAlchemyError

    from desunt.review import decision_lookup
    from desunt.review.store import open_store

    try:
        chain = open_store(outputs).decisions.verify_chain()
    except (DesuntError, SQLAlchemyError) as error:
        yield Breach(DESK_DATABASE, "", f"cannot be read: {error}")
        return
    if chain.broken is not None:
        yield Breach(DESK_DATABASE, f"row {chain.broken}", chain.problem)
        return
    look_up = decision_lookup(outputs, None)
    for folder in document_folders(outputs, finished=True):
        if not (folder / DECISIONS_FILE).exists():
            continue
        try:
            record = read_record(folder)
        except DesuntError:
            # `verify` tells what is wrong with this folder.
            continue
        current = look_up(record.document.id)
        if current == DocumentDecisions(dict(record.decisions or {}), record.edits):
            continue
        problem = "is not what stands at the desk now; `desunt export` writes it anew" if current else "was decided at another desk"
        yield Remark(f"{folder.name}/{DECISIONS_FILE}", "", problem)
