"""Clients with which a service of ours asks another one as an account's root, over the port."""

from __future__ import annotations

import threading
from typing import Any

import boto3


class RootClients:
    """The boto3 clients of every account and region, each made once. They ask over the port: not on the event loop."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()  # boto3 makes no two clients at a time safely

    def client(self, service: str, account: str, region: str) -> Any:
        """Return the client for a service. An account's number is its root's access key in the embedded AWS."""
        with self._lock:
            key = (service, account, region)
            if key not in self._clients:
                self._clients[key] = boto3.client(  # type: ignore[call-overload]  # a name known at run time
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint_url,
                    aws_access_key_id=account,
                    aws_secret_access_key="test",  # noqa: S106 - it opens nothing
                )
            return self._clients[key]
