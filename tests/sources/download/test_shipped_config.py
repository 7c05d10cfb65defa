"""configs/download.yaml names the archives that are known anyway, with their mirrors."""

from tests.conftest import ROOT

from logradar.sources.download.settings import download_settings


def test_the_shipped_config_says_what_happens_without_it():
    assert download_settings(ROOT / "configs" / "download.yaml", []) == download_settings(None, [])
