"""Writes the pages of the documentation that come from the code: commands, settings and the file map.

`make docs` writes them; a test compares them, so that they cannot drift.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

HERE = Path(__file__).parent
HEAD = "<!-- Written by docs/generate.py (`make docs`); do not edit. -->\n"


def commands() -> str:
    """Every command with its arguments and options, as Markdown."""
    import typer.main

    from logradar.cli import build

    parts = [
        HEAD,
        "# Commands\n",
        "Exit codes: 0 done; 1 a fault of LogRadar; 2 a mistake in the call or the input, in one sentence; ",
        "3 alerts or changes of rates were found (`detect --fail-on-alert`), "
        "or more is new than chance explains (`diff --fail-on-new`).\n",
    ]
    group: Any = typer.main.get_command(build())
    found = {**group.commands}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            del found[name]
            found |= {f"{name} {inner}": below for inner, below in command.commands.items()}
    for name, command in sorted(found.items()):
        parts.append(f"\n## logradar {name}\n\n{command.help}\n\n| argument | meaning | default |\n|---|---|---|\n")
        for param in command.params:
            if param.name == "help":
                continue
            words = ", ".join(f"`{word}`" for word in getattr(param, "opts", []) if word.startswith("-"))
            metavar = (param.metavar or "").strip("[].") if param.param_type_name == "argument" else param.metavar
            label = words + (f" `{metavar}`" if words and metavar else "") or f"`{metavar or param.name.upper()}`"
            default = "required" if param.required else _plain(param.default)
            parts.append(f"| {label} | {getattr(param, 'help', '') or ''} | {default} |\n")
    return "".join(parts)


def settings() -> str:
    """Every setting with its default, as Markdown."""
    from logradar.detectors.base import detectors
    from logradar.model.settings import RunSettings

    parts = [
        HEAD,
        "# Settings\n\n",
        "In a YAML file (`-c run.yaml`) or as `key.sub=value` behind the input. ",
        "Unknown keys are errors. The resolved settings are saved with every bundle.\n",
        "\n| key | default | meaning |\n|---|---|---|\n",
    ]
    parts += _rows(RunSettings, "")
    for name in detectors.names():
        rows = _rows(detectors.load(name).Settings, f"detectors.{name}.")
        if rows:
            parts += [
                f"\n## {name}\n\n{detectors.summary(name)}\n\n| key | default | meaning |\n|---|---|---|\n",
                *rows,
            ]
    from logradar.serving.notifications.settings import ReceiverSettings
    from logradar.serving.settings import RouteSettings, ServiceSettings

    table = "\n| key | default | meaning |\n|---|---|---|\n"
    parts += ["\n## logradar serve\n\nIn a file of its own (`logradar serve -c service.yaml`).\n", table]
    parts += _rows(ServiceSettings, "")
    parts += ["\nEach of `bundles`:\n", table, *_rows(RouteSettings, "")]
    parts += ["\nEach of `notifications.receivers`:\n", table, *_rows(ReceiverSettings, "")]
    from logradar.federated.settings import FederationSettings

    parts += ["\n## logradar federate\n\nIn addition to the settings of a run.\n", table]
    parts += _rows(FederationSettings, "federation.")
    from logradar.sources.download.settings import ArchiveSettings, DownloadSettings

    parts += ["\n## logradar download\n\nIn a file of its own (`logradar download NAME -c download.yaml`).\n", table]
    parts += [*_rows(DownloadSettings, ""), "\nEach of `archives`:\n", table, *_rows(ArchiveSettings, "")]
    return "".join(parts)


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows: list[str] = []
    for name, field in model.model_fields.items():
        inner = [
            t
            for t in (field.annotation, *get_args(field.annotation))
            if isinstance(t, type) and issubclass(t, BaseModel)
        ]
        if inner and field.annotation is inner[0]:
            rows += _rows(inner[0], f"{prefix}{name}.")
            continue
        default = (
            field.default if field.default is not PydanticUndefined else field.get_default(call_default_factory=True)
        )
        rows.append(f"| `{prefix}{name}` | {_plain(default)} | {(field.description or '').replace('|', '&#124;')} |\n")
    return rows


def _plain(value: object) -> str:
    if value is None or value is False or value == () or value == {} or value is PydanticUndefined:
        return "" if value is not False else "no"
    if isinstance(value, (tuple, list)):
        text = ", ".join(
            _plain(item) if not isinstance(item, BaseModel) else str(getattr(item, "name", item)) for item in value
        )
        return text.replace("|", "&#124;")
    return f"`{value}`".replace("|", "&#124;")


def file_map() -> str:
    """Every source file with the first sentence of its docstring, room by room, as Markdown."""
    source = HERE.parent / "src" / "logradar"
    parts = [
        HEAD,
        "# File map\n\nEvery file of `src/logradar` with the first line of its docstring. ",
        "Each package opens with a page of prose: read its `__init__.py` first.\n",
    ]
    folders = sorted(
        {file.parent for file in source.rglob("*.py")}, key=lambda folder: folder.relative_to(source).parts
    )
    for folder in folders:
        parts.append(
            f"\n## {'/'.join(folder.relative_to(source.parent).parts)}\n\n{_first_line(folder / '__init__.py')}\n"
        )
        files = sorted(file for file in folder.glob("*.py") if file.stem != "__init__")
        parts += ["\n" if files else ""]
        parts += [f"- [{file.name}](../{file.relative_to(HERE.parent)}): {_first_line(file)}\n" for file in files]
    return "".join(parts)


def _first_line(file: Path) -> str:
    """The first paragraph of a module's docstring, in one line, ready for Markdown."""
    text = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n\n")[0]
    return " ".join(text.replace("<", "&lt;").split()).replace("``", "`")


def formats() -> str:
    """Every layout of lines that is read, with a sample and what is read from it, as Markdown."""
    from logradar.sources.opening.header_table import objects, wrapped
    from logradar.sources.opening.headers import HEADERS

    samples = [(header.name, sample) for header in HEADERS.values() for sample in header.samples]
    samples += [("json", sample) for sample in objects.SAMPLES]
    samples += list(zip(("docker", "cri", "compose"), wrapped.SAMPLES, strict=True))
    parts = [
        HEAD,
        "# Formats\n\n",
        f"{len(samples)} layouts of {len(HEADERS)} headers, JSON lines and lines inside others are recognised by ",
        "their content; nothing has to be set. A test reads every sample on this page and compares what is in it. ",
        "Formats that are not here are read by the general headers (a time, a level) or by their times alone; ",
        "[Read logs](how-to-read-logs.md) says how a format is chosen and how dates are understood.\n\n",
        "The level is OpenTelemetry's SeverityNumber (DEBUG 5, INFO 9, WARN 13, ERROR 17, FATAL 21). ",
        "Times are UTC; a year that a line leaves out is that of the file's last modification, here 2026.\n\n",
        "To add a layout, add a row with a sample to ",
        "[the table](../src/logradar/sources/opening/header_table/__init__.py) and run `make docs`.\n\n",
        "## Layouts\n\n| whose logs | format | sample | time | level | component | service | message |\n",
        "|---|---|---|---|---|---|---|---|\n",
    ]
    for name, sample in samples:
        time = (sample.time or "").replace("T", " ")
        cells = [sample.title, f"`{name}`", _code(sample.line.replace("\n", " ⏎ ")), time, str(sample.level or "")]
        cells += [_code(text or "") for text in (sample.component, sample.service, sample.message)]
        parts.append(f"| {' | '.join(cells)} |\n")
    parts.append(
        "\n## Formats of other collections\n\nWhat is in the collections of three tools that read many logs, by the "
        "names there, and by which format it is read here. What is *not read* becomes plain text or JSON without its "
        "own meaning; such files can still be used, with windows or a session key.\n"
    )
    for tool, known in json.loads((HERE / "other-formats.json").read_text()).items():
        read = ", ".join(f"{theirs} (`{ours}`)" for theirs, ours in known.items() if ours)
        unread = ", ".join(theirs for theirs, ours in known.items() if not ours)
        parts.append(f"\n**{tool}**: {read}.\n*Not read*: {unread}.\n")
    return "".join(parts)


def _code(text: str) -> str:
    """A text of a log as code in a table, '' if it is empty."""
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def openapi() -> str:
    """The description of the service's API, as JSON."""
    from logradar.serving.api.openapi import openapi_text

    return openapi_text()


API = """# API of the service

What [`logradar serve`](serve.md) answers under `/api/v1`, for programs. The whole description, with examples and
errors, is [openapi.json](openapi.json), also at `/api/v1/openapi.json`. Errors are `application/problem+json`
(RFC 9457) with a sentence in `detail`. Lists come in pages: give `next_cursor` as `cursor` to get the next one.
Times are ISO 8601 in documents, and microseconds since 1970 in UTC where they are numbers. With keys (`--auth`):
`Authorization: Bearer lr_…`.

```sh
curl 'http://127.0.0.1:8514/api/v1/incidents?severity=critical'
curl -N http://127.0.0.1:8514/api/v1/feed          # what is new, as server-sent events; Last-Event-ID goes on
curl http://127.0.0.1:8514/api/v1/detect -H 'Content-Type: application/json' \\
  -d '{"sessions": [{"session_id": "1", "lines": ["order 17 failed: no stock"]}]}'
```

| operation | what it does |
|---|---|
"""
ASSISTANTS = """
## Assistants

`logradar mcp --url http://127.0.0.1:8514` answers assistants over MCP (stdio): open incidents, one incident as a story,
lines, sessions, what changed, one alert explained. With keys, put one into `LOGRADAR_KEY`. Each answer keeps to a
budget of tokens (`--tokens`) and says what it left out; text of logs is marked as data. Without a running service:
`logradar mcp --home logradar-service`. An entry for the settings of an assistant:

```json
{"mcpServers": {"logradar": {"command": "logradar", "args": ["mcp", "--url", "http://127.0.0.1:8514"]}}}
```
"""


def api() -> str:
    """Every operation of the service's API, as Markdown."""
    parts = [HEAD, API]
    for path, operations in json.loads(openapi())["paths"].items():
        for method, one in operations.items():
            first = one.get("description", one["summary"]).partition("\n\n")[0]
            parts.append(f"| `{method.upper()} {path}` | {' '.join(first.split()).replace('|', '&#124;')} |\n")
    return "".join([*parts, ASSISTANTS])


PAGES = {
    "formats.md": formats,
    "reference-cli.md": commands,
    "reference-settings.md": settings,
    "file-map.md": file_map,
    "openapi.json": openapi,
    "reference-api.md": api,
}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (HERE / page).write_text(write())
        print(f"wrote docs/{page}", file=sys.stderr)
