"""The portal's pages and what they ask for: jobs, a task of one, and an answer to it.

A page is shown under a content security policy: only the portal's own scripts run, images come from S3's links, and
nobody frames it. A script says for whom it asks, so that no answer that a browser has kept becomes that of whoever has
signed in since. Sources: SageMaker's guide (workers outside of SourceIpConfig get a Not Found; who releases a task is
returned to the portal: here to their next task). Not compared with AWS: how its pages look, and all of its addresses.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.cookies import SimpleCookie
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup

from embedded_aws import labelling_page
from embedded_aws.database import StateError
from embedded_aws.services.sagemaker.labeling.cognito import CALLBACK
from embedded_aws.services.sagemaker.labeling.portal.responses import HTML, cookie, redirect, refusal
from embedded_aws.services.sagemaker.labeling.portal.sign_in import SignIn, SignInError
from embedded_aws.services.sagemaker.labeling.portal.tasks import Tasks, unrendered
from embedded_aws.services.sagemaker.labeling.templates import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liquid import Environment

    from embedded_aws.services.sagemaker.labeling.portal.responses import Response
    from embedded_aws.services.sagemaker.labeling.portal.sign_in import Session
    from embedded_aws.services.sagemaker.labeling.portal.tasks import LabelingJobs
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

HOST = re.compile(r"[a-z0-9]{10}\.labeling\.[a-z0-9-]+\.sagemaker\.aws(?::\d+)?")
"""The names that portals have."""
_FOLDER = Path(__file__).parent
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_FOLDERS = (labelling_page.ASSETS, _FOLDER / "assets")
_ASSETS = {f"/assets/{path.name}": path for folder in _FOLDERS for path in folder.iterdir() if path.suffix in _TYPES}
_SESSION, _STATE = "labeling-session", "labeling-sign-in"
_TASKS = re.compile(r"/jobs/([^/]+)/tasks(?:/(\d+)(/release)?)?")
_JOB = re.compile(r"/jobs/([^/]+)")
_PAGES = re.compile(r"/(jobs/.+|sign-out)?$")
_ADDRESS = ip_address("127.0.0.1")
_WORKERS = 8


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: bytes
    query: Mapping[str, list[str]]
    cookies: Mapping[str, str] = field(default_factory=dict)
    worker: str = ""

    def argument(self, name: str) -> str:
        return next(iter(self.query.get(name, ())), "")


class Portal:
    """Answers the requests to all portals' names."""

    def __init__(self, context: ServiceContext, jobs: LabelingJobs) -> None:
        self._context, self._tasks = context, Tasks(context, jobs)
        self._sign_in = SignIn(context.endpoint_url)
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="labeling-portal")
        s3 = urlsplit(context.endpoint_url)
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
            f"img-src 'self' {s3.scheme}://{s3.netloc} https:; media-src {s3.scheme}://{s3.netloc} https:; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )

    @cached_property
    def _pages(self) -> Environment:
        """Return the pages' templates; Liquid is imported with the first one, for a gateway's start need not wait."""
        from liquid import Environment, FileSystemLoader

        folders = [_FOLDER / "pages", labelling_page.TEMPLATES]
        return Environment(autoescape=True, loader=FileSystemLoader(folders))

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Response:
        """Answer one request."""
        lowered = {name.lower(): value for name, value in headers.items()}
        cookies = {name: morsel.value for name, morsel in SimpleCookie(lowered.get("cookie", "")).items()}
        host = lowered.get("host", "").partition(":")[0]
        request = _Request(method, path, body, query, cookies, lowered.get("labeling-worker", ""))
        # It asks Cognito, which answers on the event loop.
        answer = await asyncio.get_running_loop().run_in_executor(self._workers, self._answer, host, request)
        status, described, content = answer
        common = {
            "Content-Security-Policy": self._policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return status, {**common, **described}, content

    def close(self) -> None:
        """Answer no more."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _answer(self, host: str, request: _Request) -> Response:
        workforce = self._workforce(host)
        if workforce is None or not _may_come(workforce):
            return self._message(HTTPStatus.NOT_FOUND, "Not Found")
        if request.method == "GET" and request.path in _ASSETS:
            found = _ASSETS[request.path]
            return HTTPStatus.OK, {"Content-Type": _TYPES[found.suffix]}, found.read_bytes()
        if request.path == CALLBACK:
            return self._come_back(workforce, request)
        if not _PAGES.match(request.path):  # such as the icon, which no browser signs in for
            return self._message(HTTPStatus.NOT_FOUND, "Not Found")
        session = self._sign_in.session(workforce, request.cookies.get(_SESSION, ""))
        if session is None or request.worker not in {"", session.worker.id}:
            return self._ask_to_sign_in(workforce, request)
        return self._answer_worker(workforce, session, request)

    def _ask_to_sign_in(self, workforce: Record, request: _Request) -> Response:
        if request.method != "GET":
            return refusal(HTTPStatus.UNAUTHORIZED, "You are signed out here: sign in again.")
        location, state = self._sign_in.begin(workforce, request.path if _JOB.fullmatch(request.path) else "/")
        return redirect(location, cookie(_STATE, state))

    def _answer_worker(self, workforce: Record, session: Session, request: _Request) -> Response:
        if request.method == "POST" and request.path == "/sign-out":
            self._sign_in.end(workforce, request.cookies[_SESSION])
            return redirect("/", cookie(_SESSION, "", seconds=0))
        if request.method == "GET" and request.path == "/":
            return self._show_jobs(workforce, session)
        if request.method == "GET" and (found := _JOB.fullmatch(request.path)):
            return self._show_task(workforce, session, found[1])
        if request.method == "POST" and (found := _TASKS.fullmatch(request.path)):
            job, worker = self._tasks.jobs(workforce, session).get(found[1]), session.worker
            if found[2] is None:
                return self._tasks.next(job, worker)
            do = self._tasks.release if found[3] else self._tasks.take
            return do(job, worker, int(found[2]), request.body)
        return self._message(HTTPStatus.NOT_FOUND, "Not Found")

    def _workforce(self, host: str) -> Record | None:
        every = (record for record in self._context.store.every() if record.resource_type.name == "Workforce")
        return next((record for record in every if record.members.get("SubDomain") == host), None)

    def _come_back(self, workforce: Record, request: _Request) -> Response:
        brought = request.cookies.get(_STATE, "")
        try:
            secret, page = self._sign_in.finish(
                workforce, code=request.argument("code"), state=request.argument("state"), brought=brought
            )
        except SignInError as error:
            return self._message(HTTPStatus.BAD_REQUEST, str(error))
        return redirect(page, cookie(_SESSION, secret))

    def _show_jobs(self, workforce: Record, session: Session) -> Response:
        jobs = [
            {
                "code": code,
                "title": job.human["TaskTitle"],
                "description": job.human["TaskDescription"],
                "made": f"{job.record.members['CreationTime']:%Y-%m-%d %H:%M}",
                "left": batch.pending(),
            }
            for code, job in self._tasks.jobs(workforce, session).items()
            if job.run and (batch := job.run.batch) and batch.pending()
        ]
        return self._page("jobs.html", title="Jobs", worker=_shown(session), jobs=jobs)

    def _show_task(self, workforce: Record, session: Session, code: str) -> Response:
        job = self._tasks.jobs(workforce, session).get(code)
        try:
            found = job.next(session.worker) if job else None
        except TemplateError as error:
            return self._message(HTTPStatus.INTERNAL_SERVER_ERROR, unrendered(error))
        except StateError as error:
            return self._message(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if job is None or found is None or found["task"] is None:
            return redirect("/")
        task = {**found["task"], "html": Markup(found["task"]["html"])}  # noqa: S704 - the template escapes values
        human = job.human
        return self._page(
            "task.html",
            worker=_shown(session),
            title=human["TaskTitle"],
            description=human["TaskDescription"],
            job=f"/jobs/{code}",
            task=task,
            progress=found["progress"],
        )

    def _page(self, name: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        content = self._pages.get_template(name).render(**values)
        return status, {"Content-Type": HTML}, content.encode()

    def _message(self, status: HTTPStatus, message: str) -> Response:
        return self._page("message.html", status, title="Labeling", message=message)


def _may_come(workforce: Record) -> bool:
    """Return whether a workforce lets this machine's own address in, where all workers are."""
    ranges = workforce.members.get("SourceIpConfig", {}).get("Cidrs", ())
    return not ranges or any(_ADDRESS in ip_network(each.strip(), strict=False) for each in ranges)


def _shown(session: Session) -> dict[str, str]:
    """Return what pages tell of a worker: Liquid reads mappings alone."""
    return {"id": session.worker.id, "name": session.worker.name}
