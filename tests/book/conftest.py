"""The web book as `make book` built it, served to a real browser that reaches nothing else."""

import functools
import http.server
import importlib.util
import shutil
import threading
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "book" / "html"
AXE = ROOT / "build" / "book" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def extension(name: str) -> ModuleType:
    """A module from `book/extensions`."""
    path = ROOT / "book" / "extensions" / f"{name}.py"
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    note = SITE / "built-from.txt"
    if not note.is_file():
        pytest.skip("needs the web book; `make book` builds it")
    if note.read_text(encoding="utf-8").strip() != extension("fingerprint").fingerprint(ROOT):
        pytest.skip("the web book is older than its sources; `make book` builds it anew")
    return SITE


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that does not write to the terminal."""

    def log_message(self, *args) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served."""
    handler = functools.partial(Quiet, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser(site):
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("needs a browser: Chromium or Chrome on the PATH")
    with playwright.sync_playwright() as driver:
        # no other host has an address here: asking for one fails, and is noticed
        nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", nowhere]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tab(browser, address):
    """One tab for all tests; what goes wrong in it is listed as `tab.problems`."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.problems = []

    def note(text: str) -> None:
        page.problems.append(text)

    page.on("pageerror", lambda error: note(f"error: {error}"))
    # leaving a page aborts what it still loads: that is no failure
    page.on(
        "requestfailed",
        lambda request: "ABORTED" in request.failure or note(f"failed: {request.url}"),
    )
    page.on(
        "response", lambda answer: answer.status < 400 or note(f"{answer.status}: {answer.url}")
    )
    page.on(
        "console",
        lambda message: message.type in ("error", "warning") and note(message.text),
    )
    yield page
    context.close()


@pytest.fixture
def open_page(tab, address):
    """Open a page of the site at a width, in a colour scheme."""

    def open_one(name: str, width: int = 1280, scheme: str = "light"):
        tab.goto("about:blank")
        tab.problems.clear()
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(color_scheme=scheme)
        tab.goto(address + name, wait_until="load")
        return tab

    return open_one
