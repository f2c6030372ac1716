"""What is looked at before a deployment, on an embedded AWS in which stacks and parameters stand in its way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths
from cli.aws.session import Session, Target
from cli.checks import account
from cli.checks.account import check_bootstrap, check_containers, check_region
from cli.checks.existing import check_stacks
from cli.checks.result import CheckResult, Deployment, State
from cli.checks.spending import check_budget_tag, check_lease
from cli.commands import preflight
from cli.programs import tool_environment
from cli.ui.errors import LabError
from embedded_aws import gateway
from infra import regions, settings
from teardown.stacks import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Wire
    from tests.conftest import Lab

PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
TEMPLATE = json.dumps({"Resources": {"Name": PARAMETER}})


@pytest.fixture(scope="module")
def session(lab: Lab) -> Iterator[Session]:
    """The embedded AWS of the module's lab."""
    home = lab.home / "aws"
    started = gateway.start(home, cache=paths.cache(), environment=tool_environment(), port=0)
    yield Session(Target.EMBEDDED, started.environment(), gateway.ACCOUNT, gateway.REGION)
    gateway.stop(home)


@pytest.fixture
def stack(session: Session) -> Iterator[Callable[..., None]]:
    """Makes a stack of one parameter, with tags; it is gone after the test."""
    cloudformation, made = session.client("cloudformation"), []

    def make(stack_name: str, **tags: str) -> None:
        made.append(stack_name)
        listed = [{"Key": f"bricklab:{key}", "Value": value} for key, value in tags.items()]
        cloudformation.create_stack(StackName=stack_name, TemplateBody=TEMPLATE, Tags=listed)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack_name, WaiterConfig={"Delay": 1})

    yield make
    for stack_name in made:
        cloudformation.delete_stack(StackName=stack_name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack_name, WaiterConfig={"Delay": 1})


def found(session: Session, **lab: Any) -> dict[str, list[CheckResult]]:
    """All results by subject."""
    results = preflight.run_checks(session, settings.read({"lab": lab}))
    return {each.subject: [other for other in results if other.subject == each.subject] for each in results}


def only(check: Any, session: Session, *stacks: Stack, **lab: Any) -> CheckResult:
    """The one result of a check."""
    [result] = check(Deployment(session, settings.read({"lab": lab}), stacks))
    return result  # type: ignore[no-any-return]


def test_a_fresh_account_is_ready(session: Session) -> None:
    """Nothing stops the lab of the repository: containers, quotas and a name are there."""
    results = found(session)
    assert not [result for each in results.values() for result in each if result.stops]
    assert results.keys() == {
        "account",
        "region",
        "containers",
        "quotas",
        "bootstrap",
        "name",
        "stacks",
        "lease",
        "price",
        "budget",
    }
    assert "account 000000000000, region us-east-1, as root" in results["account"][0].text


def test_a_registry_without_an_image_is_no_place(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names what the registry has not got, and where."""
    monkeypatch.setattr(account, "TRAINING", ("tensorflow-training", "0.1-none"))
    old = only(check_containers, session)
    assert (old.state, "has no tensorflow-training:0.1-none in us-east-1" in old.text) == (State.WRONG, True)
    monkeypatch.setattr(account, "TRAINING", ("tensorflow-nothing", "1.0"))
    assert only(check_containers, session).state is State.WRONG


def test_a_region_that_is_not_accepted_is_said_once(session: Session) -> None:
    """One sentence of the check of the region; that of the containers has no registry to ask."""
    away = replace(session, region="me-central-1")
    refused = only(check_region, away)
    assert (refused.state, refused.text) == (State.WRONG, regions.refusal("me-central-1"))
    assert not list(check_containers(Deployment(away, settings.read({}), [])))


def test_a_region_without_budgets_has_a_lab_without_one(session: Session) -> None:
    """It is said, and stops nothing; who wants no budget is not told, and the budget's tag is not asked about."""
    away = replace(session, region="eu-north-1")
    hint = only(check_region, away, budget=70)
    assert (hint.state, hint.stops) == (State.HINT, False)
    assert "no AWS::Budgets::Budget in eu-north-1" in hint.text
    assert "70 USD" in hint.text
    assert only(check_region, away, budget=0).state is State.OK
    assert only(check_region, session).state is State.OK
    assert not list(check_budget_tag(Deployment(away, settings.read({}), [])))


def test_the_bootstrap_is_there_new_enough_or_to_be_made(session: Session) -> None:
    """Absent is well, for `up` makes it; what is too old is named with the command that renews it."""
    elsewhere = replace(session, region="eu-west-2")
    assert only(check_bootstrap, elsewhere).state is State.OK
    parameter = {"Name": account.BOOTSTRAP_PARAMETER, "Type": "String", "Overwrite": True}
    ssm = elsewhere.client("ssm")
    ssm.put_parameter(**parameter, Value="5")
    old = only(check_bootstrap, elsewhere)
    assert (old.state, "cdk bootstrap aws://000000000000/eu-west-2" in old.text) == (State.WRONG, True)
    ssm.put_parameter(**parameter, Value="6")
    assert only(check_bootstrap, elsewhere).state is State.OK


def test_a_name_that_something_else_has_is_taken(session: Session, stack: Callable[..., None]) -> None:
    """A stack of that name without the lab's tag is not the lab's."""
    stack("taken-storage")
    [result] = found(session, name="taken")["name"]
    assert result.state is State.WRONG
    assert "taken-storage is there and belongs to something else: choose another lab.name" in result.text


@pytest.mark.parametrize(("ours", "theirs"), [("brick", "brick-two"), ("brick-two", "brick")])
def test_two_labs_whose_names_begin_alike_take_each_others_things(
    session: Session, stack: Callable[..., None], ours: str, theirs: str
) -> None:
    """Either way round; a name that only begins with the same letters is another one."""
    stack(f"{theirs}-storage", lab=theirs)
    [result] = found(session, name=ours)["name"]
    assert result.state is State.WRONG
    assert "brick-two begins with brick-" in result.text
    assert found(session, name="bricks")["name"][0].state is State.OK


def test_another_owners_lab_is_theirs_unless_forced(session: Session, stack: Callable[..., None]) -> None:
    """The tag on its stacks says whose it is; the setting lab.owner says who we are."""
    stack("shared-storage", lab="shared", owner="ana")
    [result] = found(session, name="shared")["name"]
    assert result.state is State.RISKY
    assert "lab.name shared is in use by the lab of ana, and you are root" in result.text
    assert found(session, name="shared", owner="ana")["name"][0].state is State.OK


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        ("UPDATE_COMPLETE", State.OK, "1 stands"),
        ("UPDATE_IN_PROGRESS", State.HINT, "waits"),
        ("ROLLBACK_COMPLETE", State.HINT, "replaces it"),
        ("UPDATE_ROLLBACK_FAILED", State.WRONG, "continue-update-rollback --stack-name brick-training"),
        ("UPDATE_FAILED", State.WRONG, "rollback-stack --stack-name brick-training"),
        ("CREATE_FAILED", State.WRONG, "`./lab down`"),
        ("DELETE_FAILED", State.WRONG, "`./lab down`"),
    ],
)
def test_a_stack_that_takes_no_update_is_named_with_its_way_out(
    session: Session, status: str, state: State, said: str
) -> None:
    """What `up` deals with by itself is a hint; the rest stops it."""
    result = only(check_stacks, session, _stack("brick-training", status), name="brick")
    assert result.state is state
    assert said in result.text


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_a_broken_seat_stops_nobody_else(session: Session, status: str) -> None:
    """`up` goes on without it, or makes it anew."""
    broken = _stack("brick-seat-ada", status, **{"bricklab:seat": "ada"})
    assert only(check_stacks, session, broken, name="brick").state is State.HINT


def test_a_lease_has_to_be_long_enough(session: Session) -> None:
    """One that is over is refused; one that ends before a training may have ended can be forced."""
    ahead = (datetime.now(UTC) + timedelta(hours=2)).isoformat(timespec="minutes")
    assert only(check_lease, session).state is State.HINT
    assert only(check_lease, session, lease="8h").state is State.OK
    assert only(check_lease, session, lease=ahead).state is State.OK
    short = only(check_lease, session, lease="20m")
    assert (short.state, "may take 30 minutes" in short.text) == (State.RISKY, True)
    over = only(check_lease, session, lease="2024-01-01T00:00Z")
    assert (over.state, "is over" in over.text) == (State.WRONG, True)


def test_the_price_is_that_of_an_hour_and_of_the_lease(session: Session, wire: Wire) -> None:
    """An endpoint and two notebooks, their volumes and the keys; by the table, as here is no price list."""
    del wire  # its empty cache is what is used of it
    [price] = found(session, seats=2, lease="10h", budget=2)["price"]
    assert "0.23 USD an hour" in price.text
    assert "0.46 USD more while every student trains and hosts" in price.text
    assert "2.27 USD until its lease ends" in price.text
    assert "a table for us-east-1" in price.text
    [price] = found(session, seats=0, endpoint_instances="2-5")["price"]
    assert "0.24 USD an hour" in price.text
    assert "0.35 USD more while its endpoint has 5 instances" in price.text
    assert "lasts for 9 hours" in found(session, seats=2, lease="10h", budget=2)["budget"][0].text
    assert "budget" not in found(session, seats=2, lease="10h", budget=3)
    assert (
        "No price is known for ml.m4.xlarge (hosting)"
        in found(session, endpoint_instance_type="ml.m4.xlarge")["price"][0].text
    )


def test_force_goes_past_what_may_be_overridden_and_says_so(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it the refusal names the way on; what is wrong in any case stays in the way."""
    lab = settings.read({"lab": {"lease": "20m"}})
    with pytest.raises(LabError, match=r"lease: .*20m(.|\n)*`./lab up --force` goes on"):
        preflight.before_up(session, lab, force=False)
    preflight.before_up(session, lab, force=True)
    assert "overridden by --force: lease" in capsys.readouterr().out
    with pytest.raises(LabError, match="is over") as refused:
        preflight.before_up(session, settings.read({"lab": {"lease": "2024-01-01T00:00Z"}}), force=True)
    assert "--force" not in str(refused.value)


@pytest.mark.parametrize(
    ("subject", "operation"),
    [("quotas", "ListServiceQuotas"), ("containers", "BatchGetImage"), ("bootstrap", "GetParameter")],
)
def test_what_may_not_be_looked_at_is_said(wire: Wire, subject: str, operation: str) -> None:
    """A service that refuses is a result with its own words, that can be overridden."""
    wire.refused[operation] = "AccessDeniedException"
    [result] = preflight.run_check(subject, Deployment(wire.session(), settings.read({}), []))
    assert result.state is State.RISKY
    assert "could not be looked at" in result.text
    assert f"not {operation}" in result.text


@pytest.mark.parametrize(("active", "hints"), [([], 1), ([{"TagKey": "bricklab:lab", "Status": "Active"}], 0)])
def test_a_tag_that_bills_do_not_know_is_a_hint(wire: Wire, active: list[dict[str, str]], hints: int) -> None:
    """A budget that sees nothing would never warn."""
    wire.answers["ListCostAllocationTags"] = {"CostAllocationTags": active}
    found = preflight.run_check("budget", Deployment(wire.session(), settings.read({}), []))
    assert [result.state for result in found] == [State.HINT] * hints
    assert preflight.run_check("budget", Deployment(wire.session(), settings.read({"lab": {"budget": 0}}), [])) == []


def test_who_may_not_ask_for_tags_hears_nothing_of_them(wire: Wire) -> None:
    """Most users may not: that is no reason to worry them."""
    wire.refused["ListCostAllocationTags"] = "AccessDeniedException"
    assert preflight.run_check("budget", Deployment(wire.session(), settings.read({}), [])) == []


def test_the_command_ends_with_one_line_a_check_or_json(lab: Lab, session: Session) -> None:
    """Exit code 0 when a deployment may begin, 1 when not; `--json` tells a program which is which."""
    del session
    document = json.loads(lab("preflight", "--json"))
    assert document["passed"] is True
    assert {result["state"] for result in document["findings"]} <= {"ok", "hint"}
    assert "✓ containers" in lab("preflight")
    lab("preflight", "-c", "lab.endpoint_instance_type=ml.p4d.24xlarge", code=1)


@pytest.mark.parametrize(
    ("region", "said"), [("", "export AWS_REGION="), ("eu-west-1", "`aws configure` or `aws sso login`")]
)
def test_without_region_or_credentials_the_sentence_says_how_to_set_them(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, region: str, said: str
) -> None:
    """On AWS nothing else can be looked at before they are there."""
    monkeypatch.setitem(lab.environment, "AWS_DEFAULT_REGION", region)
    assert said in lab("preflight", "--target", "aws", code=1)


def test_up_deploys_nothing_that_preflight_refuses(lab: Lab, session: Session) -> None:
    """The quota is named, and no stack was made, the CDK's bootstrap included."""
    said = lab("up", "-c", "lab.endpoint_instance_type=ml.p4d.24xlarge", code=1)
    assert "ml.p4d.24xlarge for endpoint usage: the account has 0, as many new ones; the lab needs 1" in said
    assert session.client("cloudformation").describe_stacks()["Stacks"] == []


def _stack(stack_name: str, status: str, **tags: str) -> Stack:
    """A stack of the lab `brick`, as DescribeStacks answers it."""
    all_tags = {"bricklab:lab": "brick", **tags}
    return Stack(name=stack_name, status=status, reason="", outputs={}, tags=all_tags, created=datetime.now(UTC))
