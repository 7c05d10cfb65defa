"""One Spark for all tests of the engine: it takes seconds to start, and a session that is there is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="needs pyspark: pip install 'logradar[spark]'")
    from logradar.engines.spark.cluster import Engine, connected

    with connected(Engine.of("spark=local[2,4]?spark.driver.memory=700m")) as session:
        yield session
