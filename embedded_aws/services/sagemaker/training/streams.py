"""What a channel in Pipe mode brings: objects one after another, or the attributes of an augmented manifest's lines.

Source: SageMaker's guide, "Augmented Manifest Files for Training Jobs": lines are streamed in their order, of each the
attributes in the order of AttributeNames; one whose name ends with -ref is the object at that address, another its
string representation, a number 1 as `1`; with RecordWrapperType RecordIO each of them is a record.
Not compared with AWS: that a string comes without its quotes, an object or a list as JSON; the sentences on a line that
is none, that lacks an attribute, or whose object is not there; that such a line fails the job before it trains.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import pipes, s3_objects
from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.failure import FailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.job_inputs import Shard

AUGMENTED = "AugmentedManifestFile"
FAILURE = "ClientError: Data download failed:"
_REFERENCE = "-ref"
_ADDRESS = "s3://"


def records(s3: Any, channel: Mapping[str, Any], *, role: Role, shard: Shard) -> Callable[[], Iterable[bytes]]:
    """Return what makes an epoch's stream of a channel. Raises FailedError if its data can't be."""
    source = channel["DataSource"]["S3DataSource"]
    contents: Callable[[], Iterable[bytes]]
    if source["S3DataType"] == AUGMENTED:
        contents = partial(_attributes, s3, _mine(_lines(s3, source, role), source, shard))
    else:
        found = job_inputs.find(s3, source, role=role, failure=FAILURE)
        contents = partial(_objects, s3, _mine(found.values(), source, shard))
    return (lambda: pipes.wrapped(contents())) if channel.get("RecordWrapperType") == "RecordIO" else contents


def _mine(found: Iterable[Any], source: Mapping[str, Any], shard: Shard) -> Sequence[Any]:
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    return [*(islice(found, shard.number, None, shard.of) if sharded else found)]


def _lines(s3: Any, source: Mapping[str, Any], role: Role) -> Iterator[list[tuple[str, Any]]]:
    """Yield the attributes that are asked for of each line, by name."""
    uri = source["S3Uri"]
    try:
        content = s3_objects.read(s3, uri).decode()
    except (ClientError, BotoCoreError, UnicodeDecodeError) as error:
        raise FailedError(f"{FAILURE}{job_inputs.no_objects(uri, role)} Error message from S3: {error}") from error
    for number, line in enumerate(content.splitlines(), 1):
        try:
            document = json.loads(line)
            attributes = [(name, document[name]) for name in source["AttributeNames"]]
        except (ValueError, TypeError) as error:
            raise FailedError(f"{FAILURE}line {number} of {uri} is no JSON object.") from error
        except KeyError as error:
            raise FailedError(f"{FAILURE}line {number} of {uri} has no attribute {error}.") from error
        for name, value in attributes:
            if name.endswith(_REFERENCE) and not (isinstance(value, str) and value.startswith(_ADDRESS)):
                raise FailedError(f"{FAILURE}line {number} of {uri}: {name} is {value!r}, which is no S3 URI.")
        yield attributes


def _objects(s3: Any, uris: Iterable[str]) -> Iterator[bytes]:
    return (s3_objects.read(s3, uri) for uri in uris)


def _attributes(s3: Any, lines: Sequence[Sequence[tuple[str, Any]]]) -> Iterator[bytes]:
    for attributes in lines:
        for name, value in attributes:
            if name.endswith(_REFERENCE):
                yield s3_objects.read(s3, value)
            else:
                yield (value if isinstance(value, str) else json.dumps(value)).encode()
