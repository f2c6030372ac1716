"""Whose lab it is, by the identity that deploys it."""

from __future__ import annotations

import pytest

from cli.aws import owner
from infra import settings


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::123456789012:root", "root"),
        ("arn:aws:iam::123456789012:user/ana", "ana"),
        ("arn:aws-cn:iam::123456789012:user/teachers/physics/ana", "ana"),
        ("arn:aws:sts::123456789012:assumed-role/Deployer/1732441200000", "Deployer"),
        ("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0a1b2c3d/ana@example.org", "ana@example.org"),
        ("arn:aws:sts::123456789012:federated-user/ana", "ana"),
        ("arn:aws:iam::123456789012:user/ana,lab", "ana-lab"),
    ],
)
def test_a_callers_name_is_a_person_or_a_role_and_fits_a_tag(arn: str, name: str) -> None:
    """Users, roles, Identity Center's sessions and root have a name that the setting lab.owner takes as well."""
    assert owner.caller_name(arn) == name
    assert settings.read({"lab.owner": name}).owner == name
