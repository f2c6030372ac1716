"""Models of services are botocore's own, in its order, however they are read."""

from __future__ import annotations

import boto3
import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from embedded_aws import botocore_models


@pytest.mark.parametrize("service", ["s3", "sagemaker-runtime"])
def test_a_model_is_as_botocore_reads_it(service: str) -> None:
    """Nothing is missing, what botocore adds of its own included, and members stand in the order of the model."""
    theirs, ours = Loader().load_service_model(service, "service-2"), botocore_models.read(service)
    assert ours == theirs
    assert [*ours["shapes"]] == [*theirs["shapes"]]
    assert botocore_models.service_model(service).operation_names == [*theirs["operations"]]


def test_a_service_that_there_is_not_is_named() -> None:
    """As botocore names it."""
    with pytest.raises(UnknownServiceError, match="brickmaker"):
        botocore_models.service_model("brickmaker")


def test_sessions_make_clients_and_resources_of_them() -> None:
    """Also after one that has never heard of boto3's resources."""
    session = botocore.session.get_session()
    session.register_component("data_loader", botocore_models.LOADER)
    assert "sagemaker" in session.get_available_services()
    made = boto3.Session("test", "test", region_name="eu-west-1", botocore_session=session)
    assert made.resource("s3").meta.client.meta.service_model.service_name == "s3"
