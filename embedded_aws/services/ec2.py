"""CloudFormation's types of EC2 that networks have and ministack lacks, on the EC2 of the embedded AWS.

Addresses, NAT gateways, flow logs, and rules of security groups that stand by themselves: with ministack's own types
(VPC, subnets, route tables, internet gateways, endpoints) that is what the CDK's `ec2.Vpc` makes. Sources: the types'
pages in CloudFormation's template reference, for Ref, Fn::GetAtt and what is replaced; botocore's model of EC2. They
are records: nothing is routed, no traffic is logged. A property that is not listed is refused by name.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from embedded_aws.services.cloudformation_types import ProvisioningError, ResourceProvider, api_error, typed_members
from embedded_aws.services.root_clients import RootClients

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.services.cloudformation_types import Answer, Properties

    Caller = Callable[[], tuple[str, str]]

_RULE = (
    "GroupId",
    "IpProtocol",
    "FromPort",
    "ToPort",
    "CidrIp",
    "CidrIpv6",
    "Description",
)


@dataclass(frozen=True, kw_only=True)
class _Type:
    """A type: `create` and `delete` ask EC2, `exists` says whether it is there. They are given a client and properties.

    `create` returns the physical id, `attributes` what Fn::GetAtt gives, `tagged` the id that bears the tags, if the
    type has any.
    """

    properties: tuple[str, ...]
    required: tuple[str, ...]
    create: Callable[[Any, dict[str, Any]], str]
    attributes: Callable[[Any, str], dict[str, str]]
    delete: Callable[[Any, str, Properties], object]
    exists: Callable[[Any, str], bool]
    tagged: Callable[[Any, str], str] | None = None


class NetworkTypes:
    """The types, for every account and region. `caller` returns those of the stack at hand."""

    def __init__(self, endpoint_url: str, caller: Caller) -> None:
        self._caller = caller
        self._client = functools.partial(RootClients(endpoint_url).client, "ec2")

    def resource_providers(self) -> dict[str, ResourceProvider]:
        """Return the types by name. They ask over the port: not to be run on the event loop."""
        return {name: self._resource_provider(one) for name, one in _TYPES.items()}

    def _resource_provider(self, one: _Type) -> ResourceProvider:
        def create(logical_id: str, properties: Properties, stack_name: str) -> Answer:
            del logical_id, stack_name
            client = self._client(*self._caller())
            given = _request_of(one, properties)
            name = str(_call(lambda: one.create(client, given)))
            if one.tagged and properties.get("Tags"):
                resource = one.tagged(client, name)
                _call(lambda: client.create_tags(Resources=[resource], Tags=properties["Tags"]))
            return name, one.attributes(client, name)

        def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
            """Only tags can change: the rest is replaced."""
            del stack_name
            client = self._client(*self._caller())
            if one.tagged:
                resource = one.tagged(client, physical_id)
                before, after = (_tags(properties) for properties in (old, new))
                if gone := [{"Key": key} for key in before.keys() - after.keys()]:
                    _call(lambda: client.delete_tags(Resources=[resource], Tags=gone))
                if after:
                    tags = [{"Key": key, "Value": value} for key, value in after.items()]
                    _call(lambda: client.create_tags(Resources=[resource], Tags=tags))
            return physical_id, one.attributes(client, physical_id)

        def delete(physical_id: str, properties: Properties) -> None:
            client = self._client(*self._caller())
            if one.exists(client, physical_id):
                _call(lambda: one.delete(client, physical_id, properties))

        return ResourceProvider(
            create=create,
            update=update,
            delete=delete,
            replacing=one.properties,
            tags="Tags" if one.tagged else "",
            waits=True,
        )


def _request_of(one: _Type, properties: Properties) -> dict[str, Any]:
    """Return the properties but for tags, as the API wants them. Raises ProvisioningError."""
    given = {name: value for name, value in properties.items() if name != "Tags"}
    if refused := sorted(given.keys() - set(one.properties)):
        raise ProvisioningError(f"The embedded AWS does not offer the property {refused[0]}.")
    if missing := [name for name in one.required if name not in given]:
        raise ProvisioningError(f"Properties validation failed: #: required key [{missing[0]}] not found")
    return given


def _call(ask: Callable[[], Any]) -> Any:
    """Call EC2. Raises ProvisioningError with its refusal."""
    try:
        return ask()
    except ClientError as error:
        told = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise api_error("Ec2", status=status, code=told["Code"], message=told["Message"]) from error


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []}


def _typed(client: Any, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given with numbers and booleans as the operation has them, where a template has text."""
    return typed_members(client.meta.service_model.operation_model(operation).input_shape.members, given)


def _allocate_address(client: Any, given: dict[str, Any]) -> str:
    return str(client.allocate_address(Domain=given.get("Domain", "vpc"))["PublicIp"])


def _allocation_id(client: Any, address: str) -> str:
    """Return the allocation id of an address, "" if it is gone."""
    found = client.describe_addresses()["Addresses"]
    return next((str(one["AllocationId"]) for one in found if one["PublicIp"] == address), "")


def _create_nat_gateway(client: Any, given: dict[str, Any]) -> str:
    client.describe_subnets(SubnetIds=[given["SubnetId"]])  # CreateNatGateway here takes any
    known = {one["AllocationId"] for one in client.describe_addresses()["Addresses"]}
    if given.get("ConnectivityType", "public") == "public" and given.get("AllocationId") not in known:
        raise ProvisioningError(
            f"Elastic IP address [{given.get('AllocationId', '')}] not found: a public NAT gateway needs one."
        )
    name = client.create_nat_gateway(**_typed(client, "CreateNatGateway", given))["NatGateway"]["NatGatewayId"]
    client.get_waiter("nat_gateway_available").wait(NatGatewayIds=[name], WaiterConfig={"Delay": 1})
    return str(name)


def _gateway_exists(client: Any, gateway: str) -> bool:
    found = client.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
    return any(one["State"] != "deleted" for one in found)


def _create_flow_log(client: Any, given: dict[str, Any]) -> str:
    request = {name: value for name, value in given.items() if name != "ResourceId"}
    made = client.create_flow_logs(ResourceIds=[given["ResourceId"]], **_typed(client, "CreateFlowLogs", request))
    return str(made["FlowLogIds"][0])


def _rules(direction: str, peers: Mapping[str, str]) -> _Type:
    """Return the type of security groups' rules of one direction.

    `peers` are the properties that name the other group or list, with the member of a permission that the API has for
    each.
    """

    def create(client: Any, given: dict[str, Any]) -> str:
        permission: dict[str, Any] = {
            name: int(given[name]) if name.endswith("Port") else str(given[name])
            for name in ("IpProtocol", "FromPort", "ToPort")
            if name in given
        }
        note = {"Description": given["Description"]} if "Description" in given else {}
        if "CidrIp" in given:
            permission["IpRanges"] = [{"CidrIp": given["CidrIp"], **note}]
        if "CidrIpv6" in given:
            permission["Ipv6Ranges"] = [{"CidrIpv6": given["CidrIpv6"], **note}]
        for name, member in peers.items():
            if name in given:
                permission[member] = [{_PEERS[member]: given[name], **note}]
        ask = getattr(client, f"authorize_security_group_{direction}")
        made = ask(GroupId=given["GroupId"], IpPermissions=[permission])
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def delete(client: Any, rule: str, properties: Properties) -> None:
        ask = getattr(client, f"revoke_security_group_{direction}")
        ask(GroupId=properties["GroupId"], SecurityGroupRuleIds=[rule])

    def exists(client: Any, rule: str) -> bool:
        return bool(client.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"])

    return _Type(
        properties=(*_RULE, *peers),
        required=("GroupId", "IpProtocol"),
        create=create,
        attributes=lambda _, rule: {"Id": rule},
        delete=delete,
        exists=exists,
    )


_PEERS = {"UserIdGroupPairs": "GroupId", "PrefixListIds": "PrefixListId"}
_TYPES = {
    "AWS::EC2::EIP": _Type(
        properties=("Domain",),
        required=(),
        create=_allocate_address,
        attributes=lambda client, address: {"PublicIp": address, "AllocationId": _allocation_id(client, address)},
        delete=lambda client, address, _: client.release_address(AllocationId=_allocation_id(client, address)),
        exists=lambda client, address: bool(_allocation_id(client, address)),
        tagged=_allocation_id,
    ),
    "AWS::EC2::NatGateway": _Type(
        properties=("SubnetId", "AllocationId", "ConnectivityType"),
        required=("SubnetId",),
        create=_create_nat_gateway,
        attributes=lambda _, gateway: {"NatGatewayId": gateway},
        delete=lambda client, gateway, _: client.delete_nat_gateway(NatGatewayId=gateway),
        exists=_gateway_exists,
        tagged=lambda _, gateway: gateway,
    ),
    "AWS::EC2::FlowLog": _Type(
        properties=(
            "ResourceId",
            "ResourceType",
            "TrafficType",
            "LogDestinationType",
            "LogDestination",
            "LogGroupName",
            "LogFormat",
            "DeliverLogsPermissionArn",
            "MaxAggregationInterval",
        ),
        required=("ResourceId", "ResourceType"),
        create=_create_flow_log,
        attributes=lambda _, log: {"Id": log},
        delete=lambda client, log, _: client.delete_flow_logs(FlowLogIds=[log]),
        exists=lambda client, log: bool(client.describe_flow_logs(FlowLogIds=[log])["FlowLogs"]),
        tagged=lambda _, log: log,
    ),
    "AWS::EC2::SecurityGroupIngress": _rules(
        "ingress", {"SourceSecurityGroupId": "UserIdGroupPairs", "SourcePrefixListId": "PrefixListIds"}
    ),
    "AWS::EC2::SecurityGroupEgress": _rules(
        "egress", {"DestinationSecurityGroupId": "UserIdGroupPairs", "DestinationPrefixListId": "PrefixListIds"}
    ),
}
