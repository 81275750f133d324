"""What Alembic runs: the migrations, inside the transaction that `store.migrate` holds."""

from alembic import context

from stenowire.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
