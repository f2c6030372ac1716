"""Callers of an embedded AWS under load: right calls, now and then a wrong one before them, all counted."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, HTTPClientError
from botocore.parsers import ResponseParserError

from bench.support import broken_http, wrong_calls

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from bench.support.embedded_aws import EmbeddedAws
    from bench.support.tally import Tally

    Undo = Callable[[dict[str, Any], dict[str, Any]], tuple[str, dict[str, Any]]]

_OURS = 500  # and beyond
_SPOILT_AT_MOST = 8  # until boto3 can write one down
_NONE: dict[str, Any] = {}
_UNSENT = (TypeError, ValueError, AttributeError, LookupError, OverflowError, RuntimeError)


class BrokenOffError(Exception):
    """A round can't go on: a call was refused that it needs."""


class Clients:
    """boto3's clients, one a service and kind; each waits 30 seconds for an answer, and asks once."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws, self._lock = aws, threading.Lock()
        self._made: dict[tuple[str, bool], Any] = {}

    def get(self, service: str, *, checked: bool = True) -> Any:
        """Return a client; one that is not `checked` sends what is not in order."""
        with self._lock:
            if (service, checked) not in self._made:
                settings = Config(
                    read_timeout=broken_http.ANSWER_SECONDS,
                    connect_timeout=broken_http.ANSWER_SECONDS,
                    max_pool_connections=64,
                    parameter_validation=checked,
                    retries={"total_max_attempts": 1},
                    s3={"addressing_style": "path"},
                )
                self._made[service, checked] = self._aws.client(service, config=settings)
            return self._made[service, checked]


@dataclass
class Caller:
    """One caller, in rounds: what a round makes is removed at its end, however it ends."""

    clients: Clients
    tally: Tally
    choice: random.Random
    ports: dict[str, int]  # that listen, by name
    wrong: float  # share of requests
    _undo: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    _misled: bool = False  # a wrong call was carried out, so that right ones may be refused

    def round(self, work: Callable[[Caller], object]) -> None:
        """Do some work, and remove what it made."""
        self._misled = False
        try:
            work(self)
        except BrokenOffError:
            pass
        except _UNSENT as error:  # an answer has not got what it should
            if not self._misled:
                self.tally.add("rounds", "right", "no round", seconds=0, fault=f"{type(error).__name__}: {error}")
        finally:
            while self._undo:
                service, operation, members = self._undo.pop()
                with contextlib.suppress(BrokenOffError):
                    self._right(service, operation, members, refused=("NotFound", "NoSuch", "NonExistent"))

    def ask(
        self,
        service: str,
        operation: str,
        members: dict[str, Any] = _NONE,
        *,
        undo: Undo | None = None,
        refused: tuple[str, ...] = (),
        wrong: bool = True,
    ) -> dict[str, Any]:
        """Make a call, now and then after a wrong one or broken HTTP. Raises BrokenOffError if it is refused.

        `undo` tells of members and answer which call removes what this one made; `refused` are parts of the codes with
        which it may be refused; `wrong`: it may be spoilt.
        """
        if self.choice.random() < self.wrong:
            if wrong and self.choice.random() < 0.8:  # noqa: PLR2004 - the rest is for the ports
                self._wrong(service, operation, members, undo)
            else:
                self.break_http()
        answer = self._right(service, operation, members, refused=refused)
        if undo:
            self._undo.append((service, *undo(members, answer)))
        return answer

    def break_http(self) -> None:
        """Send broken HTTP to a port."""
        name = self.choice.choice(list(self.ports))
        began = time.monotonic()
        answer, fault = broken_http.send(self.choice, self.ports[name])
        told = f"{name}: {fault}" if fault else ""
        self.tally.add(f"port: {name}", "broken", answer, seconds=time.monotonic() - began, fault=told)

    def _wrong(self, service: str, operation: str, members: dict[str, Any], undo: Undo | None) -> None:
        for _ in range(_SPOILT_AT_MOST):
            if self._sent(service, operation, wrong_calls.spoilt(self.choice, members), undo):
                return

    def _sent(self, service: str, operation: str, spoilt: dict[str, Any], undo: Undo | None) -> bool:
        """Make a wrong call; false if boto3 can't write it down."""
        began = time.monotonic()
        told = f"{service} {operation} {str(spoilt)[:300]}"
        word, fault = "200", ""
        try:
            answered = _answer(getattr(self.clients.get(service, checked=False), operation), spoilt)
        except ClientError as error:
            word, fault = refusal(error)
        except (HTTPClientError, ResponseParserError) as error:
            if type(error) is HTTPClientError:  # such as a header that can't be sent
                return False
            word, fault = "no answer", f"{type(error).__name__}: {error}"
        except (BotoCoreError, *_UNSENT):
            return False
        else:
            self._misled = True
            if undo:
                with contextlib.suppress(*_UNSENT):
                    self._undo.append((service, *undo(spoilt, answered)))
        seconds = time.monotonic() - began
        self.tally.add(service, "wrong", word, seconds=seconds, fault=f"{told}: {fault}" if fault else "")
        return True

    def _right(
        self, service: str, operation: str, members: dict[str, Any], *, refused: tuple[str, ...]
    ) -> dict[str, Any]:
        began = time.monotonic()
        told, word, fault = f"{service} {operation} {str(members)[:300]}", "200", ""
        # What a wrong call has made is as wrong as that, and removed all the same.
        client = self.clients.get(service, checked=not self._misled)
        try:
            return _answer(getattr(client, operation), members)
        except ClientError as error:
            word, fault = refusal(error)
            if not fault and not self._misled and not any(part in word for part in refused):
                fault = f"refused, though it is right: {error}"
            raise BrokenOffError(str(error)) from error
        except (BotoCoreError, ResponseParserError) as error:
            word, fault = "no answer", f"{type(error).__name__}: {error}"
            raise BrokenOffError(str(error)) from error
        except _UNSENT as error:
            word, fault = "not sent", "" if self._misled else f"{type(error).__name__}: {error}"
            raise BrokenOffError(str(error)) from error
        finally:
            self.tally.add(
                service, "right", word, seconds=time.monotonic() - began, fault=f"{told}: {fault}" if fault else ""
            )


def refusal(error: ClientError) -> tuple[str, str]:
    """Return a refusal in a word, and what is wrong with it: that it is ours, not the caller's."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    return f"{status} {code[:60]}", f"{status}: {error}" if status >= _OURS else ""


def _answer(call: Callable[..., dict[str, Any]], members: dict[str, Any]) -> dict[str, Any]:
    """Return the whole answer to a call, which is made once more if its connection ends without a word.

    Who answers may end a connection that has been idle for long while a request is on its way: boto3 asks again then.
    """
    try:
        return _whole(call(**members))
    except ConnectionClosedError:
        return _whole(call(**members))


def _whole(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer whose body is read, for it may break off."""
    for member in ("Body", "Payload"):
        if hasattr(answer.get(member), "read"):
            with answer[member] as body:
                answer = {**answer, member: body.read()}
    return answer
