"""What is shipped to run the service for good names settings and options that there are."""

import re
from pathlib import Path

import typer.main

from logradar.cli import build
from logradar.core.config import load_config
from logradar.serving.settings import ServiceSettings

FOLDER = Path(__file__).resolve().parents[2] / "configs" / "service"


def test_the_shipped_settings_are_sound():
    settings = load_config(ServiceSettings, FOLDER / "service.yaml")
    settings.require_safe()
    assert settings.learn_seconds == 86_400


def test_the_unit_and_the_image_use_options_that_exist():
    options = {word for param in typer.main.get_command(build()).commands["serve"].params for word in param.opts}
    for name, begins in {"logradar.service": "ExecStart", "Dockerfile": "ENTRYPOINT"}.items():
        text = (FOLDER / name).read_text().partition(begins)[2]
        used = set(re.findall(r'(?<=[ "])(-c|--[a-z-]+)(?=[ "])', text))
        assert used
        assert used <= options
