"""The portal's pages and what they ask for: jobs, a task of one, and an answer to it.

A page is shown under a content security policy: only the portal's own script runs, images come from S3's links, and
nobody frames it. Sources: SageMaker's guide (workers outside of SourceIpConfig get a Not Found). Not compared with AWS:
how its pages look, and all of its addresses.
"""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.cookies import SimpleCookie
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from markupsafe import Markup

from embedded_aws.database import StateError
from embedded_aws.services.sagemaker.labeling.cognito import CALLBACK
from embedded_aws.services.sagemaker.labeling.portal.sign_in import SignIn, SignInError
from embedded_aws.services.sagemaker.labeling.templates import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liquid import Environment

    from embedded_aws.services.sagemaker.labeling.portal.sign_in import Session
    from embedded_aws.services.sagemaker.labeling.run import LabelingRun
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

Response = tuple[int, dict[str, str], bytes]

HOST = re.compile(r"[a-z0-9]{10}\.labeling\.[a-z0-9-]+\.sagemaker\.aws(?::\d+)?")
"""The names that portals have."""
_FOLDER = Path(__file__).parent
_HTML, _JSON = "text/html; charset=utf-8", "application/json"
_ASSETS = {"/assets/crowd-elements.js": "text/javascript", "/assets/portal.css": "text/css"}
_SESSION, _STATE = "labeling-session", "labeling-sign-in"
_TASK = re.compile(r"/jobs/([^/]+)/tasks/(\d+)")
_JOB = re.compile(r"/jobs/([^/]+)")
_PAGES = re.compile(r"/(jobs/.+|sign-out)?$")
_ADDRESS = ip_address("127.0.0.1")
_WORKERS = 8
_LONGEST_ANSWER = 1_000_000
_OVER = "This task is not yours any more: its time is over, or its job has ended."


class LabelingJobs(Protocol):
    """What the portal asks of the labeling jobs' provider."""

    def labeling_run(self, record: Record) -> LabelingRun | None:
        """Return a job's run, None once it has ended."""


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: bytes
    query: Mapping[str, list[str]]
    cookies: Mapping[str, str] = field(default_factory=dict)

    def argument(self, name: str) -> str:
        return next(iter(self.query.get(name, ())), "")


class Portal:
    """Answers the requests to all portals' names."""

    def __init__(self, context: ServiceContext, jobs: LabelingJobs) -> None:
        self._context, self._jobs = context, jobs
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

        return Environment(autoescape=True, loader=FileSystemLoader(_FOLDER / "pages"))

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Response:
        """Answer one request."""
        lowered = {name.lower(): value for name, value in headers.items()}
        cookies = {name: morsel.value for name, morsel in SimpleCookie(lowered.get("cookie", "")).items()}
        host = lowered.get("host", "").partition(":")[0]
        request = _Request(method, path, body, query, cookies)
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
            content = (_FOLDER / request.path.lstrip("/")).read_bytes()
            return HTTPStatus.OK, {"Content-Type": _ASSETS[request.path]}, content
        if request.path == CALLBACK:
            return self._come_back(workforce, request)
        if not _PAGES.match(request.path):  # such as the icon, which no browser signs in for
            return self._message(HTTPStatus.NOT_FOUND, "Not Found")
        session = self._sign_in.session(workforce, request.cookies.get(_SESSION, ""))
        return self._answer_worker(workforce, session, request) if session else self._ask_to_sign_in(workforce, request)

    def _ask_to_sign_in(self, workforce: Record, request: _Request) -> Response:
        if request.method != "GET":
            return _refusal(HTTPStatus.UNAUTHORIZED, "You are signed out: sign in again, your answer was not taken.")
        location, state = self._sign_in.begin(workforce)
        return _redirect(location, _cookie(_STATE, state))

    def _answer_worker(self, workforce: Record, session: Session, request: _Request) -> Response:
        if request.method == "POST" and request.path == "/sign-out":
            self._sign_in.end(workforce, request.cookies[_SESSION])
            return _redirect("/", _cookie(_SESSION, "", seconds=0))
        if request.method == "GET" and request.path == "/":
            return self._show_jobs(workforce, session)
        if request.method == "GET" and (found := _JOB.fullmatch(request.path)):
            return self._show_task(workforce, session, found[1])
        if request.method == "POST" and (found := _TASK.fullmatch(request.path)):
            return self._take_answer(workforce, session, found[1], int(found[2]), request.body)
        return self._message(HTTPStatus.NOT_FOUND, "Not Found")

    def _workforce(self, host: str) -> Record | None:
        every = (record for record in self._context.store.every() if record.resource_type.name == "Workforce")
        return next((record for record in every if record.members.get("SubDomain") == host), None)

    def _come_back(self, workforce: Record, request: _Request) -> Response:
        brought = request.cookies.get(_STATE, "")
        try:
            cookie = self._sign_in.finish(
                workforce, code=request.argument("code"), state=request.argument("state"), brought=brought
            )
        except SignInError as error:
            return self._message(HTTPStatus.BAD_REQUEST, str(error))
        return _redirect("/", _cookie(_SESSION, cookie))

    def _open_jobs(self, workforce: Record, session: Session) -> dict[str, tuple[Record, LabelingRun]]:
        """Return the jobs that a worker's teams have before them, by their codes."""
        scope = {"account": workforce.account, "region": workforce.region}
        teams = {
            team.arn
            for team in self._context.store.all("Workteam", **scope)
            if any(
                one["CognitoMemberDefinition"]["UserGroup"] in session.groups
                for one in team.members["MemberDefinitions"]
            )
        }
        return {
            record.members["JobReferenceCode"]: (record, run)
            for record in self._context.store.all("LabelingJob", **scope)
            if record.members["WorkteamArn"] in teams and (run := self._jobs.labeling_run(record))
        }

    def _show_jobs(self, workforce: Record, session: Session) -> Response:
        jobs = [
            {
                "code": code,
                "title": record.members["HumanTaskConfig"]["TaskTitle"],
                "description": record.members["HumanTaskConfig"]["TaskDescription"],
                "made": f"{record.members['CreationTime']:%Y-%m-%d %H:%M}",
                "left": batch.pending(),
            }
            for code, (record, run) in self._open_jobs(workforce, session).items()
            if (batch := run.batch) and batch.pending()
        ]
        return self._page("jobs.html", worker=session.worker.name, jobs=jobs)

    def _show_task(self, workforce: Record, session: Session, code: str) -> Response:
        found = self._open_jobs(workforce, session).get(code)
        batch = found[1].batch if found else None
        task = batch.accept(session.worker) if batch else None
        if found is None or batch is None or task is None:
            return _redirect("/")
        record, run = found
        try:
            rendered = run.renderer.render(run.template, task.input)
        except TemplateError as error:
            return self._message(HTTPStatus.INTERNAL_SERVER_ERROR, f"The job's template can't show this task: {error}")
        human = record.members["HumanTaskConfig"]
        return self._page(
            "task.html",
            worker=session.worker.name,
            title=human["TaskTitle"],
            description=human["TaskDescription"],
            left=batch.pending(),
            answer=f"/jobs/{code}/tasks/{task.number}",
            task=Markup(rendered),  # noqa: S704 - the template escapes values
        )

    def _take_answer(self, workforce: Record, session: Session, code: str, number: int, body: bytes) -> Response:
        content = _content(body)
        if content is None:
            return _refusal(HTTPStatus.BAD_REQUEST, "An answer is a JSON object of what each element of the form says.")
        found = self._open_jobs(workforce, session).get(code)
        batch = found[1].batch if found else None
        if batch is None:
            return _refusal(HTTPStatus.CONFLICT, _OVER)
        try:
            batch.submit(session.worker, number, content)
        except LookupError:
            return _refusal(HTTPStatus.CONFLICT, _OVER)
        except StateError as error:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return HTTPStatus.OK, {"Content-Type": _JSON}, json.dumps({"next": f"/jobs/{code}"}).encode()

    def _page(self, name: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        content = self._pages.get_template(name).render(**values)
        return status, {"Content-Type": _HTML}, content.encode()

    def _message(self, status: HTTPStatus, message: str) -> Response:
        return self._page("message.html", status, message=message)


def _may_come(workforce: Record) -> bool:
    """Return whether a workforce lets this machine's own address in, where all workers are."""
    ranges = workforce.members.get("SourceIpConfig", {}).get("Cidrs", ())
    return not ranges or any(_ADDRESS in ip_network(each.strip(), strict=False) for each in ranges)


def _content(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body) if len(body) <= _LONGEST_ANSWER else None
    except ValueError:
        return None
    return found if isinstance(found, dict) and found else None


def _cookie(name: str, value: str, *, seconds: int | None = None) -> str:
    age = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}"


def _redirect(location: str, cookie: str = "") -> Response:
    return HTTPStatus.FOUND, {"Location": location, **({"Set-Cookie": cookie} if cookie else {})}, b""


def _refusal(status: HTTPStatus, message: str) -> Response:
    return status, {"Content-Type": _JSON}, json.dumps({"message": message}).encode()
