"""The examples in the docstrings of this room do what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from logradar import parsing


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(parsing.__path__)])
def test_examples_in_docstrings_are_true(name):
    module = importlib.import_module(f"{parsing.__name__}.{name}")
    assert doctest.testmod(module).failed == 0
