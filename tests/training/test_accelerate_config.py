"""The file for `accelerate launch`, as accelerate itself reads it."""

import pytest

from logradar.core.config import validated
from logradar.core.errors import ConfigError
from logradar.training.accelerate_config import AccelerateSettings, write_accelerate_config


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, "NO"),
        ({"processes": 4, "port": 29_777}, "MULTI_GPU"),
        ({"processes": 2, "cpu": True}, "MULTI_CPU"),
        ({"processes": 8, "zero2": True, "precision": "bf16", "accumulation": 4}, "DEEPSPEED"),
    ],
)
def test_accelerate_reads_it(values, kind, tmp_path):
    config_args = pytest.importorskip("accelerate.commands.config.config_args")
    settings = AccelerateSettings(**values)
    read = config_args.load_config_from_file(str(write_accelerate_config(tmp_path / "new" / "a.yaml", settings)))
    assert read.distributed_type.value == kind
    assert (read.num_processes, read.main_process_port) == (settings.processes, settings.port)
    assert read.mixed_precision == settings.precision
    assert (read.deepspeed_config or {}).get("zero_stage") == (2 if settings.zero2 else None)
    if settings.zero2:
        assert read.deepspeed_config["gradient_accumulation_steps"] == 4


@pytest.mark.parametrize("values", [{"processes": 0}, {"port": 70_000}, {"zero2": True, "cpu": True}, {"gpus": 2}])
def test_what_cannot_be_is_refused(values):
    with pytest.raises(ConfigError):
        validated(AccelerateSettings, values)
