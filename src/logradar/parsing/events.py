"""Events: LOG_RECORDS with the template of each body."""

from __future__ import annotations

import pyarrow as pa

from logradar.core.tables import EVENTS, check
from logradar.parsing.interning import Ids


def events(records: pa.Table, template_ids: Ids, parameters: pa.Array | None = None) -> pa.Table:
    """EVENTS from LOG_RECORDS and, for each, its template id and (if wanted) its parameters."""
    given = {"template_id": pa.array(template_ids, pa.int32()), "parameters": parameters}
    nothing = pa.nulls(len(records), EVENTS.field("parameters").type)
    columns = [
        (nothing if given[name] is None else given[name]) if name in given else records[name] for name in EVENTS.names
    ]
    return check(pa.Table.from_arrays(columns, schema=EVENTS), EVENTS)
