"""hosting.ipynb, executed from top to bottom on a seat's notebook instance in the embedded AWS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.notebooks.cells import printed, shows_a_picture

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from tests.notebooks.conftest import Student

# Fewer than a student's, and enough to tell bricks apart.
HOSTING = {"EPOCHS": 3, "WAIT": 100}


@pytest.fixture(scope="module")
def hosting(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_on_seat("hosting.ipynb", twice={"data", "clean-up"}, numbers=HOSTING)


def test_a_canary_brings_the_new_model(hosting: dict[str, NotebookNode]) -> None:
    """Both models answer for a while, nothing fails, and then the new one has all."""
    told = printed(hosting["canary"])
    assert "canary capacity of 1 instance(s)" in told
    [new, all_of_them, errors] = map(int, re.findall(r"(\d+) (?:of|answers|were)", told))
    assert 0 < new < all_of_them
    assert errors == 0
    assert shows_a_picture(hosting["canary"])


def test_a_broken_model_is_rolled_back(hosting: dict[str, NotebookNode]) -> None:
    """The alarm goes off; the model before serves on."""
    assert "AutoRollbackConfiguration" in printed(hosting["broken"])
    serves, known = re.findall(r"model that answers: (\w+) \((\w+)\)", printed(hosting["rolled-back"]))[0]
    assert serves == known


def test_requests_are_shared_by_weight(hosting: dict[str, NotebookNode]) -> None:
    """About nine in ten to the one, then about half."""
    shares = [int(each) for each in re.findall(r"careful: (\d+)%", printed(hosting["variants"]))]
    assert 80 <= shares[0] <= 97
    [half] = map(int, re.findall(r"careful: (\d+)%", printed(hosting["weights"])))
    assert 35 <= half <= 65
    assert re.findall(r"careful: (\d)", printed(hosting["by-hand"])) == ["2", "1"]


def test_no_machine_waits(hosting: dict[str, NotebookNode]) -> None:
    """The first answer of a serverless endpoint takes longer than the second; a queue answers a whole file."""
    cold, warm = map(float, re.findall(r"([\d.]+) s,", printed(hosting["serverless"])))
    assert cold > warm
    [(right, images)] = re.findall(r"(\d+) of (\d+) test images", printed(hosting["async"]))
    assert int(right) > 0.8 * int(images)


def test_a_lab_without_a_rest_api_has_none_to_show(hosting: dict[str, NotebookNode]) -> None:
    """The chapter says so, and the notebook goes on."""
    assert printed(hosting["rest"]) == "The lab has no REST API, or nobody has told you of it.\n"


def test_a_lab_without_a_function_has_none_to_show(hosting: dict[str, NotebookNode]) -> None:
    """As with the API."""
    assert printed(hosting["function"]) == "The lab has no function, or nobody has told you of it.\n"


def test_all_forms_of_the_network_agree(hosting: dict[str, NotebookNode]) -> None:
    """The table has every way, and what the training has measured for it."""
    told = re.findall(r"^(\S+) +\S+ +differs by (\S+) at most$", printed(hosting["edge"]), re.MULTILINE)
    assert [way for way, _ in told] == ["endpoint", "rest", "lambda", "edge", "web", "c++"]
    assert all(float(difference) <= 1e-5 for _, difference in told)


def test_no_endpoint_is_left(student: Student, hosting: dict[str, NotebookNode]) -> None:
    """After the last cell the seat has no endpoint, model or alarm."""
    assert printed(hosting["clean-up"]).splitlines()[-1] == "endpoints: none left, models: none left"
    assert not student.client("cloudwatch").describe_alarms(AlarmNamePrefix=student.prefix)["MetricAlarms"]
