"""On real logs: the alerts and incidents of files are those of their lines sent by any protocol, and none is lost."""

import lzma
import re
from itertools import groupby

import pytest
from tests.serving.senders import PROTOCOLS
from tests.serving.test_same_as_detect import NAMING, assert_same

from logradar.model.settings import run_settings
from logradar.pipeline.detect import detect
from logradar.pipeline.train import train

pytestmark = pytest.mark.slow
SERVICE = re.compile(r"\S+ \S+ \[SW_CTX:\[([^,\]]+),")
TIME = slice(0, 23)


def lines_of(path):
    with lzma.open(path, "rt") as file:
        return file.read().splitlines()


def written(folder, files):
    folder.mkdir()
    for name, lines in files.items():
        (folder / f"{name or 'all'}.log").write_text("".join(f"{line}\n" for line in lines))
    return str(folder)


@pytest.fixture(scope="module")
def cluster(data_dir, tmp_path_factory):
    """The later half of an HDFS cluster of 200 machines, judged by what the earlier half has taught.

    One file, so no service has a name: neither for `detect` nor for the senders.
    """
    folder, lines = tmp_path_factory.mktemp("hdfs"), lines_of(data_dir / "hdfs" / "HDFS_2pct.log.xz")
    half = len(lines) // 2
    keys = run_settings(None, [r"input.session_key=(blk_-?\d+)"])
    train(written(folder / "train", {"": lines[:half]}), folder / "bundle", keys)
    files = {"": lines[half:]}
    return folder / "bundle", files, detect(folder / "bundle", written(folder / "test", files))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_cluster_of_hdfs(cluster, protocol, tmp_path):
    bundle, files, found = cluster
    assert len(found.alerts) > 1_000 and len(found.incidents) > 10 and len(found.rate_changes) > 1
    assert found.figures["records"] == len(files[""])
    assert_same(bundle, files, found, protocol, tmp_path, seed=PROTOCOLS.index(protocol))


@pytest.fixture(scope="module")
def tickets(data_dir):
    """Lines of Train-Ticket in order of time: what is learnt, and those from five faults of one kind."""
    files = {path.name: lines_of(path) for path in sorted((data_dir / "trainticket_deeptralog").glob("*.log.xz"))}
    faulty = [line for name, lines in files.items() if name.startswith("F05") for line in lines]
    others = [line for name, lines in files.items() if not name.startswith("F05") for line in lines]
    return tuple(sorted(lines, key=lambda line: line[TIME]) for lines in (others, faulty))


@pytest.fixture(scope="module")
def ticket_file(tickets, tmp_path_factory):
    """All services in one file, as the data set has them."""
    folder, (early, late) = tmp_path_factory.mktemp("tickets"), tickets
    train(written(folder / "train", {"": early}), folder / "bundle", run_settings(None, []))
    files = {"": late}
    return folder / "bundle", files, detect(folder / "bundle", written(folder / "test", files))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_train_ticket_in_one_file(ticket_file, protocol, tmp_path):
    bundle, files, found = ticket_file
    assert len(found.alerts) > 10 and len(found.incidents) > 1
    assert_same(bundle, files, found, protocol, tmp_path, seed=PROTOCOLS.index(protocol))


def by_service(lines):
    files = {}
    for line in lines:
        files.setdefault(SERVICE.match(line)[1], []).append(line)
    return files


@pytest.fixture(scope="module")
def ticket_services(tickets, tmp_path_factory):
    """A file of each service."""
    folder = tmp_path_factory.mktemp("services")
    early, late = by_service(tickets[0]), by_service(tickets[1][:4_000])  # hardly two lines in a row are of one service
    train(written(folder / "train", early), folder / "bundle", run_settings(None, []))
    return folder / "bundle", late, detect(folder / "bundle", written(folder / "test", late))


def as_written(files, chance):
    """Batches of services that deliver at once what they write: they come in order of time over all services."""
    both = sorted(
        ((line[TIME], name, line) for name, lines in files.items() for line in lines), key=lambda one: one[:2]
    )
    for name, run in groupby(both, key=lambda one: one[1]):
        lines = [line for _, _, line in run]
        while lines:
            size = chance.choice([1, 5, 100, 1000])
            yield name, lines[:size]
            lines = lines[size:]


@pytest.mark.parametrize("protocol", [name for name in ("loki", *NAMING) if name != "tail"])
def test_services_of_train_ticket(ticket_services, protocol, tmp_path):
    """Files that are followed are left out: hours of many services come within seconds, in the order of the files."""
    bundle, files, found = ticket_services
    assert len(files) > 5 and len(found.alerts) > 10 and len(found.incidents) > 1
    seed = PROTOCOLS.index(protocol)
    assert_same(bundle, files, found, protocol, tmp_path, seed=seed, batches_of=as_written)
