"""`./lab console` as its user runs it, over an embedded AWS, and a real browser that looks at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bench.support import browser as installed
from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests.embedded_aws.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.conftest import Lab

WAIT = 90_000  # ms: an idle machine needs two seconds, a busy one has many tests
NAME = "brick"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with installed.headless() as browser:
        yield browser


@pytest.fixture(scope="module")
def aws(lab: Lab) -> Account:
    """The account of the module's embedded AWS, where the lab's commands find it."""
    start(lab)
    return Account(lab.client)


def start(lab: Lab, *, enforce: bool = False, port: int = 0) -> gateway.Gateway:
    """Start the embedded AWS of a lab's home, whose waits are a tenth of the usual; without a port, on any."""
    home = lab.home / "aws"
    home.mkdir(exist_ok=True)
    return gateway.start(
        home,
        cache=paths.cache(),
        environment=tool_environment(),
        pace=0.1,
        port=port,
        enforce=enforce,
        owner=os.getpid(),
    )


@contextmanager
def console(lab: Lab, *settings: str) -> Iterator[str]:
    """Run `./lab console`; its link."""
    options = [word for setting in (f"name={NAME}", *settings) for word in ("-c", f"lab.{setting}")]
    with served(lab, "console", *options) as link:
        yield link


@contextmanager
def served(lab: Lab, *words: str) -> Iterator[str]:
    """Run a command that serves a page; its link."""
    command = [sys.executable, "-m", "cli", *words, "--json", "--no-browser"]
    with subprocess.Popen(
        command, cwd=paths.ROOT, env=lab.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        said = ""
        while "}" not in said and process.poll() is None:
            said += process.stdout.readline()
        try:
            assert "}" in said, process.stderr.read()
            yield str(json.loads(said)["url"])
        finally:
            process.terminate()
            assert "Traceback" not in process.stderr.read()


@contextmanager
def opened(chromium: Browser, link: str, *, expected: object = "", **options: object) -> Iterator[Page]:
    """A page of a browser's own; it fails if that asks for anything elsewhere, or complains.

    `expected` is what begins complaints that a test is about.
    """
    context: BrowserContext = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})  # type: ignore[arg-type]
    context.set_default_timeout(WAIT)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(link)
    yield page
    context.close()
    home = link.partition("?")[0]
    assert not [each for each in complaints if not (expected and each.startswith(str(expected)))]
    assert not [url for url in asked if not url.startswith((home, "data:"))]


def seat(lab: Lab, *names: str) -> None:
    """Deploy the stacks of seats, with nothing in them: a notebook each would be what a test waits for."""
    template = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    for name in names:
        tags = [{"Key": "bricklab:lab", "Value": NAME}, {"Key": "bricklab:seat", "Value": name}]
        lab.client("cloudformation").create_stack(StackName=f"{NAME}-seat-{name}", TemplateBody=template, Tags=tags)
