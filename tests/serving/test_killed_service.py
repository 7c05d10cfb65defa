"""A service that is killed at any moment loses no acknowledged line, and gives the alerts of one that was not."""

import http.client
import json
import random
import threading
import time

import pytest
from tests.serving.process import Process
from tests.serving.senders import document


@pytest.mark.parametrize("kills", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_a_killed_service_loses_nothing_and_repeats_nothing(world, tmp_path, kills):
    folder, lines, found = world
    home, chance = tmp_path / "home", random.Random(kills)
    service, sent, killed = Process(home, folder / "bundle"), 0, 0
    mean = len(lines) / (kills * 8)
    try:
        while sent < len(lines) or killed < kills:
            killing = threading.Timer(chance.uniform(0, 1.2), service.kill) if killed < kills else None
            if killing:
                killing.start()
            while True:  # until it is killed in the middle of something, or all is sent
                size = max(1, round(chance.expovariate(1 / mean)))
                rest = lines[sent : min(sent + size, round(len(lines) * (killed + 1) / (kills + 1)))]
                if not rest and killing is None:
                    break
                try:
                    if rest:
                        path, body, kind = document("loki", "hdfs", rest)
                        status, said = service.ask("POST", path, body.encode(), kind)
                        assert status == 204, said
                        sent += len(rest)
                    else:
                        service.ask("GET", "/livez")
                except (OSError, http.client.HTTPException):
                    killing.join()
                    killed += 1
                    service = Process(home, folder / "bundle")
                    # what was not acknowledged may be on disk: a sender that sends it again would send it twice
                    sent = service.settled(sent, sent + len(rest))
                    break
                time.sleep(chance.uniform(0, 0.02))
        assert killed == kills
        assert service.ask("POST", "/api/v1/flush")[0] in (200, 204)
        alerts = sorted(one["alert_id"] for one in service.every("alerts"))
        incidents = sorted(one["incident_id"] for one in service.every("incidents"))
        assert alerts == sorted(found.alerts["alert_id"].to_pylist())
        assert incidents == sorted(found.incidents["incident_id"].to_pylist())
        services = json.loads(service.ask("GET", "/api/v1/services")[1])["services"]
        assert sum(one["records"] for one in services) == len(lines)
        assert service.records() == len(lines)
    finally:
        service.kill()
    assert "Traceback" not in (tmp_path / "serve.err").read_text()
