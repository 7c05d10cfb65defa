"""Sites: the sessions of an input, divided among clients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logradar.core.errors import DataError
from logradar.core.sequences import Sequences
from logradar.federated.settings import FederationSettings
from logradar.federated.wire import hash64

Ints = npt.NDArray[np.int64]


def divided(sessions: pa.Table, settings: FederationSettings) -> list[Ints]:
    """The rows of SESSIONS that each client has, in order of time; there may be clients without any.

    ``iid`` decides by a hash of the session's id, so that a session is with the same client in every run of a seed.
    ``dirichlet`` (Hsu et al., 2019) draws for each template a distribution over the clients, and a session goes by its
    rarest template. Raises `DataError` where a session has no service and they are divided by service.
    """
    if settings.division in ("service", "file"):
        names = _services(sessions) if settings.division == "service" else _files(sessions)
        owners = np.unique(names)
        return [np.flatnonzero(names == owner) for owner in owners.tolist()]
    if settings.division == "dirichlet":
        client = _by_template(sessions, settings)
    else:
        seed = settings.seed.to_bytes(8, "little")
        ids = sessions["session_id"].to_pylist()
        client = np.array([hash64(seed, str(one).encode()) % settings.clients for one in ids], np.int64)
    return [np.flatnonzero(client == number) for number in range(settings.clients)]


def _services(sessions: pa.Table) -> npt.NDArray[np.str_]:
    column = sessions["service"].cast(pa.string())
    if column.null_count:
        raise DataError(
            f"{column.null_count:,} sessions have no service, so they cannot be divided by service; use division=iid."
        )
    return np.array(column.to_pylist(), np.str_)


def _files(sessions: pa.Table) -> npt.NDArray[np.str_]:
    """What is before the last hyphen of a session's id, which sources of event numbers make of file and line."""
    ids = sessions["session_id"].to_pylist()
    return np.array([str(one).rpartition("-")[0].removesuffix("_train").removesuffix("_test") for one in ids], np.str_)


def _by_template(sessions: pa.Table, settings: FederationSettings) -> Ints:
    ids = Sequences.from_arrow(sessions["template_ids"])
    templates, codes, counts = np.unique(ids.values, return_inverse=True, return_counts=True)
    rarest = np.zeros(len(ids), np.int64)
    for row, (start, stop) in enumerate(zip(ids.offsets[:-1].tolist(), ids.offsets[1:].tolist(), strict=True)):
        own = codes[start:stop]
        rarest[row] = own[np.argmin(counts[own])] if stop > start else 0
    random = np.random.default_rng((settings.seed, 77))
    shares = random.dirichlet(np.full(settings.clients, settings.alpha), max(len(templates), 1)).cumsum(1)
    drawn: Ints = np.minimum((shares[rarest] < random.random(len(ids))[:, None]).sum(1), settings.clients - 1)
    return drawn
