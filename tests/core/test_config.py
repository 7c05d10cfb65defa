"""Settings: file, overrides, and all mistakes reported at once with the nearest known name."""

from __future__ import annotations

import pytest
from pydantic import Field

from logradar.core.config import Config, load_config, validated
from logradar.core.errors import ConfigError


class Inner(Config):
    """Settings within settings."""

    depth: int = Field(4, ge=2)
    names: tuple[str, ...] = ()


class Outer(Config):
    """Settings under test."""

    seed: int = 0
    inner: Inner = Inner()
    rate: float | None = None


def test_file_then_overrides_then_given(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text("seed: 1\ninner: {depth: 5}\n")
    config = load_config(Outer, file, ["inner.depth=6", "inner.names=[a, b]", "rate=0.5"], {"seed": 9})
    assert (config.seed, config.inner.depth, config.inner.names, config.rate) == (9, 6, ("a", "b"), 0.5)


def test_all_faults_at_once_with_the_nearest_name():
    with pytest.raises(ConfigError) as caught:
        load_config(Outer, None, ["sede=1", "inner.dept=3", "inner.depth=1", "novalue", "rate=fast"])
    text = str(caught.value)
    for part in (
        "5 settings are wrong",
        "'sede'",
        "did you mean 'seed'?",
        "did you mean 'depth'?",
        "'inner.depth' is 1",
    ):
        assert part in text
    assert "'novalue' is not of the form" in text
    assert "'rate' is 'fast'" in text


def test_a_sentence_ends_with_one_mark():
    with pytest.raises(ConfigError, match=r"did you mean 'seed'\?$"):
        load_config(Outer, None, ["sede=1"])
    with pytest.raises(ConfigError, match=r"parse string as a number\.$"):
        load_config(Outer, None, ["rate=fast"])


def test_a_missing_or_broken_file_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load_config(Outer, tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1\nb: }")
    with pytest.raises(ConfigError, match=r"is not YAML at line 2"):
        load_config(Outer, broken)
    broken.write_text("- 1\n- 2\n")
    with pytest.raises(ConfigError, match="must hold keys and values"):
        load_config(Outer, broken)
    broken.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(Outer, broken)


def test_yaml_cannot_build_objects(tmp_path):
    file = tmp_path / "evil.yaml"
    file.write_text("seed: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigError, match="is not YAML"):
        load_config(Outer, file)


def test_settings_are_frozen_and_an_empty_file_means_defaults(tmp_path):
    file = tmp_path / "empty.yaml"
    file.write_text("")
    config = load_config(Outer, file)
    assert config == Outer()
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3


def test_validated_names_where():
    with pytest.raises(ConfigError, match=r"'detectors\.x\.dept' is not known, did you mean 'depth'"):
        validated(Inner, {"dept": 3}, "detectors.x")


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{b: " * 5_000, "- " * 50_000])
def test_deep_yaml_is_refused(tmp_path, text):
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"nested too deeply|is not YAML"):
        load_config(Outer, file)
    with pytest.raises(ConfigError, match=r"names|nested too deeply"):
        load_config(Outer, None, [f"inner.names={text}"])
