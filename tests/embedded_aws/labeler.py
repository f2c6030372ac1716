"""Somebody who labels: signs in to a workforce's portal by HTTP, as a browser does, and answers tasks."""

from __future__ import annotations

import http.client
import json
import math
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.embedded_aws.account import until

PASSWORD = "A-pass-word-1"  # noqa: S105 - of people who are none


class UserPool:
    """A user pool with a group of labelers, and the work team of them; `client` makes boto3 clients."""

    def __init__(self, client: Any, team: str, *people: str) -> None:
        cognito, sagemaker = client("cognito-idp"), client("sagemaker")
        self._cognito, self._sagemaker, self._team = cognito, sagemaker, team
        self.id = cognito.create_user_pool(PoolName=team)["UserPool"]["Id"]
        app = cognito.create_user_pool_client(UserPoolId=self.id, ClientName="portal", GenerateSecret=True)
        self.config = {"UserPool": self.id, "ClientId": app["UserPoolClient"]["ClientId"]}
        cognito.create_group(UserPoolId=self.id, GroupName=team)
        for person in people:
            self.add(person, team)
        self.arn = sagemaker.create_workteam(
            WorkteamName=team,
            MemberDefinitions=[{"CognitoMemberDefinition": {**self.config, "UserGroup": team}}],
            Description="They label.",
        )["WorkteamArn"]
        self.portal = sagemaker.describe_workteam(WorkteamName=team)["Workteam"]["SubDomain"]

    def close(self) -> None:
        """Delete the team and its workforce: a region has one."""
        self._sagemaker.delete_workteam(WorkteamName=self._team)
        for workforce in self._sagemaker.list_workforces()["Workforces"]:
            self._sagemaker.delete_workforce(WorkforceName=workforce["WorkforceName"])
        until(lambda: not self._sagemaker.list_workforces()["Workforces"])

    def add(self, person: str, *groups: str) -> None:
        """Make a user of these groups."""
        self._cognito.admin_create_user(UserPoolId=self.id, Username=person, MessageAction="SUPPRESS")
        self._cognito.admin_set_user_password(UserPoolId=self.id, Username=person, Password=PASSWORD, Permanent=True)
        for group in groups:
            self._cognito.admin_add_user_to_group(UserPoolId=self.id, Username=person, GroupName=group)


class Labeler:
    """A person at a portal; `url` is where the embedded AWS answers."""

    def __init__(self, url: str, portal: str, name: str) -> None:
        self._address, self._portal, self.name = urlsplit(url).netloc, portal, name
        self._cookies: dict[str, str] = {}

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "", worker: str = ""
    ) -> tuple[int, dict[str, str], str]:
        """Return status, headers and text of an answer."""
        connection = http.client.HTTPConnection(self._address, timeout=30)
        headers = {"Host": self._portal, "Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        more = {"Content-Type": kind, "Labeling-Worker": worker}
        connection.request(method, path, body, {**headers, **{name: value for name, value in more.items() if value}})
        answer = connection.getresponse()
        text, told = answer.read().decode(), dict(answer.getheaders())
        connection.close()
        lowered = {name.lower(): value for name, value in told.items()}
        if "set-cookie" in lowered:
            name, _, value = lowered["set-cookie"].partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, lowered, text

    def sign_in(self, password: str = PASSWORD) -> str:
        """Go through Cognito's form; return the first page afterwards."""
        _, told, _ = self.ask("GET", "/")
        _, _, form = self.ask("GET", told["location"])
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        fields = {name: value.replace("&amp;", "&") for name, value in fields.items()}
        body = urlencode({**fields, "username": self.name, "password": password}).encode()
        _, told, text = self.ask("POST", "/login", body, "application/x-www-form-urlencoded")
        if "location" not in told:
            return text
        back = urlsplit(told["location"])
        assert (back.scheme, back.netloc) == ("https", self._portal)
        status, _, text = self.ask("GET", f"{back.path}?{back.query}")
        return text if status != http.client.FOUND else self.ask("GET", "/")[2]

    def jobs(self) -> list[str]:
        """Return the codes of the jobs that have something to do."""
        return re.findall(r'href="/jobs/([^"]+)"', self.ask("GET", "/")[2])

    def task(self, code: str) -> tuple[str, str]:
        """Return where the next task's answer goes, and its page; nothing if there is none."""
        status, _, page = self.ask("GET", f"/jobs/{code}")
        found = re.search(r'data-place="([^"]+)"', page)
        return (found[1], page) if status == http.client.OK and found else ("", "")

    def worker(self, code: str) -> str:
        """Return by which ID the portal knows them, as it tells the scripts of a task's page."""
        return self.task(code)[1].partition('data-worker="')[2].partition('"')[0]

    def answer(self, where: str, content: Any, *, worker: str = "") -> int:
        """Answer a task, as the script of a worker's page does; return the status."""
        return self.ask("POST", where, json.dumps(content).encode(), "application/json", worker)[0]

    def release(self, where: str, page: str) -> bool:
        """Release the task of a page; return whether the portal did."""
        since = page.partition('data-since="')[2].partition('"')[0]
        status, _, told = self.ask("POST", f"{where}/release", json.dumps({"since": since}).encode())
        assert status == http.client.OK
        return bool(json.loads(told)["released"])

    def label(self, code: str, choose: Any, *, most: float = math.inf) -> int:
        """Answer all tasks that there are, or so many, by what `choose` says to each page; return how many.

        A batch that is done may be followed by the next at once.
        """
        done = 0
        while done < most and (task := self.task(code))[0]:
            assert self.answer(task[0], {"crowd-image-classifier": {"label": choose(task[1])}}) == http.client.OK
            done += 1
        return done
