"""Plan: the settings of a service from a file, words of the command line and options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from logradar.core.config import load_config
from logradar.core.errors import ConfigError
from logradar.serving.api.key_text import new_key
from logradar.serving.settings import ServiceSettings
from logradar.serving.store.store import Store


def service_settings(
    file: Path | None, words: Sequence[str], shadow: Path | None, given: Mapping[str, Any]
) -> ServiceSettings:
    """Settings from a YAML file, then ``given``; ``words`` are bundles, ``services=bundle`` or ``key.sub=value``.

    Raises `ConfigError` for a word that is none of these, and with all wrong settings.
    """
    routes: list[dict[str, Any]] = []
    overrides: list[str] = []
    for word in words:
        services, equals, rest = word.rpartition("=")
        if equals and not Path(rest).is_dir():
            overrides.append(word)
            continue
        globs = tuple(one.strip() for one in services.split(",") if one.strip())
        routes.append({"name": _name(Path(rest), routes), "bundle": Path(rest), "services": globs})
    if shadow is not None:
        routes.append({"name": _name(shadow, routes), "bundle": shadow, "shadow": True})
    if routes:
        given = {**given, "bundles": routes}
    settings = load_config(ServiceSettings, file, overrides, given)
    names = [one.name for one in settings.bundles]
    if len(set(names)) < len(names):
        raise ConfigError("Two bundles have the same name; give each its own under `bundles` in the settings.")
    others = [one.name for one in settings.bundles if not one.services and not one.shadow]
    if len(others) > 1:
        raise ConfigError(
            f"{' and '.join(others)} would both judge the services that no bundle names: say which services one "
            "of them takes ('pay,cart*=FOLDER'), or let it score beside the other with --shadow."
        )
    for one in settings.bundles:
        if not one.bundle.is_dir():
            raise ConfigError(f"There is no bundle at '{one.bundle}'. `logradar train` writes bundles.")
    return settings


def new_key_of(settings: ServiceSettings, name: str, scopes: str) -> str:
    """Make a key for the service of these settings; its text is shown this once, the store keeps a hash."""
    settings.home.mkdir(parents=True, exist_ok=True)
    chosen = [one.strip() for one in scopes.split(",") if one.strip()]
    with Store.open(settings.database_url) as store:
        return new_key(store, name, chosen)[1]


def _name(bundle: Path, known: Sequence[Mapping[str, Any]]) -> str:
    """A name for a bundle: that of its folder, with a number where it is taken."""
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in
                    bundle.resolve().name).lstrip("._-")[:50] or "bundle"  # fmt: skip
    taken, number, name = {one["name"] for one in known}, 2, plain
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name
