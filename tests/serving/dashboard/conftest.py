"""A real service with incidents of a made-up shop, a real server, and a real browser that reports every complaint."""

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.serving.api.server import running
from tests.serving.dashboard import shop

from logradar.model.settings import run_settings
from logradar.pipeline.train import train
from logradar.serving.app import create_app
from logradar.serving.service import Service
from logradar.serving.settings import RouteSettings, ServiceSettings

CHROMIUM = "/usr/bin/chromium"
AXE = "axe-core@4.14.1"
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (one) => {
  window.violations.push(`${one.violatedDirective} ${one.blockedURI} ${one.sourceFile}`);
});
"""


@pytest.fixture(scope="session")
def shop_bundle(tmp_path_factory):
    """A bundle that has learnt a day of the shop."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "train.jsonl").write_text(shop.json_lines(shop.records(450, 1, time.time() - 172_800, 86_400)))
    train(str(folder / "train.jsonl"), folder / "bundle", run_settings(None, []))
    return folder / "bundle"


def settings_of(home, bundle, **more):
    """Settings of a service with this bundle, or with none."""
    routes = [] if bundle is None else [RouteSettings(name="shop", bundle=bundle)]
    return ServiceSettings(home=home, bundles=routes, **more)


def send(service, rows):
    """Deliver rows, and wait until they are judged as far as they go."""
    service.log.put(shop.arrivals(rows)).result(10)
    assert service.worker.wait(service.log.end, 30), service.worker.problem


@contextmanager
def filled(home, bundle, **more):
    """A service with an hour of the shop: its bank did not answer, and somebody sent hostile lines."""
    with Service(settings_of(home, bundle, **more)) as service:
        now = time.time()
        faults = dict.fromkeys(range(90, 130, 2), "bank") | dict.fromkeys(range(31, 60, 3), "mail")
        faults |= {140 + place: (text,) for place, text in enumerate(shop.HOSTILE)}
        rows = shop.records(180, 2, now - 3_600, 3_400, faults)
        rows += [{**rows[-1], "service": shop.HOSTILE_SERVICE, "trace": "f" * 16, "text": shop.HOSTILE[0]}]
        send(service, rows)
        service.close_input()
        yield service


@pytest.fixture(scope="session")
def service(shop_bundle, tmp_path_factory):
    with filled(tmp_path_factory.mktemp("service"), shop_bundle) as found:
        yield found


@pytest.fixture(scope="session")
def address(service):
    with running(create_app(service)) as url:
        yield url


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium; it ends with the module, because Playwright keeps an event loop in this thread until then."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no {CHROMIUM} here")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, address):
    """Opens pages, and at the end of the test finds that the browser complained of nothing."""
    contexts, complaints = [], []

    def opened(path, *, width=1400, scheme="light", expected="(nothing)", **more):
        def complain(text):
            if expected not in text:
                complaints.append(text)

        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.on("console", lambda one: complain(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda one: complaints.append(str(one)))
        page.on("dialog", lambda one: (complaints.append(f"dialog: {one.message}"), one.dismiss()))
        page.goto(address + path, wait_until="load")
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            complaints.extend(page.evaluate("window.violations") or [])
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe():
    """The text of axe-core, which npm brings; skips where it cannot."""
    npm = shutil.which("npm")
    folder = Path(os.environ.get("LOGRADAR_TEST_NODE") or ROOT / ".pytest_cache") / "axe"
    file = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not file.exists():
        if npm is None:
            pytest.skip("npm is not installed here, so axe-core cannot be had")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--fetch-retries=0", AXE]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=180)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"npm cannot install axe-core here: {error}")
    return file.read_text()
