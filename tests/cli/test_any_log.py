"""`cat app.log | logradar train - -o b && logradar detect b new.log` on every loghub system: no labels, no config."""

from __future__ import annotations

import io
import sys

import pytest
from tests.conftest import find_data

FOLDER = find_data()
SYSTEMS = sorted(path.name for path in (FOLDER / "loghub_2k").iterdir() if path.is_dir()) if FOLDER else []


STRANGE = b"flux capacitor overload: rerouting plasma conduit through the secondary manifold\n"
LONG = {"BGL", "Linux", "Mac", "OpenSSH", "Proxifier", "Windows", "Zookeeper"}  # systems that take longest
FULL_OF_NEWS = {"Linux", "Thunderbird"}  # one of forty normal windows has thirty new lines too: a boot


@pytest.mark.skipif(not SYSTEMS, reason="no real data here: set LOGRADAR_DATA")
@pytest.mark.parametrize(
    "system", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in SYSTEMS]
)
def test_a_real_log_without_labels_or_config(system, data_dir, logradar, tmp_path, monkeypatch):
    lines = (data_dir / "loghub_2k" / system / f"{system}_2k.log").read_bytes().splitlines(keepends=True)

    class Stdin:
        buffer = io.BytesIO(b"".join(lines[:1500]))

    monkeypatch.setattr(sys, "stdin", Stdin)
    trained = logradar("train", "-", "-o", tmp_path / "b", "--json")
    assert trained.code == 0, trained.err
    assert 0 < trained.json["records"] <= 1500
    told = {}
    for strange in (0, 30, 100):
        (tmp_path / "new.log").write_bytes(b"".join([*lines[1500:1700], *[STRANGE] * strange, *lines[1700:]]))
        found = logradar("detect", tmp_path / "b", tmp_path / "new.log", "--json")
        assert found.code == 0, found.err
        assert found.json["quarantined"] == 0
        bodies = [evidence["body"] for alert in found.json["alerts"] for evidence in alert["evidence"]]
        told[strange] = any(body and "flux capacitor" in body for body in bodies)
    assert told == {0: False, 30: system not in FULL_OF_NEWS, 100: True}
