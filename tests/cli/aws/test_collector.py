"""The collector asks in its rhythm, only for somebody, slower when AWS says so, and tells what it may not see."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ParamValidationError

from cli.aws.collector import Collector, Reading, Source, explain

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal(code: str, message: str = "", operation: str = "ListEndpoints") -> ClientError:
    """What boto3 raises."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Asked:
    """A source that counts how often it was asked, and answers with what it is told."""

    def __init__(self, answer: Callable[[int], Any]) -> None:
        self.times, self._answer = 0, answer
        self.again = threading.Semaphore(0)

    def __call__(self) -> Any:
        """Answer."""
        self.times += 1
        self.again.release()
        return self._answer(self.times)


def raising(error: Exception) -> Callable[[int], Any]:
    """An answer that is a refusal."""

    def answer(_: int) -> Any:
        raise error

    return answer


def test_nobody_is_asked_for_nobody() -> None:
    """What nobody watches is not asked for; what somebody watches is, again and again."""
    watched, other = Asked(lambda times: times), Asked(lambda times: times)
    with Collector([Source("watched", watched, 0.01), Source("other", other, 0.01)]) as collector:
        with collector.watching("watched"):
            for _ in range(5):
                assert watched.again.acquire(timeout=10)
        assert not other.times
        assert collector.readings()["other"] == Reading()


def test_a_listener_hears_of_what_is_new_only() -> None:
    """The same answer again is no news."""
    heard: list[str] = []
    same, growing = Asked(lambda _: "same"), Asked(lambda times: times)
    sources = [Source("same", same, 0.01), Source("growing", growing, 0.01)]
    with Collector(sources) as collector, collector.listening(heard.append), collector.watching():
        for _ in range(6):
            assert same.again.acquire(timeout=10)
            assert growing.again.acquire(timeout=10)
    assert heard.count("same") == 1
    assert heard.count("growing") > 3


def test_throttling_makes_the_rhythm_slower_and_keeps_what_was_known() -> None:
    """A refusal for too many calls doubles the pause; the last answer stays, with the reason why it is old."""

    def answer(times: int) -> str:
        if times > 1:
            raise refusal("ThrottlingException", "Rate exceeded")
        return "known"

    asked = Asked(answer)
    with Collector([Source("it", asked, 0.02)]) as collector, collector.watching():
        for _ in range(5):
            assert asked.again.acquire(timeout=10)
        # After 20 ms the pauses are 40, 80, 160 ms and so on: the sixth comes no sooner than that.
        assert not asked.again.acquire(timeout=0.1)
        reading = collector.readings()["it"]
    assert reading.value == "known"
    assert "fewer calls" in reading.problem


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            refusal("AccessDeniedException", "User: arn:x is not authorized to perform: sagemaker:ListEndpoints on …"),
            "You lack the right sagemaker:ListEndpoints.",
        ),
        (refusal("AccessDenied", "Access Denied", "ListObjectsV2"), "You lack the right ListObjectsV2."),
        (refusal("UnknownOperationException"), "ListEndpoints is not to be had here."),
        (refusal("ValidationException", "it is wrong"), "AWS refused ListEndpoints: it is wrong"),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS does not answer."),
        (
            refusal("ExpiredTokenException"),
            "AWS does not take your credentials any more (ExpiredTokenException): log in",
        ),
        (NoCredentialsError(), "AWS does not take your credentials any more (Unable to locate credentials): log in"),
        (ParamValidationError(report="Name"), "AWS could not be asked: Parameter validation failed"),
    ],
)
def test_every_refusal_is_a_sentence(error: Any, said: str) -> None:
    """A missing right is named; whatever else AWS says is passed on."""
    with Collector([Source("it", Asked(raising(error)), 60)]) as collector, collector.watching():
        assert collector.wait_for_all(10)
        assert collector.readings()["it"].problem.startswith(said)
    assert explain(error).startswith(said)


def test_one_that_is_not_answered_holds_up_neither_the_others_nor_the_end() -> None:
    """More sources hang than are asked at once: those that answer have been asked, and the end waits for nobody."""
    asked, never = Asked(lambda times: times), threading.Event()
    hanging = [Source(f"hanging {number}", never.wait, 60) for number in range(5)]
    with Collector([*hanging, Source("it", asked, 0.01)]) as collector, collector.watching():
        for _ in range(5):
            assert asked.again.acquire(timeout=10)
    never.set()


def test_a_source_that_is_added_ends_with_its_last_watcher() -> None:
    """Two pages about one job ask once; when both have gone nothing of it is left."""
    asked = Asked(lambda times: times)
    with Collector([]) as collector:
        with collector.adding(Source("job", asked, 60)), collector.adding(Source("job", Asked(raising(OSError())), 60)):
            assert collector.wait_for_all(10)
            assert collector.readings()["job"].value == 1
        assert "job" not in collector.readings()
