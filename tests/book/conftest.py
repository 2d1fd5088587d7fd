"""The web book as `make book` built it, served to a real browser that reaches nothing else."""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "book" / "html"
AXE = ROOT / "build" / "book" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    if not (SITE / "searchindex.js").is_file():
        pytest.skip("needs the web book; `make book` builds it")
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
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Open a page of the site; what went wrong meanwhile is listed as `page.problems`."""
    contexts = []

    def open_one(name: str, width: int = 1280, scheme: str = "light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.problems = []

        def only_here(route):
            if route.request.url.startswith((address, "data:")):
                route.continue_()
            else:
                page.problems.append(f"asked for {route.request.url}")
                route.abort()

        page.route("**/*", only_here)
        page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))
        page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
        page.on(
            "response",
            lambda answer: answer.ok or page.problems.append(f"{answer.status}: {answer.url}"),
        )
        page.on(
            "console",
            lambda message: (
                message.type in ("error", "warning") and page.problems.append(message.text)
            ),
        )
        page.goto(address + name, wait_until="load")
        return page

    yield open_one
    for context in contexts:
        context.close()
