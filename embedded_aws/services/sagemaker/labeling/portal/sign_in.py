"""Signing in to a workforce's portal: Cognito's managed login, by the code flow, and a cookie from then on.

Its pages are the user pool's; all of AWS's names lead to the same port, so that they are asked for under the portal's
own. A session lasts as long as the gateway, at most a day; who leaves a group keeps what they had until they sign in
again. A workerId is `private.REGION.` and sixteen hexadecimal digits: outputs that users published. Not compared with
AWS: how long a session lasts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from embedded_aws.services.sagemaker.labeling.cognito import CALLBACK, SCOPES, UserPools
from embedded_aws.services.sagemaker.labeling.worker import Worker

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.store import Record

_SESSION_SECONDS = 86_400.0
_ASKED_SECONDS = 600.0
_TIMEOUT = 30


class SignInError(Exception):
    """Somebody could not be signed in; the message says why, in one sentence."""


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in: the worker, their groups in the user pool, and until when."""

    worker: Worker
    groups: frozenset[str]
    ends: float


class SignIn:
    """The sessions of all portals."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url, self._pools = endpoint_url, UserPools(endpoint_url)
        self._asked: dict[str, tuple[float, str]] = {}  # until when, and for which page, by state
        self._sessions: dict[tuple[str, str], Session] = {}  # by workforce and cookie

    def begin(self, workforce: Record, page: str) -> tuple[str, str]:
        """Return where to sign in, and what the browser must bring again when it comes back to a page of the portal."""
        now = time.monotonic()
        self._asked = {state: (ends, path) for state, (ends, path) in self._asked.items() if ends > now}
        state = secrets.token_urlsafe(16)
        self._asked[state] = (now + _ASKED_SECONDS, page)
        query = {
            "client_id": workforce.members["CognitoConfig"]["ClientId"],
            "redirect_uri": _callback(workforce),
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": state,
        }
        return f"/oauth2/authorize?{urlencode(query)}", state

    def finish(self, workforce: Record, *, code: str, state: str, brought: str) -> tuple[str, str]:
        """Return the cookie of somebody who has signed in, and the page that was asked for. Raises SignInError."""
        ends, page = self._asked.pop(state, (0.0, "")) if state == brought else (0.0, "")
        if ends < time.monotonic():
            raise SignInError("This sign-in was not begun here, or took too long: begin again.")
        claims = self._claims(workforce, code)
        now = time.monotonic()
        self._sessions = {key: session for key, session in self._sessions.items() if session.ends > now}
        digest = hashlib.sha256(f"{claims['iss']}/{claims['sub']}".encode()).hexdigest()[:16]
        worker = Worker(
            id=f"private.{workforce.region}.{digest}",
            issuer=claims["iss"],
            sub=claims["sub"],
            name=str(claims.get("cognito:username", claims["sub"])),
        )
        cookie = secrets.token_urlsafe(32)
        groups = frozenset(claims.get("cognito:groups", ()))
        self._sessions[workforce.arn, cookie] = Session(worker, groups, now + _SESSION_SECONDS)
        return cookie, page

    def session(self, workforce: Record, cookie: str) -> Session | None:
        """Return who brings that cookie to the portal; None if nobody is signed in."""
        found = self._sessions.get((workforce.arn, cookie))
        return found if found and found.ends > time.monotonic() else None

    def end(self, workforce: Record, cookie: str) -> None:
        """Sign somebody out."""
        self._sessions.pop((workforce.arn, cookie), None)

    def _claims(self, workforce: Record, code: str) -> dict[str, Any]:
        """Return what Cognito says of who brings this code."""
        config = workforce.members["CognitoConfig"]
        client = self._pools.app_client(workforce, config)
        form = {
            "grant_type": "authorization_code",
            "client_id": config["ClientId"],
            "code": code,
            "redirect_uri": _callback(workforce),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if secret := client.get("ClientSecret"):
            token = base64.b64encode(f"{config['ClientId']}:{secret}".encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        request = urllib.request.Request(  # noqa: S310 - our own URL
            f"{self._endpoint_url}/oauth2/token", data=urlencode(form).encode(), headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - our own URL
                tokens = json.load(answer)
        except urllib.error.HTTPError as error:
            raise SignInError("Cognito does not know this sign-in any more: begin again.") from error
        payload = tokens["id_token"].split(".")[1]  # it comes from Cognito itself: there is no signature to doubt
        return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def _callback(workforce: Record) -> str:
    return f"https://{workforce.members['SubDomain']}{CALLBACK}"
