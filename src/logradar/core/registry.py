"""Plugins found by file name: `detectors/deeplog.py` is the detector ``deeplog``.

A package with plugins follows one rule: every module in it except ``base`` is a plugin, and its
sub-packages hold the code that plugins share. Names are read from the folder, so that listing them imports
nothing. Other distributions add plugins by an entry point whose group is the import name of the package.
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
    """The plugins of one package: their names without importing them, their classes on demand.

    ``package`` is the import name of the package and also the entry-point group. ``base`` is the name of the
    class, in its module ``base``, that plugins derive from. ``noun`` is the word for a plugin in messages.
    """

    def __init__(self, package: str, base: str, noun: str) -> None:
        self.package, self.base, self.noun = package, base, noun

    @cached_property
    def _entry_points(self) -> Mapping[str, EntryPoint]:
        return MappingProxyType({point.name: point for point in entry_points(group=self.package)})

    @cached_property
    def _modules(self) -> frozenset[str]:
        package = importlib.import_module(self.package)
        modules = pkgutil.iter_modules(package.__path__)
        return frozenset(m.name for m in modules if not m.ispkg and m.name != "base")

    def names(self) -> list[str]:
        """All known names, sorted."""
        return sorted(self._modules | set(self._entry_points))

    def load(self, name: str) -> type[T]:
        """The class of the plugin ``name``. Raises a `ConfigError` that suggests the nearest name if there is none."""
        if name in self._modules:
            return self._only_class(importlib.import_module(f"{self.package}.{name}"))
        if name in self._entry_points:
            loaded: type[T] = self._entry_points[name].load()
            return loaded
        raise ConfigError(f"There is no {self.noun} named '{name}'; {did_you_mean(name, self.names())}")

    def summary(self, name: str) -> str:
        """First line of the docstring of the plugin's class."""
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
        plugin: type[T] = own[0]
        return plugin
