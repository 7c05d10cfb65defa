"""The whole story, as a person sees it: a shop logs to the service, its disk fills up, an incident appears."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from playwright import sync_api

from logradar.serving.demo import demo_bundle

CHROMIUM = Path("/usr/bin/chromium")
WORDS = re.compile("could not write segment|saving report|no space", re.IGNORECASE)  # of a full disk
SOON = 10.0  # seconds from the first line that the fault changed to the incident on the page


def started(*words, wait_for, stream):
    process = subprocess.Popen(
        [sys.executable, "-m", "logradar", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lines = getattr(process, stream)
    while not (found := re.search(wait_for, line := lines.readline())):
        assert line, process.stderr.read()
    return process, found


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not here")
def test_a_fault_appears_in_two_browsers_within_ten_seconds(tmp_path):
    bundle = demo_bundle(tmp_path / "demo")
    words = ["serve", str(bundle), "--home", str(tmp_path / "home"), "--port", "0"]
    service, found = started(*words, wait_for=r"dashboard +(http://127.0.0.1:\d+)", stream="stdout")
    url = found[1]
    struck = []
    live = ["simulate", "--live", "--to", url, "--fault", "disk_full@25+40", "--seconds", "75"]
    shop = subprocess.Popen(
        [sys.executable, "-m", "logradar", *live],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )

    def listen():
        struck.extend(time.monotonic() for line in shop.stderr if "was changed by disk_full" in line)

    threading.Thread(target=listen, daemon=True).start()
    try:
        with sync_api.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            wide = browser.new_page(viewport={"width": 1400, "height": 900})
            phone = browser.new_page(viewport={"width": 390, "height": 844})
            for page in (wide, phone):
                page.goto(f"{url}/dashboard")
            for page in (wide, phone):
                page.locator("a", has_text=WORDS).first.wait_for(timeout=60_000)
            waited = time.monotonic() - struck[0]
            link = wide.locator("a", has_text=WORDS).first.get_attribute("href")
            wide.goto(f"{url}{link}")
            wide.wait_for_selector("text=Where the cause may be")
            if folder := os.environ.get("LOGRADAR_SHOTS"):
                wide.screenshot(path=f"{folder}/live-incident.png")
                phone.screenshot(path=f"{folder}/live-phone.png")
            browser.close()
        with urllib.request.urlopen(f"{url}/api/v1/incidents", timeout=30) as answer:
            incidents = json.load(answer)["items"]
        print(f"seen after {waited:.1f} s: {[(one['severity'], one['title']) for one in incidents]}")
        assert waited <= SOON
        assert incidents[0]["candidates"]
        assert incidents[0]["evidence"]["body"]
    finally:
        for process in (shop, service):
            process.terminate()
            process.wait(60)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
