"""Who gets into the console: the holder of the link, once, from the console's own pages."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.cli.console.conftest import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Lab
    from tests.embedded_aws.account import Account


class Visitor:
    """Asks the console as any program of this machine may."""

    def __init__(self, link: str) -> None:
        parts = urlsplit(link)
        self.address, self.home, self.token = parts.netloc, parts.path, f"?{parts.query}"
        self.cookie = self.given = ""

    def __call__(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> HTTPResponse:
        """The answer, read; a path is below the console's home, unless it begins with a slash."""
        path = path if path.startswith("/") else f"{self.home}{path}"
        connection = HTTPConnection(self.address)
        given = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        self.text = answer.read().decode(errors="replace")  # of a picture, too
        connection.close()
        return answer


@pytest.fixture(scope="module")
def visitor(lab: Lab, aws: Account) -> Iterator[Visitor]:
    """Somebody with the link, and nothing yet in the lab."""
    assert aws
    with console(lab, "seats=0") as link:
        yield Visitor(link)


def test_the_link_opens_once(visitor: Visitor) -> None:
    """Without it there is nothing to see; it gives a cookie that no script reads and no other site sends."""
    for path in ("", "events", "ask/pause", "?token=guess"):
        assert visitor(path).status == 403, path
        assert "./lab console" in visitor.text
    answer = visitor(visitor.token)
    given = visitor.given = answer.headers["Set-Cookie"]
    assert (answer.status, answer.headers["Location"]) == (303, "./")
    assert "HttpOnly" in given
    assert "SameSite=strict" in given
    assert visitor(visitor.token).status == 403
    visitor.cookie = given.partition(";")[0]
    assert visitor("").status == 200
    assert visitor(visitor.token).status == 303  # who holds the cookie has opened the link once more


def test_no_other_server_of_this_machine_sees_the_cookie(visitor: Visitor) -> None:
    """Cookies know no ports: a browser would show it to each student's Jupyter, but for a path that nobody guesses."""
    [_, secret, end] = visitor.home.split("/")
    assert len(secret) > 20
    assert not end
    assert f"Path={visitor.home};" in visitor.given
    for path in ("/", "/events", "/ask/pause", "/static/page/page.css", f"/{secret}"):
        assert visitor(path).status == 403, path


def test_it_answers_under_its_own_name_only(visitor: Visitor) -> None:
    """A name that somebody's DNS has made to mean this machine opens nothing."""
    for host in ("evil.example", f"evil.example:{visitor.address.partition(':')[2]}", "127.0.0.1:1"):
        assert visitor("", Host=host).status == 421


def test_a_button_is_pressed_from_its_own_page_only(visitor: Visitor) -> None:
    """Another site's form lacks the origin, and a program the token that our pages hold: nothing is done."""
    own = f"http://{visitor.address}"
    assert visitor("do/pause", "POST", "").status == 403
    assert visitor("do/pause", "POST", "form_token=guess", Origin=own).status == 403
    visitor("ask/pause")
    token = visitor.text.partition('name="form_token" value="')[2].partition('"')[0]
    assert visitor("do/pause", "POST", f"form_token={token}", Origin="https://evil.example").status == 403
    assert visitor("do/pause", "POST", f"form_token={token}", Origin="null").status == 403
    assert visitor("do/format", "POST", f"form_token={token}", Origin=own).status == 409
    assert visitor("do/stop", "POST", f"form_token={token}&of=--help", Origin=own).status == 409
    assert "no name or term" in visitor.text
    assert visitor("do/stop", "POST", f"form_token={token}&of={'x' * 20_000}", Origin=own).status == 403
    for path in ("jobs/dragon/x", "jobs/dragon/x/events", "ask/format"):
        assert visitor(path).status == 404
    visitor("")
    assert "Nothing yet" in visitor.text


def test_nothing_comes_from_elsewhere(visitor: Visitor) -> None:
    """Every answer forbids foreign scripts, frames and forms; nothing is kept by the browser's cache."""
    headers = visitor("").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    for name in ("idiomorph.js", "uplot.js", "uplot.css"):
        assert visitor(f"static/modules/{name}").status == 200
    assert visitor("static/modules/..%2f..%2fpackage.json").status == 404
    assert visitor("static/../access.py").status == 404
