"""Answers of reviews, and a column of templates that a search by words looks into."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LONGEST = 20_000
_TOGETHER = 500


def upgrade() -> None:
    """Create the table of reviews, and fill the new column for the templates that are there."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "reviews",
        *(sa.Column(name, text, nullable=False) for name in ("bundle", "kind", "answer", "by")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bundle", "kind", name="pk_reviews"),
    )
    op.add_column("templates", sa.Column("search", text, nullable=False, server_default=sa.text("''")))
    columns: list[sa.ColumnClause[Any]] = [
        sa.column(name) for name in ("bundle", "template_id", "template", "example", "search")
    ]
    templates = sa.table("templates", *columns)
    connection = op.get_bind()
    fill = sa.update(templates).where(
        templates.c.bundle == sa.bindparam("of"), templates.c.template_id == sa.bindparam("number")
    )
    rows = connection.execute(sa.select(*columns[:4])).all()
    for start in range(0, len(rows), _TOGETHER):
        values = [
            {
                "of": row.bundle,
                "number": row.template_id,
                "search": "\n".join(one for one in row[2:] if one).casefold()[:_LONGEST],
            }
            for row in rows[start : start + _TOGETHER]
        ]
        connection.execute(fill, values)
