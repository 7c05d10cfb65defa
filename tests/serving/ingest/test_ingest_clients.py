"""Real clients in Python against a real server: every line arrives once, with level, service and trace id."""

from __future__ import annotations

import logging

import pytest
from tests.serving.ingest.ingest_server import serving

WORDS = ["started", 'line with "quotes" and \\ and tab\t', "größer € 漢字 🙂", "last"]
LEVELS = [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR]
NUMBERS = [5, 9, 13, 17]


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def logger(request):
    found = logging.getLogger(f"shop.{request.node.name}")
    found.setLevel(logging.DEBUG)
    found.propagate = False
    yield found
    for handler in list(found.handlers):
        found.removeHandler(handler)
        handler.close()


def expected(log: logging.Logger, more: dict[str, object] | None = None) -> dict[str, int]:
    """Logs all words; returns them with their levels."""
    for level, word in zip(LEVELS, WORDS, strict=True):
        log.log(level, word, extra=more)
    return dict(zip(WORDS, NUMBERS, strict=True))


@pytest.mark.parametrize("compression", ["gzip", "deflate", "none"])
def test_opentelemetry_sdk(server, logger, compression):
    trace = pytest.importorskip("opentelemetry.trace")
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    provider = LoggerProvider(Resource({"service.name": "checkout", "host.name": "h1", "service.version": "2"}))
    exporter = OTLPLogExporter(endpoint=f"{server.url}/v1/logs", compression=Compression(compression))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger.addHandler(LoggingHandler(level=logging.NOTSET, logger_provider=provider))
    with TracerProvider().get_tracer("t").start_as_current_span("order") as span:
        context = span.get_span_context()
        levels = expected(logger)
        try:
            raise KeyError("no such order")
        except KeyError:
            logger.exception("order failed")
    provider.force_flush()
    provider.shutdown()
    arrivals = server.wait(len(WORDS) + 1)
    failed = next(one for one in arrivals if one.body.startswith("order failed"))
    assert {one.body: one.level for one in arrivals if one is not failed} == levels
    assert failed.body.startswith("order failed\nTraceback (most recent call last)")
    assert failed.body.endswith("KeyError: 'no such order'") and failed.level == 17
    assert {one.session_key for one in arrivals} == {trace.format_trace_id(context.trace_id)}
    assert {(one.stream, one.service, one.component) for one in arrivals} == {
        ("otlp:checkout/h1", "checkout", logger.name)
    }
    assert all('"span_id":"' + trace.format_span_id(context.span_id) in one.attributes for one in arrivals)
    assert all('"service.version":"2"' in one.attributes for one in arrivals)


@pytest.mark.parametrize("version", ["0", "1"])
def test_python_logging_loki(server, logger, version):
    logging_loki = pytest.importorskip("logging_loki")
    pytest.importorskip("rfc3339")
    logger.addHandler(
        logging_loki.LokiHandler(
            url=f"{server.url}/loki/api/v1/push", tags={"application": "checkout"}, auth=("any", "key"), version=version
        )
    )
    levels = expected(logger, {"tags": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}})
    arrivals = server.wait(len(WORDS))
    assert {one.body: one.level for one in arrivals} == levels
    assert {(one.service, one.component) for one in arrivals} == {("checkout", logger.name)}
    assert {one.session_key for one in arrivals} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert len({one.stream for one in arrivals}) == 1
    assert all(one.timestamp > 1_700_000_000_000_000 for one in arrivals)


@pytest.mark.parametrize("compress", [True, False])
def test_elasticsearch_bulk(server, compress):
    elasticsearch = pytest.importorskip("elasticsearch")
    from elasticsearch import helpers

    client = elasticsearch.Elasticsearch(server.url, http_compress=compress, api_key="secret")
    assert client.ping() and client.info()["version"]["number"]
    documents = [
        {
            "_op_type": "create",
            "_index": "logs",
            "@timestamp": f"2026-03-01T12:00:0{place}.250Z",
            "message": word,
            "log.level": level,
            "service": {"name": "checkout"},
            "trace": {"id": "4bf92f3577b34da6a3ce929d0e0e4736"},
            "place": place,
        }
        for place, (word, level) in enumerate(zip(WORDS, ("debug", "info", "warning", "error"), strict=True))
    ]
    documents.append({"_op_type": "delete", "_index": "logs", "_id": "7"})
    kept, failed = helpers.bulk(client, documents, raise_on_error=False)
    client.close()
    arrivals = server.wait(len(WORDS))
    assert kept == len(WORDS) and failed[0]["delete"]["status"] == 400 and len(failed) == 1
    assert {one.body: one.level for one in arrivals} == dict(zip(WORDS, NUMBERS, strict=True))
    assert {(one.stream, one.service) for one in arrivals} == {("elasticsearch:logs/checkout", "checkout")}
    assert {one.session_key for one in arrivals} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert sorted(one.timestamp % 60_000_000 for one in arrivals) == [250_000, 1_250_000, 2_250_000, 3_250_000]
    assert sorted(one.attributes for one in arrivals) == [f'{{"place":{place}}}' for place in range(4)]


def test_splunk_handler(server, logger, capsys):
    splunk_handler = pytest.importorskip("splunk_handler")
    handler = splunk_handler.SplunkHandler(
        host="127.0.0.1",
        port=server.port,
        token="secret",
        index="main",
        hostname="h1",
        source="checkout",
        sourcetype="_json",
        protocol="http",
        verify=False,
        flush_interval=0.1,
    )
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    levels = expected(logger)
    arrivals = server.wait(len(WORDS))
    assert {one.body for one in arrivals} == {f"{level} {word}" for word, level in levels.items()}
    assert {one.stream for one in arrivals} == {"splunk:h1/checkout/_json"}
    assert all(one.timestamp > 1_700_000_000_000_000 for one in arrivals)
    logger.removeHandler(handler)
    handler.shutdown()
    assert "Exception" not in capsys.readouterr().out


class JsonLines(logging.Formatter):
    """Text with the level's number before it, as a line of a log has it."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{dict(zip(LEVELS, NUMBERS, strict=True))[record.levelno]} {record.getMessage()}"
