"""Addresses in S3, in every form that SageMaker's `(https|s3)` patterns let through, are bucket and key."""

from __future__ import annotations

import pytest

from embedded_aws.runtime import s3_uris


@pytest.mark.parametrize(
    "address",
    [
        "s3://lab-data/models/a b.gz",
        "https://lab-data.s3.amazonaws.com/models/a%20b.gz",
        "https://lab-data.s3.eu-central-1.amazonaws.com/models/a%20b.gz",
        "https://lab-data.s3-eu-west-1.amazonaws.com/models/a%20b.gz",
        "https://lab-data.s3.dualstack.us-gov-west-1.amazonaws.com/models/a%20b.gz",
        "https://lab-data.s3-fips.us-east-1.amazonaws.com/models/a%20b.gz",
        "https://lab-data.s3.cn-north-1.amazonaws.com.cn/models/a%20b.gz",
        "https://s3.amazonaws.com/lab-data/models/a%20b.gz",
        "https://s3.ap-southeast-7.amazonaws.com/lab-data/models/a%20b.gz",
        "https://s3.dualstack.eu-west-1.amazonaws.com/lab-data/models/a%20b.gz",
    ],
)
def test_every_form_leads_to_the_same_place(address: str) -> None:
    """Virtual host or path, with a region or without, dual-stack, by FIPS: one place."""
    assert s3_uris.split(address) == ("lab-data", "models/a b.gz")
    assert s3_uris.plain(address) == "s3://lab-data/models/a b.gz"


def test_a_bucket_with_dots_and_a_whole_bucket() -> None:
    """Dots belong to the bucket's name; no key is the whole bucket."""
    assert s3_uris.split("https://lab.data.s3.us-east-1.amazonaws.com/k") == ("lab.data", "k")
    for whole in ("s3://lab", "s3://lab/", "https://lab.s3.amazonaws.com", "https://s3.amazonaws.com/lab/"):
        assert s3_uris.split(whole) == ("lab", "")


@pytest.mark.parametrize("address", ["https://example.com/k", "https://s3.amazonaws.com/", "https://s3.evil.com/b/k"])
def test_what_is_elsewhere(address: str) -> None:
    """Another host is no place in S3; the sentence shows the forms that are."""
    with pytest.raises(ValueError, match=r"is no place in S3, which is s3://BUCKET/KEY, "):
        s3_uris.split(address)
