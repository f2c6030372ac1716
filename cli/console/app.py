"""The console's application: its pages, its stream of events, its buttons."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import pages
from cli import paths
from cli.aws import job_follower, jobs
from cli.aws.collector import Source
from cli.console.actions import ACTIONS
from cli.console.panels import ACTIONS_PANEL, PANELS, STATIC, Pages, affected
from cli.ui.errors import LabError
from pages.access import foreign

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from cli.aws.collector import Collector
    from cli.aws.instance_counts import JobType
    from cli.aws.job_follower import JobView
    from cli.aws.session import Session
    from cli.console.actions import Actions
    from pages.access import Access

_GATHER = 0.2  # seconds in which several changes become one event each
_ALIVE = 20.0  # seconds without a change, after which the page is told all the same
_JOB_EVERY = 3.0  # seconds
# Not ours, and nowhere else than in the lock: served from where npm has put it, its hash compared.
_MODULES = {
    "idiomorph.js": paths.ROOT / "node_modules" / "idiomorph" / "dist" / "idiomorph.esm.js",
    "uplot.js": paths.ROOT / "node_modules" / "uplot" / "dist" / "uPlot.esm.js",
    "uplot.css": paths.ROOT / "node_modules" / "uplot" / "dist" / "uPlot.min.css",
}


class Console:
    """Answers requests about one lab."""

    def __init__(
        self, session: Session, collector: Collector, rendered: Pages, actions: Actions, entrance: Access
    ) -> None:
        self._session, self._collector, self._pages, self._actions = session, collector, rendered, actions
        self._access = entrance
        self._over = False
        self._listeners: set[asyncio.Queue[str]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        actions.listeners.append(self._actions_changed)

    def application(self) -> Any:
        """Return the ASGI application."""
        routes = [
            Route("/", self._home),
            Route("/events", self._events),
            Route("/jobs/{kind}/{name}", self._job),
            Route("/jobs/{kind}/{name}/events", self._job_events),
            Route("/drift.png", self._drift_picture),
            Route("/ask/{action}", self._ask),
            Route("/do/{action}", self._do, methods=["POST"]),
            Route("/static/modules/{name}", _module),
            Mount("/static/page", StaticFiles(directory=pages.STATIC)),
            Mount("/static/shared", StaticFiles(directory=pages.SHARED)),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        home = Mount(self._access.place.rstrip("/"), routes=routes)
        return self._access.guard(Starlette(routes=[home], exception_handlers={LabError: self._not_there}))

    def end(self) -> None:
        """End the streams of events: who waits for their end waits for ever."""
        self._over = True
        self._wake(ACTIONS_PANEL)

    def _actions_changed(self) -> None:
        """Tell every page that an action began or ended, and look at what it has changed."""
        self._collector.ask_now()
        self._wake(ACTIONS_PANEL)

    def _wake(self, name: str) -> None:
        for queue in [*self._listeners]:
            if self._loop:
                _put(self._loop, queue, name)

    async def _home(self, _: Request) -> Response:
        return HTMLResponse(await asyncio.to_thread(self._pages.whole))

    async def _drift_picture(self, _: Request) -> Response:
        found = self._collector.readings()["drift_report"].value
        picture = found.picture if found else b""
        return Response(picture, HTTPStatus.OK if picture else HTTPStatus.NOT_FOUND, media_type="image/png")

    async def _events(self, _: Request) -> Response:
        return StreamingResponse(self._panels(), media_type="text/event-stream")

    async def _panels(self) -> AsyncIterator[str]:
        """Yield every panel, and from then on each that has changed."""
        sent: dict[str, str] = {}
        with ExitStack() as watching:
            queue = self._listen(watching)
            watching.enter_context(self._collector.watching(*{each for own in PANELS.values() for each in own}))
            names = [*PANELS]
            while not self._over:
                for name in names:
                    html = await asyncio.to_thread(self._pages.panel, name)
                    if sent.get(name) != html:
                        sent[name] = html
                        yield _event("panel", {"name": name, "html": html})
                yield ":\n\n"
                changed = await self._changes(queue)
                names = affected(changed) if changed else [*PANELS]  # what says how long ago something was

    async def _job(self, request: Request) -> Response:
        kind = _kind(request)
        log = job_follower.log_group(kind)
        return HTMLResponse(self._pages.page("job.html", kind=kind.name, name=request.path_params["name"], log=log))

    async def _job_events(self, request: Request) -> Response:
        kind, name = _kind(request), request.path_params["name"]
        follower = job_follower.JobFollower(self._session, kind, name)
        return StreamingResponse(
            self._job_views(kind, Source(f"{kind.name} {name}", follower.read, _JOB_EVERY)),
            media_type="text/event-stream",
        )

    async def _job_views(self, kind: JobType, source: Source) -> AsyncIterator[str]:
        with ExitStack() as watching:
            queue = self._listen(watching)
            watching.enter_context(self._collector.adding(source))
            shown, heard = None, 0
            while not self._over:
                reading = self._collector.readings()[source.name]
                if reading.is_there and (reading.value, reading.problem) != shown:
                    shown = reading.value, reading.problem
                    facts = self._pages.page("panels/job.html", kind=kind, view=reading.value, problem=reading.problem)
                    yield _event("job", {"facts": facts, **_of_view(reading.value, heard)})
                    heard = reading.value.written if reading.value else heard
                yield ":\n\n"
                await self._changes(queue)

    async def _ask(self, request: Request) -> Response:
        """Answer with the question that comes before an action."""
        name, of = request.path_params["action"], request.query_params.get("of", "")
        if name not in ACTIONS:
            raise LabError(f"There is no button {name}: reload the page.")
        return HTMLResponse(self._pages.page("ask.html", name=name, action=ACTIONS[name], of=of))

    async def _do(self, request: Request) -> Response:
        fields = await self._access.form(request)
        if fields is None:
            return foreign()
        name = request.path_params["action"]
        try:
            run = await asyncio.to_thread(self._actions.start, name, fields)
        except LabError as error:
            return self._refused(str(error), HTTPStatus.CONFLICT)
        if name != "notebook":
            return RedirectResponse(self._access.home, HTTPStatus.SEE_OTHER)
        with ExitStack() as watching:
            queue = self._listen(watching)
            while not run.over.is_set() and not self._over:
                await self._changes(queue)
        try:
            return HTMLResponse(self._pages.page("opening.html", url=json.loads(run.said)["url"], of=run.of))
        except (ValueError, KeyError):
            return self._refused(run.said or f"The notebook of {run.of} did not open.", HTTPStatus.BAD_GATEWAY)

    async def _not_there(self, _: Request, error: Exception) -> Response:
        return self._refused(str(error), HTTPStatus.NOT_FOUND)

    def _refused(self, sentence: str, status: HTTPStatus) -> Response:
        return HTMLResponse(self._pages.page("refused.html", sentence=sentence), status)

    def _listen(self, watching: ExitStack) -> asyncio.Queue[str]:
        """Return a queue into which every change comes, from whichever thread, until `watching` ends."""
        loop = self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str] = asyncio.Queue()
        watching.enter_context(self._collector.listening(lambda name: _put(loop, queue, name)))
        self._listeners.add(queue)
        watching.callback(self._listeners.discard, queue)
        return queue

    async def _changes(self, queue: asyncio.Queue[str]) -> list[str]:
        """Wait for changes, and a moment for more of them; return none after a while without, or at the end."""
        found: list[str] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(_ALIVE):
                found.append(await queue.get())
            await asyncio.sleep(0 if self._over else _GATHER)
        while not queue.empty():
            found.append(queue.get_nowait())
        return found


def _kind(request: Request) -> JobType:
    """Return the kind of job that the address names. Raises LabError if there is none."""
    return jobs.kind_named(request.path_params["kind"].replace("-", " "))


def _put(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[str], name: str) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(queue.put_nowait, name)


def _event(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


def _of_view(view: JobView | None, heard: int) -> dict[str, Any]:
    """Return the curves, and of the log what was not among the lines that were sent already."""
    if not view:
        return {"curves": {}, "log": "", "anew": False, "left_out": 0}
    first = view.written - len(view.lines)
    log = "".join(f"{line}\n" for line in view.lines[max(0, heard - first) :])
    return {"curves": view.curves, "log": log, "anew": not heard, "left_out": 0 if heard else first}


async def _module(request: Request) -> Response:
    file = _MODULES.get(request.path_params["name"])
    return FileResponse(file) if file and file.is_file() else Response(status_code=HTTPStatus.NOT_FOUND)
