"""The first tables: documents, gaps, the chain of entries and what stands, second readings, accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

REFUSES = "the chain of decisions is append-only"


def upgrade() -> None:
    """Make all tables, and the triggers that keep the chain from being changed."""
    _tables()
    if op.get_bind().dialect.name == "sqlite":
        for deed in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER entries_no_{deed.lower()} BEFORE {deed} ON entries BEGIN SELECT RAISE(ABORT, '{REFUSES}'); END")
        return
    op.execute(f"CREATE FUNCTION desunt_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{REFUSES}'; END $$")
    op.execute(
        "CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION desunt_append_only()"
    )


def _tables() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("gap_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
        sa.UniqueConstraint("uid", "reader", name=op.f("uq_assignments_uid_reader")),
    )
    op.create_index(op.f("ix_assignments_reader_outcome"), "assignments", ["reader", "outcome"], unique=False)
    op.create_table(
        "detached",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_detached")),
    )
    op.create_table(
        "documents",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("record_sha256", sa.Text(), nullable=False),
        sa.Column("glance", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_documents")),
    )
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("editor", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("saw", sa.Text(), nullable=False),
        sa.Column("refers", sa.Text(), nullable=True),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("series", sa.Text(), nullable=True),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("probabilities", sa.Text(), nullable=False),
        sa.Column("top", sa.Text(), nullable=True),
        sa.Column("probability", sa.Float(precision=53), nullable=True),
        sa.Column("refused", sa.Boolean(), nullable=True),
        sa.Column("blind", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("record_sha256", sa.Text(), nullable=False),
        sa.Column("scan_sha256", sa.Text(), nullable=True),
        sa.Column("frame", sa.Integer(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("edit", sa.Text(), nullable=False),
        sa.Column("moved_from", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_entries")),
        sa.UniqueConstraint("uid", name=op.f("uq_entries_uid")),
    )
    op.create_index(op.f("ix_entries_action_document_id"), "entries", ["action", "document_id"], unique=False)
    op.create_index(op.f("ix_entries_document_id_seq"), "entries", ["document_id", "seq"], unique=False)
    op.create_index(op.f("ix_entries_editor_seq"), "entries", ["editor", "seq"], unique=False)
    op.create_index(op.f("ix_entries_series_seq"), "entries", ["series", "seq"], unique=False)
    op.create_index(op.f("ix_entries_stale_seq"), "entries", ["stale", "seq"], unique=False)
    op.create_index(op.f("ix_entries_target_seq"), "entries", ["target", "seq"], unique=False)
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_address_at"), "sign_ins", ["address", "at"], unique=False)
    op.create_index(op.f("ix_sign_ins_name_at"), "sign_ins", ["name", "at"], unique=False)
    op.create_table(
        "standing",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_standing")),
    )
    op.create_index(op.f("ix_standing_document_id_status"), "standing", ["document_id", "status"], unique=False)
    op.create_index(op.f("ix_standing_status"), "standing", ["status"], unique=False)
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("created", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "gaps",
        sa.Column("gap_id", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("least", sa.Integer(), nullable=True),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("box", sa.Text(), nullable=True),
        sa.Column("scan_sha256", sa.Text(), nullable=True),
        sa.Column("frame", sa.Integer(), nullable=True),
        sa.Column("engine_reading", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("top", sa.Text(), nullable=True),
        sa.Column("probability", sa.Float(precision=53), nullable=True),
        sa.Column("none_of_these", sa.Float(precision=53), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("series", sa.Text(), nullable=True),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("cheap", sa.Float(precision=53), nullable=False),
        sa.Column("doubt", sa.Float(precision=53), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("reading", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.document_id"], name=op.f("fk_gaps_document_id")),
        sa.PrimaryKeyConstraint("gap_id", name=op.f("pk_gaps")),
    )
    op.create_index(op.f("ix_gaps_document_id_place_gap_id"), "gaps", ["document_id", "place", "gap_id"], unique=False)
    op.create_index(op.f("ix_gaps_series_status"), "gaps", ["series", "status"], unique=False)
    op.create_index(op.f("ix_gaps_status_cheap_gap_id"), "gaps", ["status", "cheap", "gap_id"], unique=False)
    op.create_index(op.f("ix_gaps_status_document_id_reason_kind"), "gaps", ["status", "document_id", "reason", "kind"], unique=False)
    op.create_index(op.f("ix_gaps_status_doubt_gap_id"), "gaps", ["status", "doubt", "gap_id"], unique=False)
    op.create_table(
        "scans",
        sa.Column("scan_sha256", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.document_id"], name=op.f("fk_scans_document_id")),
        sa.PrimaryKeyConstraint("scan_sha256", "document_id", name=op.f("pk_scans")),
    )
    op.create_table(
        "sessions",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["users.name"], name=op.f("fk_sessions_name")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sessions")),
    )
    op.create_table(
        "words",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("word_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.document_id"], name=op.f("fk_words_document_id")),
        sa.PrimaryKeyConstraint("word", "document_id", name=op.f("pk_words")),
    )
    op.create_index(op.f("ix_words_document_id"), "words", ["document_id"], unique=False)
