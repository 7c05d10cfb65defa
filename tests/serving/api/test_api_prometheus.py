"""A real Prometheus scrapes `/metrics`: it is up, and knows how many records were sent."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

PROGRAM = shutil.which("prometheus")
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: logradar
    static_configs: [{{targets: ["{target}"]}}]
"""


@pytest.fixture
def ask(address, tmp_path):
    """Asks a Prometheus that scrapes the service each second for the value of a query; None where it has none yet."""
    if PROGRAM is None:
        pytest.skip("no Prometheus here: Debian's package is prometheus")
    (tmp_path / "prometheus.yml").write_text(CONFIG.format(target=address.removeprefix("http://")))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        mine = f"127.0.0.1:{free.getsockname()[1]}"
    command = [PROGRAM, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    command += [f"--web.listen-address={mine}"]

    def asked(query):
        url = f"http://{mine}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            assert process.poll() is None, (tmp_path / "log").read_text()
            return None
        return float(result[0]["value"][1]) if result else None

    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield asked
        finally:
            process.terminate()


def test_a_real_prometheus_is_told_what_was_sent(ask, client, service, world):
    _, lines, found = world
    sent = service.worker.records
    assert sent >= len(lines)
    until = time.monotonic() + 60
    while ask("logradar_records_total") != sent:
        assert time.monotonic() < until, (ask("up"), ask("logradar_records_total"))
        time.sleep(0.1)
    assert ask("up") == 1
    assert ask("sum(logradar_stored_alerts)") == len(found.alerts)
    assert ask("min(logradar_part_ok)") == 1
    assert ask("scrape_samples_scraped") == ask("scrape_samples_post_metric_relabeling") > 20
    line = {"streams": [{"stream": {"app": "other"}, "values": [["1700000000000000000", "a line"]] * 7}]}
    assert client.post("/loki/api/v1/push", json=line).status_code == 204
    while ask("logradar_records_total") != sent + 7:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert ask('logradar_ingest_records_total{protocol="loki"}') >= 7
