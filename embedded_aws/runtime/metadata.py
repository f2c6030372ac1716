"""Where a container gets its role's credentials: the loopback address AWS_CONTAINER_CREDENTIALS_FULL_URI names.

Every AWS SDK asks there again before the credentials expire, so a long job is never left with stale ones.
"""

from __future__ import annotations

import http.server
import json
import secrets
import threading
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from embedded_aws.runtime.credentials import Role


class CredentialsEndpoint:
    """Answers the credentials of a role to whoever holds the token it was given out with.

    It listens from the first time that it gives one out.
    """

    def __init__(self) -> None:
        self._roles: dict[str, Role] = {}
        handler = type("Handler", (_Handler,), {"roles": self._roles})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._lock = threading.Lock()
        self._serving = False

    def environment(self, role: Role) -> dict[str, str]:
        """The variables with which an SDK in a container finds the role's credentials."""
        with self._lock:
            if not self._serving:
                self._serving = True
                threading.Thread(target=self._server.serve_forever, name="sagemaker-credentials", daemon=True).start()
        token = secrets.token_urlsafe(32)
        self._roles[token] = role
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self._server.server_port}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def forget(self, environment: dict[str, str]) -> None:
        """End what `environment` gave out."""
        self._roles.pop(environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", ""), None)

    def close(self) -> None:
        """Stop answering."""
        with self._lock:
            if self._serving:  # or shutdown would wait for ever
                self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    roles: dict[str, Role]

    def do_GET(self) -> None:  # http.server asks for this name
        role = self.roles.get(self.headers.get("Authorization", ""))
        if role is None:
            self._answer(403, {"code": "AccessDenied", "message": "The token is not one that was given out."})
            return
        try:
            credentials, expiration = role.credentials()
        except (ClientError, BotoCoreError) as error:
            self._answer(403, {"code": "AssumeRoleFailed", "message": str(error)})
            return
        document = {
            "RoleArn": role.arn,
            "AccessKeyId": credentials.access_key,
            "SecretAccessKey": credentials.secret_key,
            "Token": credentials.token,
            "Expiration": expiration,
        }
        self._answer(200, document)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Nothing: a request every hour is no news."""

    def _answer(self, status: int, document: dict[str, str | None]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
