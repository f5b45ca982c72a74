"""A backup of the desk's database while it is in use."""

from __future__ import annotations

import pytest

from desunt.errors import UsageError
from desunt.review.serve import back_up
from desunt.review.store import open_store
from desunt.review.store.types import Proposal
from tests.support.collections import write_collection


def test_a_backup_holds_what_was_recorded_while_the_desk_runs(tmp_path):
    outputs = tmp_path / "outputs"
    gaps = write_collection(outputs)
    desk = open_store(outputs, None)
    desk.index.refresh()
    entry = desk.decisions.decide(Proposal(gaps[0], "amended", "anna", "", "ink", "quondam"))
    back_up(outputs, None, tmp_path / "copy.sqlite")
    desk.decisions.decide(Proposal(gaps[1], "amended", "anna", "", "ink", "later"))
    desk.close()
    copy = open_store(outputs, f"sqlite:///{tmp_path / 'copy.sqlite'}")
    assert copy.decisions.recent() == (entry,)
    assert copy.decisions.verify_chain().broken is None
    copy.close()


def test_a_backup_is_never_written_over_and_names_what_is_missing(tmp_path):
    with pytest.raises(UsageError, match="no desk"):
        back_up(tmp_path, None, tmp_path / "copy.sqlite")
    open_store(tmp_path, None).close()
    (tmp_path / "copy.sqlite").write_bytes(b"mine")
    with pytest.raises(UsageError, match="there already"):
        back_up(tmp_path, None, tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").read_bytes() == b"mine"
    with pytest.raises(UsageError, match="pg_dump"):
        back_up(tmp_path, "postgresql://me@host/desk", tmp_path / "third.sqlite")
