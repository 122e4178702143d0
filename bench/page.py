"""The built page in headless Chromium, for the scripts that time it.

Needs `cargo xtask dist`, `pip install selenium==4.51.0`, and Chromium or Chrome with its driver on PATH.
"""

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

DIST = Path(__file__).parent.parent / "dist"
PATIENCE = 600

# Keeps when each stage of the job and each epoch of the training first showed, in seconds.
WATCH = """
window.stages = [];
window.epochs = {};
new MutationObserver(() => {
  const now = performance.now() / 1000;
  const stage = document.querySelector("[data-testid=progress]")?.dataset.stage;
  if (stage && window.stages.at(-1)?.[0] !== stage) window.stages.push([stage, now]);
  const epoch = document.querySelector("[data-testid=training]")?.dataset.value;
  if (epoch) window.epochs[epoch] ??= now;
}).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Page:
    """A browser of its own with the page in it; `query` stands behind the address's `?`."""

    def __init__(self, query):
        assert (DIST / "index.html").exists(), "run `cargo xtask dist` first"
        handler = partial(Quiet, directory=DIST)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.profile = TemporaryDirectory()
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
        for flag in ("headless", "disable-background-networking", "disable-component-update", "disable-sync"):
            options.add_argument(f"--{flag}")
        options.add_argument(f"--user-data-dir={self.profile.name}")
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options, service)
        self.driver.get(f"http://127.0.0.1:{self.server.server_port}/?{query}#network=assignment")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        self.server.shutdown()
        self.profile.cleanup()

    def find(self, what):
        """The element of this `data-testid` and these further conditions, as soon as it is there."""
        testid, _, rest = what.partition("[")
        css = f"[data-testid={testid}]" + (f"[{rest}" if rest else "")
        there = lambda driver: next(iter(driver.find_elements(By.CSS_SELECTOR, css)), None)  # noqa: E731
        return WebDriverWait(self.driver, PATIENCE).until(there)

    def click(self, what):
        # The bar with the big button may cover it.
        self.driver.execute_script("arguments[0].click()", self.find(what))

    def train(self, frames, epochs):
        """Trains on frames of a file. Gives when each stage began, in order, and when each epoch was done."""
        self.find("open-training").send_keys(str(frames))
        self.find("data-training[data-status=ready]")
        Select(self.find("train-epochs")).select_by_visible_text(str(epochs))
        self.driver.execute_script(WATCH)
        self.click("train")
        self.find("training[data-status=finished]")
        return self.driver.execute_script("return [window.stages, window.epochs]")

    def peak(self):
        """The most resident memory that the page's process has had, in bytes."""
        peaks = [1024 * int(status["VmHWM"].split()[0]) for status in self.renderers()]
        return max(peaks)

    def renderers(self):
        """What the system tells of the processes that hold this browser's pages."""
        statuses = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                lines = (process / "status").read_text().splitlines()
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            statuses[int(process.name)] = status | {"command": command}
        for pid, status in statuses.items():
            while pid in statuses and pid != self.driver.service.process.pid:
                pid = int(statuses[pid]["PPid"])
            if pid in statuses and b"--type=renderer" in status["command"]:
                yield status
