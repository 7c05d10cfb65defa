"""The environment that Alembic runs migrations in: the connection and transaction that `running.upgrade` gave."""

from alembic import context

from logradar.serving.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes columns by copying the table
)
context.run_migrations()
