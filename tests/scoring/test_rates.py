"""Changes of rates: found, named, and the same wherever batches end."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.scoring.test_oath import CUTS, lines_of, plain, told

from logradar.alerting.incidents import IncidentList
from logradar.core.tables import LOG_RECORDS
from logradar.model.bundle import Bundle, input_settings
from logradar.model.rates.merging import merged
from logradar.model.rates.profile import RateProfile
from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train
from logradar.scoring.rates.changes import latest
from logradar.scoring.state import load_state, save_state
from logradar.scoring.stream import Stream
from logradar.scoring.thresholds import plan_threshold
from logradar.storage import bucket_store
from logradar.storage.records import reading

START = datetime(2026, 3, 2)
Line = tuple[float, str]


def steady(begin: float, end: float, every: float, text: str, rng: random.Random, loose: float = 0.2) -> list[Line]:
    """Lines at nearly even intervals (seconds)."""
    count = int((end - begin) / every)
    return [(begin + (n + 0.5 + loose * (rng.random() - 0.5)) * every, f"{text} number {n}") for n in range(count)]


def shop(hours: float, seed: int, day: int = 0) -> list[Line]:
    """Three services: web and store by chance, and a clock whose heartbeat comes every half minute."""
    rng, end = random.Random(seed), hours * 3600
    lines = []
    for service, text, every in (
        ("web", "request was answered", 2.0),
        ("web", "page was built", 5.0),
        ("store", "item was sold", 4.0),
        ("store", "stock was counted", 15.0),
    ):
        moment = 0.0
        while (moment := moment + rng.expovariate(1 / every)) < end:
            lines.append((moment, f"INFO {service} {text} number {rng.randrange(10**6)}"))
    lines += steady(0, end, 30, "INFO clock heartbeat is well", rng)
    return [(at + day * 86_400, text) for at, text in lines]


def write(path: Path, lines: Iterable[Line]) -> Path:
    """JSON lines, which name the service, in order of time."""
    rows = []
    for at, text in sorted(lines):
        level, service, message = text.split(" ", 2)
        when = f"{START + timedelta(seconds=at):%Y-%m-%dT%H:%M:%S.%f}Z"
        rows.append(json.dumps({"timestamp": when, "level": level, "service": service, "message": message}))
    path.write_text("\n".join(rows) + "\n")
    return path


def without(lines: list[Line], words: str, begin: float, end: float) -> list[Line]:
    return [(at, text) for at, text in lines if not (begin <= at < end and words in text)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hours train."""
    home = tmp_path_factory.mktemp("rates")
    train(str(write(home / "train.log", shop(3, 1))), home / "bundle", SETTINGS)
    return home / "bundle"


SETTINGS = run_settings(None, ["detector=new_template", "beside=[]"])
LATER = 86_400.0


def found(bundle: Path, lines: list[Line], tmp_path: Path) -> list[dict[str, Any]]:
    return detect(bundle, str(write(tmp_path / "new.log", lines))).rate_changes.to_pylist()


def test_nothing_where_nothing_changes(bundle: Path, tmp_path: Path) -> None:
    assert found(bundle, shop(3, 2, day=1), tmp_path) == []


def test_silence_of_a_service_is_one_change(bundle: Path, tmp_path: Path) -> None:
    begin = LATER + 3600
    lines = without(shop(3, 3, day=1), " store ", begin, begin + 1200)
    (change,) = found(bundle, lines, tmp_path)
    assert (change["kind"], change["service"], change["template"]) == ("silence", "store", None)
    assert abs((change["started_at"].replace(tzinfo=None) - START).total_seconds() - begin) <= 60
    assert abs((change["last_at"] - change["started_at"]).total_seconds() - 1200) <= 120
    assert change["observed"] == 0
    assert 300 < change["expected"] < 480
    assert "nothing for" in change["reason"]
    assert change["body"] and change["record_id"] is None


def test_a_missing_heartbeat_is_silence(bundle: Path, tmp_path: Path) -> None:
    begin = LATER + 3600
    lines = shop(3, 4, day=1)
    lines += [(at, text.replace("clock heartbeat is well", "clock tick")) for at, text in lines if "heartbeat" in text]
    kinds = {change["kind"] for change in found(bundle, without(lines, "heartbeat", begin, begin + 1200), tmp_path)}
    assert "silence" in kinds


def test_a_spike_names_its_message_and_shows_a_line(bundle: Path, tmp_path: Path) -> None:
    begin = LATER + 3600
    rng = random.Random(0)
    more = [(begin + rng.random() * 600, f"INFO store stock was counted number {n}") for n in range(3000)]
    changes = found(bundle, shop(3, 5, day=1) + more, tmp_path)
    (change,) = [one for one in changes if one["template_id"] is not None]
    assert (change["kind"], change["service"]) == ("spike", "store")
    assert change["template"].startswith("stock was counted")
    assert 2900 < change["observed"] < 3200
    assert "instead of" in change["reason"] and " in 1" in change["reason"]
    shown = lines_of(tmp_path / "new.log")[change["line"] - 1]
    assert change["body"] in shown and change["record_id"] == change["line"] - 1


def test_a_new_message_is_new(bundle: Path, tmp_path: Path) -> None:
    more = [(LATER + 5000 + n, f"ERROR store disk is full number {n}") for n in range(100)]
    (change,) = found(bundle, shop(3, 6, day=1) + more, tmp_path)
    assert (change["kind"], change["service"], change["observed"]) == ("new", "store", 100)
    assert change["level"] == 17 and "disk is full" in change["body"]


def test_a_storm_over_all_messages_of_a_service_is_one_change(tmp_path: Path) -> None:
    rng = random.Random(1)
    words = [
        *("cart was opened", "price is known", "mail goes out", "user came back", "disk was read", "page has moved"),
        *("query took long", "token has ended", "image got smaller", "order left us", "stock is here", "coupon counts"),
    ]

    def lines(day: int) -> list[Line]:
        return [(day * LATER + rng.random() * 7200, f"INFO plan {words[n % 12]} as number {n}") for n in range(4000)]

    train(str(write(tmp_path / "train.log", lines(0))), tmp_path / "bundle", SETTINGS)
    storm = [(LATER + 3600 + rng.random() * 300, f"INFO plan {words[n % 12]} as number {n}") for n in range(6000)]
    (change,) = found(tmp_path / "bundle", lines(1) + storm, tmp_path)
    assert (change["kind"], change["service"], change["template"]) == ("spike", "plan", None)
    assert change["reason"].count("«") == 5


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_log_out_of_order_or_without_times_says_so(bundle: Path, tmp_path: Path, shuffled: bool) -> None:
    path = write(tmp_path / "new.log", shop(2, 7, day=1))
    lines = path.read_text().splitlines()
    random.Random(0).shuffle(lines) if shuffled else None
    timeless = [json.dumps({k: v for k, v in json.loads(line).items() if k != "timestamp"}) for line in lines]
    path.write_text("\n".join(lines if shuffled else timeless) + "\n")
    result = detect(bundle, str(path))
    assert result.rate_changes.num_rows == 0
    assert any(("order of time" if shuffled else "no times") in note for note in result.figures["notes"])


def test_a_service_that_training_could_not_name_is_not_new(tmp_path: Path) -> None:
    """A file has no names of services; the shipper that delivers the same log later has one."""
    plain_lines = [f"{START + timedelta(seconds=at):%Y-%m-%d %H:%M:%S.%f} {text}" for at, text in sorted(shop(3, 1))]
    (tmp_path / "plain.log").write_text("\n".join(plain_lines) + "\n")
    train(str(tmp_path / "plain.log"), tmp_path / "unnamed", SETTINGS)
    begin = LATER + 3600
    rng = random.Random(0)
    same = [(at, text.replace("INFO ", "INFO shop ")) for at, text in shop(3, 2, day=1)]
    assert found(tmp_path / "unnamed", same, tmp_path) == []
    more = [(begin + rng.random() * 600, f"INFO shop store stock was counted number {n}") for n in range(3000)]
    changes = found(tmp_path / "unnamed", same + more, tmp_path)
    assert {(one["kind"], one["service"]) for one in changes if one["template_id"] is not None} == {("spike", None)}


def test_too_little_time_learns_no_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(str(write(tmp_path / "train.log", shop(0.7, 1))), tmp_path / "bundle", SETTINGS)
    assert Bundle.load(tmp_path / "bundle").rates is None
    assert "hour of logs" in capsys.readouterr().err


def test_a_log_that_is_empty_at_first_can_be_learnt(tmp_path: Path) -> None:
    """Of its first four fifths no bucket is whole."""
    at = [0.0, *(18_000.0 + 20 * n for n in range(200))]
    lines = [(moment, f"INFO web page was built number {n}") for n, moment in enumerate(at)]
    train(str(write(tmp_path / "train.log", lines)), tmp_path / "bundle", SETTINGS)
    assert Bundle.load(tmp_path / "bundle").rates is not None


def test_without_rates_nothing_is_reported(tmp_path: Path) -> None:
    chosen = run_settings(None, ["detector=new_template", "beside=[]", "rates.enabled=false"])
    train(str(write(tmp_path / "train.log", shop(2, 1))), tmp_path / "bundle", chosen)
    assert Bundle.load(tmp_path / "bundle").rates is None
    assert found(tmp_path / "bundle", without(shop(2, 2, day=1), "store", LATER, LATER + 3600), tmp_path) == []


def test_a_training_that_goes_on_knows_both(bundle: Path, tmp_path: Path) -> None:
    from logradar.pipeline.continue_training import continue_training

    more = [(LATER + n * 3, f"INFO mail letter was sent number {n}") for n in range(3600)]
    path = write(tmp_path / "more.log", shop(3, 8, day=1) + more)
    continue_training(bundle, str(path), tmp_path / "next", SETTINGS)
    rates = Bundle.load(tmp_path / "next").rates
    assert rates is not None and 300 <= rates.buckets <= 360
    assert set(rates.facts.services) >= {"web", "store", "clock", "mail"}
    assert found(tmp_path / "next", shop(2, 9, day=2), tmp_path)[0]["service"] == "mail"


@pytest.fixture(scope="module")
def unsteady(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Path, pa.Table, Told]:
    """A log with several changes, some late lines and a long pause; its records, and what `detect` reports."""
    rng, home = random.Random(5), tmp_path_factory.mktemp("unsteady")
    lines = without(shop(4, 10, day=1), " store ", LATER + 3000, LATER + 4200)
    lines += [(LATER + 6000 + n / 5, f"INFO web page was built number {n}") for n in range(3000)]
    lines += [(LATER + 9000 + n, f"ERROR web cannot write number {n}") for n in range(200)]
    lines += shop(1, 11, day=2)
    path = write(home / "new.log", lines)
    rows = lines_of(path)
    for _ in range(30):
        at = rng.randrange(len(rows) - 300)
        rows.insert(at + rng.randrange(300), rows.pop(at))
    path.write_text("\n".join(rows) + "\n")
    loaded = Bundle.load(bundle)
    with reading(str(path), input_settings(loaded, None), home / "corpus") as corpus:
        records = pa.concat_tables(list(corpus.scan(LOG_RECORDS.names))).unify_dictionaries()
    whole = detect(bundle, str(path))
    return loaded, path, records, Told(whole.rate_changes.to_pylist(), whole.incidents.to_pylist())


class Told(NamedTuple):
    """What is reported of a log."""

    changes: list[dict[str, Any]]
    incidents: list[dict[str, Any]]

    def plain(self) -> Told:
        """Without the names of files, which a stream does not know."""
        return Told([plain(one) for one in self.changes], [told(one) for one in self.incidents])


def streamed(bundle: Bundle, records: pa.Table, cuts: list[int], reload: bool) -> Told:
    limit = plan_threshold(bundle)
    stream, changes, incidents = Stream(bundle, limit), [], IncidentList()
    for begin, end in pairwise([0, *sorted(cut % (len(records) + 1) for cut in cuts), len(records)]):
        step = stream.step(records.slice(begin, end - begin))
        changes.append(step.rate_changes)
        incidents.add(step.incidents)
        if reload:
            with tempfile.TemporaryDirectory() as folder:
                save_state(stream, bundle, Path(folder) / "state")
                stream = Stream(bundle, limit)
                load_state(stream, bundle, Path(folder) / "state")
    end_of_all = stream.close()
    changes.append(end_of_all.rate_changes)
    incidents.add(end_of_all.incidents)
    return Told(latest(changes).to_pylist(), incidents.table().to_pylist())


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(CUTS, st.booleans())
def test_where_batches_end_makes_no_difference(unsteady: Any, cuts: list[int], reload: bool) -> None:
    bundle, _, records, whole = unsteady
    assert {change["kind"] for change in whole.changes} >= {"silence", "spike", "new"}
    assert sum(one["rate_changes"] for one in whole.incidents) == len(whole.changes)
    assert any(one["alerts"] and one["rate_changes"] for one in whole.incidents)
    assert any(not one["alerts"] for one in whole.incidents), "nothing but a change of a rate"
    assert streamed(bundle, records, cuts, reload).plain() == whole.plain()


def test_small_batches(unsteady: Any) -> None:
    bundle, _, records, whole = unsteady
    cuts = list(range(0, len(records), 37))
    assert streamed(bundle, records, cuts, False).plain() == whole.plain()


def test_counts_on_disk(unsteady: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_store, "_ROWS", 500)
    assert detect(bundle, str(unsteady[1])).rate_changes.to_pylist() == unsteady[3].changes


@pytest.mark.parametrize(("column", "value"), [("template", 3), ("service", 99), ("dispersion", -1.0), ("pauses", -5)])
def test_a_damaged_profile_is_refused(bundle: Path, tmp_path: Path, column: str, value: float) -> None:
    loaded = Bundle.load(bundle).rates
    assert loaded is not None
    loaded.save(tmp_path)
    table = pq.read_table(tmp_path / "rates.parquet")
    changed = pa.array([value] * len(table), table[column].type)
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, changed), tmp_path / "rates.parquet")
    with pytest.raises(ValueError, match="rates"):
        RateProfile.load(tmp_path)


def test_fewer_slots_keep_the_sums(bundle: Path) -> None:
    loaded = Bundle.load(bundle).rates
    assert loaded is not None
    wide = replace(
        loaded,
        facts=loaded.facts.model_copy(update={"slots": 24, "exposure": [loaded.buckets / 24] * 24}),
        sums=np.repeat(loaded.sums / 24, 24, axis=1),
        highest=np.repeat(loaded.highest, 24, axis=1),
    )
    both = merged(loaded, wide)
    assert both.facts.slots == 1 and np.allclose(both.sums, 2 * loaded.sums)
    assert both.buckets == pytest.approx(2 * loaded.buckets)
    assert np.allclose(both.rates, loaded.rates) and np.allclose(both.dispersion, loaded.dispersion)
