"""An installed Chromium or Chrome, headless: none is downloaded."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from cli.aws.session import Session

ANSWER_IN_THE_PAGE = """async (pictures) => {
  const { PageModel } = await import("./answers.js");
  const model = new PageModel();
  const found = [];
  for (const grey of pictures) found.push(await model.answer({ prepared: { grey } }));
  return found;
}"""
"""What the lab's page answers for grey pictures, each its pixels in a list: JavaScript for Page.evaluate."""

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_ON_MACS = [Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in ("Google Chrome", "Chromium")]
_LOOK = 10  # ms between two looks
_FLAGS = [
    "--headless",
    "--no-sandbox",  # it shows our own page, and containers of CI have no namespaces for it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def program() -> str:
    """Return the browser's program. Raises LookupError, with what to install, if there is none."""
    named = [os.environ.get("CHROMIUM", ""), *_PROGRAMS]
    found = next((path for name in named if name and (path := shutil.which(name))), "")
    found = found or next((str(path) for path in _ON_MACS if path.exists()), "")
    if not found:
        raise LookupError(
            "No Chromium and no Chrome is installed: `sudo apt-get install chromium` on Debian, or name one in "
            "CHROMIUM; `.ci/run` does the former."
        )
    return found


def wait_until(page: Page, expression: str, *, seconds: float = 90) -> None:
    """Wait until a JavaScript expression is true. Raises TimeoutError when it does not become so.

    Playwright's own waiting evaluates it within the page, which a Content-Security-Policy forbids.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {expression}")
        page.wait_for_timeout(_LOOK)


@contextmanager
def headless(*flags: str) -> Iterator[Browser]:
    """Run one; further flags are Chromium's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=[*_FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def of_session(session: Session) -> Iterator[BrowserContext]:
    """Run one that reaches AWS's names as a session's programs do: of the embedded AWS by its proxy, and no others."""
    proxy = session.variables.get("HTTPS_PROXY")
    with headless(*([f"--proxy-server={proxy}", "--proxy-bypass-list=127.0.0.1"] if proxy else [])) as running:
        yield running.new_context(ignore_https_errors=bool(proxy))
