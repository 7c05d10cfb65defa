"""Plugins are found by file name, without importing them."""

from __future__ import annotations

import sys
import types

import pytest

from logradar.core.errors import ConfigError, LogRadarError
from logradar.core.registry import Registry


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package on disk with two plugins, a base and a sub-package."""
    folder = tmp_path / "zoo"
    (folder / "parts").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "base.py").write_text("class Animal:\n    '''Any animal.'''\n")
    (folder / "cat.py").write_text(
        "from zoo.base import Animal\nclass Cat(Animal):\n    '''Says meow.\n\n    Long.'''\n"
    )
    (folder / "two.py").write_text("from zoo.base import Animal\nclass A(Animal): pass\nclass B(Animal): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Registry("zoo", "Animal", "animal")
    for name in [name for name in sys.modules if name.partition(".")[0] == "zoo"]:
        del sys.modules[name]


def test_names_come_from_the_folder_and_import_nothing(room):
    assert room.names() == ["cat", "two"]
    assert "zoo.cat" not in sys.modules


def test_load_and_summary(room):
    assert room.load("cat").__name__ == "Cat"
    assert room.summary("cat") == "Says meow."


def test_an_unknown_name_gets_the_nearest(room):
    with pytest.raises(ConfigError, match=r"no animal named 'cta'; did you mean 'cat'\?"):
        room.load("cta")


def test_a_file_with_two_plugins_is_refused(room):
    with pytest.raises(LogRadarError, match="exactly one Animal, it defines 2"):
        room.load("two")


def test_other_packages_join_by_entry_point(room, monkeypatch):
    class Dog:
        """Barks."""

    point = types.SimpleNamespace(name="dog", load=lambda: Dog)
    monkeypatch.setattr("logradar.core.registry.entry_points", lambda group: [point] if group == "zoo" else [])
    assert room.names() == ["cat", "dog", "two"]
    assert room.load("dog") is Dog
    assert room.summary("dog") == "Barks."
