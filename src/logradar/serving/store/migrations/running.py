"""Migrations, run from code: a store that an older version wrote gets the tables of this one when it is opened.

All steps are one transaction: they are done whole, or after an error not at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from logradar.serving.store.errors import NEWER, StoreError

_FOLDER: Final = Path(__file__).parent


def upgrade(connection: Connection, where: str, *, target: str = "head") -> None:
    """Bring the tables to the revision ``target``, in the transaction of ``connection``; ``where`` names the store.

    Raises `StoreError` where a newer version of LogRadar wrote them.
    """
    settings = Config(attributes={"connection": connection})
    settings.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(settings)
    known = {script.revision for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StoreError(
            f"The store {where} was written by a newer version of LogRadar (its tables are of revision '{current}', "
            f"and this version knows up to '{scripts.get_current_head()}'): install that version, or restore a backup.",
            NEWER,
        )
    if current != scripts.as_revision_number(target):
        command.upgrade(settings, target)
