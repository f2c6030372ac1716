"""The forward proxy leads nobody to this machine's own ports, under whatever name, but to the user's package index."""

from __future__ import annotations

import asyncio
import socket

import pytest

from embedded_aws.forward_proxy import ForwardProxy

GREETING = b"what only this machine is to see"
WORDS = {"CONNECT": "CONNECT {0} HTTP/1.1\r\n\r\n", "GET": "GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\n\r\n"}


def asked(words: str, host: str, **variables: str) -> bytes:
    """The proxy's answer to a request for a port of this machine, on every address; `{}` in a variable is the port."""

    async def ask() -> bytes:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(GREETING)
            writer.close()

        listening = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        port = listening.getsockname()[1]
        outside = {name: value.format(port) for name, value in variables.items()}
        answering = socket.create_server(("127.0.0.1", 0))
        address = answering.getsockname()
        async with (
            await asyncio.start_server(greet, sock=listening),
            await ForwardProxy(1, 1, outside).serve(answering),
        ):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(words.format(f"{host}:{port}").encode())
            said = await reader.read()
            writer.close()
            return said

    return asyncio.run(ask())


def own_address() -> str:
    """The address by which others see this machine, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="This machine has no IPv6 beside IPv4.")
@pytest.mark.parametrize("method", WORDS)
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.1",
        "0.0.0.0",  # noqa: S104 - nobody listens there
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        own_address(),
    ],
)
def test_this_machine_is_refused(host: str, method: str) -> None:
    """Every way to write it, in a tunnel and without, with a sentence; not a byte comes back."""
    said = asked(WORDS[method], host)
    assert said.startswith(b"HTTP/1.1 403 Forbidden")
    assert b"is this machine itself" in said
    assert GREETING not in said


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="This machine has no IPv6 beside IPv4.")
@pytest.mark.parametrize(
    "variable", ["PIP_INDEX_URL=http://me:pass@127.0.0.1:{}/simple", "UV_INDEX=mine=http://127.0.0.1:{}/"]
)
def test_an_index_here_is_reached(variable: str) -> None:
    """Packages come from where the user's environment says, and from no other port of that host."""
    name, _, value = variable.partition("=")
    assert asked(WORDS["CONNECT"], "127.0.0.1", **{name: value}).endswith(GREETING)
    assert asked(WORDS["CONNECT"], "127.0.0.1", **{name: value.replace(":{}", "")}).startswith(b"HTTP/1.1 403")
