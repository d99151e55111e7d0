"""What Alembic runs: migrations on the connection that it was given, in that connection's transaction."""

from alembic import context

from dialler.stores.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can't alter a column: the table is copied
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
