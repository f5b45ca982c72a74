"""The tables' versions, oldest first; Alembic walks them inside the transaction it is given."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the database of the connection to a version, the newest by default. The caller holds the lock and commits."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    from desunt.review.store.schema import DeskTable

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, scripts, fn=lambda current, _: scripts._upgrade_revs(revision, current)) as environment:
        # transactional_ddl: all versions or none, on SQLite too, which can and whose dialect says it cannot.
        environment.configure(connection=connection, target_metadata=DeskTable.metadata, render_as_batch=True, transactional_ddl=True)
        environment.run_migrations()
