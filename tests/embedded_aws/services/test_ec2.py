"""The CDK's VPC, with what tutorials add to it, is deployed, updated and deleted by the embedded AWS."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

from tests.zips import zipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = {"StackName": "network"}
QUICK = {"Delay": 0.2, "MaxAttempts": 200}


def template(s3: Any, **tags: str) -> str:
    """A VPC as the CDK makes it by default, its traffic logged, with a gateway endpoint and a group of its own.

    By default means in an app of `cdk init`: its function closes the VPC's default group.
    """
    import aws_cdk as cdk
    from aws_cdk import aws_ec2 as ec2

    app = cdk.App(context={"@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": True})
    stack = cdk.Stack(app, "Network", env=cdk.Environment(account="000000000000", region="us-east-1"))
    vpc = ec2.Vpc(stack, "Vpc", availability_zones=["us-east-1a", "us-east-1b"])
    vpc.add_flow_log("Log")
    vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc, allow_all_outbound=False)
    other = ec2.SecurityGroup(stack, "Other", vpc=vpc, allow_all_outbound=False)
    group.add_ingress_rule(group, ec2.Port.tcp(2049))
    group.add_egress_rule(other, ec2.Port.tcp_range(8000, 8100))
    for key, value in tags.items():
        cdk.Tags.of(vpc).add(key, value)
    cdk.CfnOutput(stack, "Id", value=vpc.vpc_id)
    assembly = app.synth()
    publish(s3, Path(assembly.directory))
    synthesised = assembly.get_stack_by_name("Network").template
    return json.dumps({key: synthesised[key] for key in ("Resources", "Outputs")})


def publish(s3: Any, assembly: Path) -> None:
    """Put the code of the stack's functions where its template looks for it."""
    for file in json.loads((assembly / "Network.assets.json").read_text())["files"].values():
        if file["source"]["packaging"] == "zip":
            (place,) = file["destinations"].values()
            folder = assembly / file["source"]["path"]
            files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
            s3.create_bucket(Bucket=place["bucketName"])
            s3.put_object(Bucket=place["bucketName"], Key=place["objectKey"], Body=zipped(files))


def kept(ec2_: Any) -> dict[str, set[str]]:
    """All addresses, NAT gateways, flow logs and rules that there are."""
    return {
        "addresses": {one["AllocationId"] for one in ec2_.describe_addresses()["Addresses"]},
        "gateways": {
            one["NatGatewayId"] for one in ec2_.describe_nat_gateways()["NatGateways"] if one["State"] != "deleted"
        },
        "logs": {one["FlowLogId"] for one in ec2_.describe_flow_logs()["FlowLogs"]},
        "rules": {one["SecurityGroupRuleId"] for one in ec2_.describe_security_group_rules()["SecurityGroupRules"]},
    }


@pytest.fixture
def services(client: Callable[[str], Any]) -> Iterator[tuple[Any, Any]]:
    """CloudFormation and EC2; the stack is gone afterwards, with all that was in it."""
    cloudformation, networks = client("cloudformation"), client("ec2")
    before = kept(networks)
    yield cloudformation, networks
    cloudformation.delete_stack(**NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig=QUICK)
    assert kept(networks) == before


def test_the_cdks_vpc(services: tuple[Any, Any], client: Callable[[str], Any]) -> None:
    """Each private subnet goes out by a NAT gateway with an address; tags change in place."""
    cloudformation, networks = services
    before, s3 = kept(networks), client("s3")
    cloudformation.create_stack(
        **NAME,
        TemplateBody=template(s3, team="a"),
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": "lab", "Value": "one"}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    vpc = cloudformation.describe_stacks(**NAME)["Stacks"][0]["Outputs"][0]["OutputValue"]
    made = {kind: found - before[kind] for kind, found in kept(networks).items()}
    assert (len(made["addresses"]), len(made["gateways"]), len(made["logs"])) == (2, 2, 1)
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    tables = networks.describe_route_tables(Filters=here)["RouteTables"]
    routes = [route for table in tables for route in table["Routes"]]
    assert {route["NatGatewayId"] for route in routes if route.get("NatGatewayId")} == made["gateways"]
    groups = networks.describe_security_groups(Filters=here)["SecurityGroups"]
    permissions = [permission for group in groups for permission in group["IpPermissions"]]
    assert [one["FromPort"] for one in permissions if one.get("FromPort") == 2049] == [2049]

    default = next(group for group in groups if group["GroupName"] == "default")
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])

    def tags() -> list[dict[str, str]]:
        gateways = networks.describe_nat_gateways(NatGatewayIds=[*made["gateways"]])["NatGateways"]
        return [{tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in gateways]

    assert all((one["team"], one["lab"]) == ("a", "one") for one in tags())
    cloudformation.update_stack(**NAME, TemplateBody=template(s3, course="b"), Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_update_complete").wait(**NAME, WaiterConfig=QUICK)
    assert all(one["course"] == "b" and "team" not in one for one in tags())
    assert kept(networks)["gateways"] - before["gateways"] == made["gateways"]


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("NatGateway", {"SubnetId": "subnet-none", "AllocationId": "eipalloc-none"}, "InvalidSubnetID.NotFound"),
        ("EIP", {"Domain": "vpc", "PublicIpv4Pool": "own"}, "does not offer the property PublicIpv4Pool"),
        ("FlowLog", {"ResourceType": "VPC"}, r"required key \[ResourceId\] not found"),
    ],
)
def test_what_cannot_be_made(services: tuple[Any, Any], kind: str, properties: dict[str, str], reason: str) -> None:
    """It fails its stack with a reason that names it, and leaves nothing."""
    cloudformation, _ = services
    resource = {"Type": f"AWS::EC2::{kind}", "Properties": properties}
    cloudformation.create_stack(**NAME, TemplateBody=json.dumps({"Resources": {"One": resource}}))
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    events = cloudformation.describe_stack_events(**NAME)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events if event["LogicalResourceId"] == "One"]
    assert any(re.search(reason, one) for one in reasons), reasons
