"""The page of a labelling job: its photos, what is next, and answers, which are called stored when they are."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import pages
from embedded_aws import labelling_page
from labelling import pictures
from labelling.manifests import Answer
from model_code.data import LABELS
from pages.access import foreign

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from labelling.store import JobStore
    from labelling.worklist import Progress, Worklist
    from pages.access import Access

    Suggest = Callable[[bytes], Mapping[str, Any]]

_HERE = Path(__file__).parent
_AHEAD = 8  # photos that the page holds before they are shown
_LOOK_SECONDS = 5.0  # after which the others' answers are looked for again
_KEYS = "0123456789"


class LabellingPage:
    """Answers one person's page; whoever serves it hears how far they are after each answer."""

    def __init__(
        self,
        store: JobStore,
        worklist: Worklist,
        entrance: Access,
        *,
        worker: str,
        reviewer: bool = False,
        suggest: Suggest | None = None,
        heard: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._store, self._worklist, self._access = store, worklist, entrance
        self._worker, self._reviewer, self._suggest, self._heard = worker, reviewer, suggest, heard
        self._looking = threading.Lock()
        self._looked = time.monotonic()
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([_HERE / "templates", pages.TEMPLATES, labelling_page.TEMPLATES]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )

    def application(self) -> Any:
        """Return the ASGI application."""
        routes = [
            Route("/", self._home),
            Route("/work", self._work, methods=["POST"]),
            Route("/answers", self._answers, methods=["POST"]),
            Route("/photos/{number:int}", self._photo),
            Route("/suggestions/{number:int}", self._suggestion),
            Mount("/static/label", StaticFiles(directory=_HERE / "static")),
            Mount("/static/page", StaticFiles(directory=pages.STATIC)),
            Mount("/static/shared", StaticFiles(directory=pages.SHARED)),
        ]
        home = Mount(self._access.place.rstrip("/"), routes=routes)
        return self._access.guard(Starlette(routes=[home]))

    async def _home(self, _: Request) -> Response:
        template = self._environment.get_template("label.html")
        page = template.render(
            home=self._access.home,
            task=self._store.task,
            description=self._store.task.description,
            worker=self._worker,
            reviewer=self._reviewer,
            form_token=self._access.form_token,
            choices=[
                {"number": number, "label": label, "key": _key(number), "picture": _picture(label)}
                for number, label in enumerate(self._store.task.labels)
            ],
            suggests=bool(self._suggest),
        )
        return HTMLResponse(page)

    async def _work(self, request: Request) -> Response:
        """Answer with the next photos, but those that the page has; and which of these are done by others meanwhile."""
        asked = await self._access.json(request)
        if asked is None:
            return foreign()
        held = {each for each in asked.get("held", ()) if isinstance(each, int)} if isinstance(asked, dict) else set()
        return await asyncio.to_thread(self._next, held)

    def _next(self, held: set[int]) -> Response:
        try:
            self._look_again()
        except (ClientError, BotoCoreError) as error:
            return _not_now(error)
        numbers = self._worklist.next(_AHEAD, besides=held)
        photos = [{"photo": each, "name": self._store.lines[each].key} for each in numbers]
        over = self._worklist.over(held)
        return JSONResponse({"photos": photos, "over": over, "progress": self._worklist.progress().document()})

    def _look_again(self) -> None:
        """Look for the others' answers, if nobody looks just now and the last look is some seconds ago."""
        if time.monotonic() - self._looked < _LOOK_SECONDS or not self._looking.acquire(blocking=False):
            return
        try:
            self._worklist.load(self._store.answered(reviewer=self._reviewer))
            self._looked = time.monotonic()
        finally:
            self._looking.release()

    async def _answers(self, request: Request) -> Response:
        """Store answers in their order; say of each that it is stored, or why it never can be.

        The first that S3 does not take ends it: what the page is not told of it sends again.
        """
        asked = await self._access.json(request)
        if not isinstance(asked, list):
            return foreign()
        return await asyncio.to_thread(self._store_all, asked)

    def _store_all(self, asked: list[Any]) -> Response:
        stored: list[str] = []
        refused: dict[str, str] = {}
        notices: list[str] = []
        for each in asked:
            try:
                identity = str(each["id"])
            except (KeyError, TypeError):
                continue
            try:
                notices += self._store_one(each)
                stored.append(identity)
            except _UnusableError as error:
                refused[identity] = str(error)
            except (ClientError, BotoCoreError) as error:
                if not (stored or refused):
                    return _not_now(error)
                break
        progress = self._worklist.progress()
        self._heard(progress)
        document = {"stored": stored, "refused": refused, "notices": notices, "progress": progress.document()}
        return JSONResponse(document)

    def _store_one(self, event: Mapping[str, Any]) -> list[str]:
        """Do what the page tells of; return what is to be said of it."""
        photo, label = event.get("photo"), event.get("label")
        if not isinstance(photo, int) or not 0 <= photo < len(self._store.lines):
            raise _UnusableError(f"There is no photo {photo} in the labelling job {self._store.task.name}.")
        if label == "skip":
            self._worklist.skip(photo)
            return []
        if label is None:
            self._store.take_back(self._worker, photo, reviewer=self._reviewer)
            self._worklist.take_back(photo)
            return []
        self._store.put(self._read(event, photo, label))
        if self._worklist.answer(photo) and not self._reviewer:
            name = self._store.lines[photo].key
            return [f"{name} had all its answers when yours came: yours is kept as well."]
        return []

    def _read(self, event: Mapping[str, Any], photo: int, label: Any) -> Answer:
        task = self._store.task
        if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < len(task.labels):
            raise _UnusableError(f"{label!r} is none of the labels of {task.name}, which are {', '.join(task.labels)}.")
        try:
            accepted, submitted = (_instant(event[name]) for name in ("accepted", "submitted"))
            seconds = float(event["seconds"])
        except (KeyError, ValueError, TypeError):
            raise _UnusableError("An answer has two moments and how long it took: reload the page.") from None
        if not math.isfinite(seconds) or seconds < 0:
            raise _UnusableError("An answer takes a number of seconds: reload the page.")
        return Answer(
            photo=photo,
            worker=self._worker,
            label=label,
            accepted=accepted,
            submitted=submitted,
            seconds=round(seconds, 3),
            reviewer=self._reviewer,
        )

    async def _photo(self, request: Request) -> Response:
        number = request.path_params["number"]
        if number >= len(self._store.lines):
            return PlainTextResponse("There is no such photo.\n", HTTPStatus.NOT_FOUND)
        try:
            content = await asyncio.to_thread(self._store.photo, number)
        except ClientError as error:
            gone = error.response["Error"]["Code"] in {"NoSuchKey", "AccessDenied"}
            return PlainTextResponse(f"{error}\n", HTTPStatus.NOT_FOUND) if gone else _not_now(error)
        except BotoCoreError as error:
            return _not_now(error)
        kind = pictures.media_type(content)
        if not kind:
            return PlainTextResponse("It is no picture.\n", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return Response(content, media_type=kind, headers={"Cache-Control": "private, max-age=3600"})

    async def _suggestion(self, request: Request) -> Response:
        """Answer with what the lab's endpoint sees: to somebody who has answered, for it is not to sway them."""
        number = request.path_params["number"]
        if not self._suggest or not self._worklist.has_answered(number):
            return PlainTextResponse("It is told after the answer.\n", HTTPStatus.FORBIDDEN)
        try:
            content = await asyncio.to_thread(self._store.photo, number)
            return JSONResponse(await asyncio.to_thread(self._suggest, content))
        except (ClientError, BotoCoreError, ValueError, KeyError) as error:
            return _not_now(error)


class _UnusableError(Exception):
    """An answer that can never be stored; the message says why."""


def _picture(label: str) -> str:
    """Return the name of the file with a picture of the brick that a label names, "" if there is none."""
    return f"{LABELS.index(label)}.png" if label in LABELS else ""


def _key(number: int) -> str:
    """Return the key of a label: the ten digits, and N for the one after them."""
    return _KEYS[number] if number < len(_KEYS) else "n" if number == len(_KEYS) else ""


def _instant(text: Any) -> str:
    """Return a moment, as browsers and Ground Truth write it. Raises ValueError for what is none."""
    if not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(text)
    return text


def _not_now(error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", HTTPStatus.SERVICE_UNAVAILABLE)
