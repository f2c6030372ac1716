"""Let Python programs of a container find the hosts of their job by name, where no name server knows them.

Lies in the container's site-packages as `_job_hosts` and is imported at the start of every interpreter. The variable
HOSTS is a JSON object, `{"algo-1": "ADDRESS:PORT", …}`; the ports are for launch/train.py. What looks names up below
Python (TensorFlow's gRPC) is not reached.
"""

import functools
import json
import os
import socket
from collections.abc import Callable
from typing import Any

HOSTS = "SAGEMAKER_JOB_HOSTS"


def install(addresses: dict[str, str]) -> None:
    """Put the addresses in the place of the names in whatever Python's socket module is asked for."""

    def of_host(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def asked(host: Any, *rest: Any, **more: Any) -> Any:
            return function(addresses.get(host, host), *rest, **more)

        return asked

    def of_address(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def asked(self: socket.socket, address: Any) -> Any:
            if isinstance(address, tuple) and address and address[0] in addresses:
                address = (addresses[address[0]], *address[1:])
            return method(self, address)

        return asked

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, name, of_host(getattr(socket, name)))
    for name in ("bind", "connect", "connect_ex"):
        setattr(socket.socket, name, of_address(getattr(socket.socket, name)))


if os.environ.get(HOSTS):
    install({name: address.partition(":")[0] for name, address in json.loads(os.environ[HOSTS]).items()})
