"""What an endpoint's configuration asks for in each hosting: instances, none, or instances behind a queue in S3.

Sources: SageMaker's guide, "Serverless Inference" ("Feature exclusions": data capture and keys among them) and
"Asynchronous Inference" ("Complete the prerequisites" for the role's actions). Not compared with AWS: whether an
asynchronous endpoint takes a data capture; it gets none, for its requests and answers lie in the bucket anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns

from infra.constructs import statements
from infra.constructs.findings import wildcard
from infra.settings import has_local_storage, virtual_cpus
from teardown import names

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from infra.constructs.statements import Statement
    from infra.settings import Settings

VARIANT = "AllTraffic"
ASYNC_INPUT, ASYNC_OUTPUT, ASYNC_FAILURE = "async/input/", "async/output/", "async/failure/"

_Config = sagemaker.CfnEndpointConfig


class Hosting:
    """One hosting: its variant, the rest of the configuration, and what the endpoint's role needs for it."""

    def __init__(self, settings: Settings, *, bucket: s3.IBucket, key: kms.IKey) -> None:
        self._settings, self._bucket, self._key = settings, bucket, key

    @property
    def workers(self) -> int:
        """Return how many processes run inference.py; the container's default is one, whatever the instance has."""
        return virtual_cpus(self._settings.endpoint_instance_type)

    def variant(self, model_name: str) -> _Config.ProductionVariantProperty:
        """Return the one variant."""
        return _Config.ProductionVariantProperty(
            initial_instance_count=self._settings.endpoint_instances.least,
            initial_variant_weight=1,
            instance_type=self._settings.endpoint_instance_type,
            model_name=model_name,
            variant_name=VARIANT,
        )

    def members(self) -> dict[str, Any]:
        """Return the configuration's other members."""
        return {"data_capture_config": self._capture(), **self._volume_key()}

    def statements(self) -> list[Statement]:
        """Return what the role may do besides reading the model and writing its log."""
        return [statements.on_objects(self._bucket.bucket_arn, actions=["s3:PutObject"], prefixes=["capture/"])]

    def wildcards(self) -> dict[str, str]:
        """Return the findings about `statements`, each with its reason."""
        return {wildcard("…/capture/*"): "SageMaker makes the names of what it captures."}

    def _capture(self) -> _Config.DataCaptureConfigProperty:
        """Capture requests and answers to capture/. JSON is kept as it is; all else (arrays, pictures) in base64."""
        percentage = self._settings.capture_percentage
        return _Config.DataCaptureConfigProperty(
            capture_content_type_header=_Config.CaptureContentTypeHeaderProperty(
                json_content_types=["application/json"]
            ),
            capture_options=[
                _Config.CaptureOptionProperty(capture_mode="Input"),
                _Config.CaptureOptionProperty(capture_mode="Output"),
            ],
            destination_s3_uri=f"s3://{self._bucket.bucket_name}/capture",
            enable_capture=percentage > 0,
            initial_sampling_percentage=percentage,
            kms_key_id=self._key.key_arn,
        )

    def _volume_key(self) -> dict[str, Any]:
        local = has_local_storage(self._settings.endpoint_instance_type)
        return {} if local else {"kms_key_id": self._key.key_arn}


class ServerlessHosting(Hosting):
    """No instance: memory, and how many requests at once; nothing is captured, and no volume has a key."""

    @property
    def workers(self) -> int:
        """Return one, as the guide recommends ("Container support")."""
        return 1

    def variant(self, model_name: str) -> _Config.ProductionVariantProperty:
        """Return the one variant."""
        return _Config.ProductionVariantProperty(
            initial_variant_weight=1,
            model_name=model_name,
            serverless_config=_Config.ServerlessConfigProperty(
                max_concurrency=self._settings.serverless_concurrency,
                memory_size_in_mb=self._settings.serverless_memory,
            ),
            variant_name=VARIANT,
        )

    def members(self) -> dict[str, Any]:
        """Return none."""
        return {}

    def statements(self) -> list[Statement]:
        """Return none."""
        return []

    def wildcards(self) -> dict[str, str]:
        """Return none."""
        return {}


class AsyncHosting(Hosting):
    """Instances that take requests from async/input/ and write answers to async/output/; topics hear of each."""

    def __init__(self, scope: Construct, settings: Settings, *, bucket: s3.IBucket, key: kms.IKey) -> None:
        super().__init__(settings, bucket=bucket, key=key)
        self._success, self._error = (
            sns.Topic(
                scope,
                f"Async{of.capitalize()}",
                display_name=f"Lab {settings.name}: {of} of asynchronous requests",
                enforce_ssl=True,
                master_key=key,
                topic_name=names.async_topic(settings.name, of),
            )
            for of in ("success", "error")
        )

    def members(self) -> dict[str, Any]:
        """Return where answers and failures go, and who hears of them."""
        place = f"s3://{self._bucket.bucket_name}"
        return {
            "async_inference_config": _Config.AsyncInferenceConfigProperty(
                client_config=_Config.AsyncInferenceClientConfigProperty(
                    max_concurrent_invocations_per_instance=self.workers
                ),
                output_config=_Config.AsyncInferenceOutputConfigProperty(
                    kms_key_id=self._key.key_arn,
                    notification_config=_Config.AsyncInferenceNotificationConfigProperty(
                        error_topic=self._error.topic_arn, success_topic=self._success.topic_arn
                    ),
                    s3_failure_path=f"{place}/{ASYNC_FAILURE}".rstrip("/"),
                    s3_output_path=f"{place}/{ASYNC_OUTPUT}".rstrip("/"),
                ),
            ),
            **self._volume_key(),
        }

    def statements(self) -> list[Statement]:
        """Return that it may read requests, write answers, and tell of them; the key's actions it has anyway."""
        bucket = self._bucket.bucket_arn
        writing = ["s3:AbortMultipartUpload", "s3:PutObject"]
        return [
            statements.list_bucket(bucket, prefixes=["async/"]),
            statements.on_objects(bucket, actions=["s3:GetObject"], prefixes=[ASYNC_INPUT]),
            statements.on_objects(bucket, actions=writing, prefixes=[ASYNC_OUTPUT, ASYNC_FAILURE]),
            statements.allow(["sns:Publish"], [self._success.topic_arn, self._error.topic_arn]),
        ]

    def wildcards(self) -> dict[str, str]:
        """Return the findings about `statements`, each with its reason."""
        return {
            wildcard(f"…/{ASYNC_INPUT}*"): "Whoever asks names the request.",
            **{
                wildcard(f"…/{place}*"): "SageMaker makes the names of the answers."
                for place in (ASYNC_OUTPUT, ASYNC_FAILURE)
            },
        }


def of_settings(scope: Construct, settings: Settings, *, bucket: s3.IBucket, key: kms.IKey) -> Hosting:
    """Return the hosting that lab.hosting asks for; what it needs of its own is made in the scope."""
    if settings.hosting == "async":
        return AsyncHosting(scope, settings, bucket=bucket, key=key)
    kind = ServerlessHosting if settings.hosting == "serverless" else Hosting
    return kind(settings, bucket=bucket, key=key)
