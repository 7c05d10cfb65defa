"""Plugins found by file name: `detectors/deeplog.py` is the detector ``deeplog``.

A room with plugins keeps one rule: every plain module in it except ``base`` is a plugin,
and sub-packages hold the parts that plugins share. Names are read from the folder, so that
listing them imports nothing. Other packages join by an entry point of the same group.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType, ModuleType
from typing import Any, Generic, TypeVar

from logradar.core.errors import ConfigError, LogRadarError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """The plugins of one room: names without importing, classes on demand.

    ``package`` is the room's import name and also the entry-point group, ``base`` the class
    name in its ``base`` module that plugins derive from, ``noun`` what a message calls them.
    """

    def __init__(self, package: str, base: str, noun: str) -> None:
        self.package, self.base, self.noun = package, base, noun

    @cached_property
    def _outside(self) -> Mapping[str, EntryPoint]:
        return MappingProxyType({point.name: point for point in entry_points(group=self.package)})

    @cached_property
    def _inside(self) -> frozenset[str]:
        room = importlib.import_module(self.package)
        found = pkgutil.iter_modules(room.__path__)
        return frozenset(m.name for m in found if not m.ispkg and m.name != "base")

    def names(self) -> list[str]:
        """All known names, sorted."""
        return sorted(self._inside | set(self._outside))

    def load(self, name: str) -> type[T]:
        """The class behind ``name``; a `ConfigError` with the nearest name if there is none."""
        if name in self._inside:
            return self._only_class(importlib.import_module(f"{self.package}.{name}"))
        if name in self._outside:
            loaded: type[T] = self._outside[name].load()
            return loaded
        raise ConfigError(f"There is no {self.noun} named '{name}'; {did_you_mean(name, self.names())}")

    def summary(self, name: str) -> str:
        """First line of the class's docstring."""
        return (inspect.getdoc(self.load(name)) or "").partition("\n")[0]

    def _only_class(self, module: ModuleType) -> type[T]:
        base = getattr(importlib.import_module(f"{self.package}.base"), self.base)
        own: list[Any] = [
            c
            for c in vars(module).values()
            if inspect.isclass(c) and issubclass(c, base) and c.__module__ == module.__name__
        ]
        if len(own) != 1:
            raise LogRadarError(f"{module.__name__} must define exactly one {self.base}, it defines {len(own)}.")
        found: type[T] = own[0]
        return found
