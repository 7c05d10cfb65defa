"""Two SuperNodes of Flower over loopback learn what the simulation learns, to the same hash; bytes at the socket."""

import contextlib
import socket
import ssl
import threading
from importlib.util import find_spec

import pytest
from tests.federated.shop_log import MOMENT, write

from logradar.core.errors import ConfigError
from logradar.federated.byte_counter import ByteCounter
from logradar.federated.run import federated_settings, material_of, prepared, run_rounds
from logradar.federated.simulation import simulate

TWO = ["federation.clients=2", "federation.fraction=1", "federation.rounds=3", "federation.steps=2"]


def test_a_counter_counts_both_ways_and_changes_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo():
            one, _ = listener.accept()
            with one:
                while piece := one.recv(4096):
                    one.sendall(piece + piece)

        threading.Thread(target=echo, daemon=True).start()
        with (
            ByteCounter(listener.getsockname()[1]) as counter,
            socket.create_connection(("127.0.0.1", counter.port), 5) as one,
        ):
            one.sendall(b"x" * 1000)
            got = b""
            while len(got) < 2000:
                got += one.recv(4096)
            assert got == b"x" * 2000 and (counter.up, counter.down) == (1000, 2000)


def federation(folder):
    log, labels = write(folder)
    given = {"input.labels": labels, "input.session_key": r"\[(req-\d+)\]"}
    settings = federated_settings(None, [*MOMENT, *TWO], given)
    return material_of(str(log), settings, lambda material: prepared(material, settings))


@pytest.mark.slow
def test_two_supernodes_give_the_hash_of_the_simulation(tmp_path):
    pytest.importorskip("flwr", reason="needs Flower: make test-federated")
    from logradar.federated.deployment import deployed

    found = federation(tmp_path)
    expected = run_rounds(found, None, simulate)
    server = run_rounds(found, tmp_path / "state", deployed(found, tmp_path / "state"))
    assert server.hash == expected.hash
    assert [one.answered for one in server.rounds] == [[1, 2]] * 3 and not server.refused()
    sizes = server.rounds[-1].figures
    assert server.rounds[-1].up < sizes["socket_up"] and server.rounds[-1].down < sizes["socket_down"]


def test_certificates_are_for_one_address_and_their_keys_for_nobody_else(tmp_path):
    pytest.importorskip("cryptography")
    from logradar.federated.certificates import Certificates

    made = Certificates.made(tmp_path / "one", "127.0.0.1")
    assert {path.stat().st_mode & 0o777 for path in (made.authority, made.certificate, made.key)} == {0o600}
    other = Certificates.made(tmp_path / "two", "127.0.0.1")
    assert answer(made, made.authority, "127.0.0.1") == b"ok"
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        answer(made, other.authority, "127.0.0.1")  # of another authority
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        answer(made, made.authority, "localhost")  # for another name


def answer(made, authority, name):
    """What a client that trusts ``authority`` hears of a server with these certificates."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.certificate, made.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError), listener.accept()[0] as plain, serving.wrap_socket(plain, True) as one:
                one.sendall(b"ok")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        asking = ssl.create_default_context(cafile=str(authority))
        with (
            socket.create_connection(listener.getsockname(), 5) as plain,
            asking.wrap_socket(plain, server_hostname=name) as one,
        ):
            return one.recv(10)


def test_without_flower_it_says_what_to_install(tmp_path):
    if find_spec("flwr") is not None:
        pytest.skip("Flower is installed here")
    from logradar.federated.deployment import deployed

    with pytest.raises(ConfigError, match="an environment of its own"):
        deployed(None, tmp_path)
