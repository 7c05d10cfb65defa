"""The folder of a site: the base that all have, the settings, and the site's own sessions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logradar.core.columns import Columns
from logradar.core.config import kept
from logradar.core.documents import UNREADABLE, read_object, reason_of
from logradar.core.errors import BundleError
from logradar.core.sequences import Sequences
from logradar.detectors.base import Detector
from logradar.federated.client import Client
from logradar.federated.learner import Learner
from logradar.federated.run import Federation, adapted
from logradar.federated.server import Server
from logradar.federated.settings import FederationSettings

SETTINGS: Final = "federation.json"
BASE: Final = "base"


def write(folder: Path, federation: Federation) -> None:
    """Write base, settings, and for each client the sequences of its sessions; in earnest each site has its own."""
    folder.mkdir(parents=True, exist_ok=True)
    federation.detector.save(folder / BASE)
    settings = {
        "settings": federation.settings.federation.model_dump(mode="json"),
        "noise": {str(number): client.noise for number, client in federation.clients.items()},
    }
    (folder / SETTINGS).write_text(json.dumps(settings))
    for number, part in enumerate(federation.train, 1):
        pq.write_table(pa.table({"template_ids": part["template_ids"]}), folder / f"client-{number}.parquet")


@dataclass(frozen=True, eq=False)
class SiteFolder:
    """What `write` wrote, read again in another process."""

    folder: Path
    settings: FederationSettings
    noise: dict[str, Any]
    detector: Any
    learner: Learner

    @classmethod
    def load(cls, folder: Path) -> SiteFolder:
        """Raises `BundleError` where it cannot be read."""
        try:
            found = read_object(folder / SETTINGS)
            settings = kept(FederationSettings, found["settings"])
            noise = dict(found["noise"])
        except UNREADABLE as error:
            raise BundleError(f"The federation in '{folder}' cannot be read ({reason_of(error)}).") from None
        detector: Any = Detector.load(folder / BASE)
        network = detector.network()
        adapted(network, settings)
        return cls(folder, settings, noise, detector, Learner(network, detector.objective, settings))

    def client(self, number: int) -> Client:
        """The client of this number, with its sessions."""
        rows = Columns(self.folder / f"client-{number}.parquet").sequences("template_ids")
        rows = Sequences.of(rows.values, rows.offsets)
        return Client(number, self.detector.learnable(rows), self.learner, float(self.noise[str(number)]))

    def server(self, state: Path) -> Server:
        """The server, which goes on from ``state`` where there is something."""
        layout = self.learner.layout
        server = Server(layout, np.asarray(layout.read(self.learner.network)), self.settings, state)
        server.resume()
        return server
