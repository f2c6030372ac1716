"""The storage stack: the lab's key, its bucket, what lies in it, and the group of models whose artifacts do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_sagemaker as sagemaker

from infra.constructs.bucket import LabBucket, SharedStorage
from infra.constructs.bucket_contents import BucketContents
from infra.constructs.catalog import Catalog
from infra.constructs.key import LabKey
from infra.constructs.labelling_files import labelling_files
from infra.constructs.prepared_photos import PreparedPhotos
from infra.constructs.source_directory import ARCHIVE
from infra.regions import registers_models
from infra.settings import DATA_FILES
from teardown.names import model_package_group

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from constructs import Construct

    from infra.settings import Settings


class StorageStack(Stack):
    """Owns the key and the bucket; every other stack gets them from here.

    `data` is the folder with the four files, or with photos if the settings say so; `notebooks` are what notebook
    instances fetch, by their names there. Of those that are notebooks, every seat gets a copy of its own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        data: Path,
        notebooks: Mapping[str, Path],
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, description=f"{settings.name}: key, bucket and data", **stack)
        self.key = LabKey(
            self,
            "Key",
            lab=settings.name,
            alias=settings.name,
            description=f"Encrypts what the lab {settings.name} stores",
        )
        self.bucket = LabBucket(self, "Bucket", key=self.key)
        if settings.retraining:
            self.bucket.tell_eventbridge()
        models = None
        if registers_models(self.region):
            models = sagemaker.CfnModelPackageGroup(
                self,
                "Models",
                model_package_group_name=model_package_group(settings.name),
                model_package_group_description=f"The models that the lab {settings.name} has trained",
            )
        contents = BucketContents(
            self,
            "Contents",
            bucket=self.bucket,
            key=self.key,
            models=models,
            files={
                **({} if settings.photos else {f"data/{name}": data / name for name in DATA_FILES}),
                **{f"notebooks/{name}": file for name, file in notebooks.items()},
                **(labelling_files() if settings.labelling != "off" else {}),
            },
            log_retention_days=settings.log_retention_days,
        )
        self.shared = SharedStorage(
            bucket_name=self.bucket.bucket_name,
            bucket_arn=self.bucket.bucket_arn,
            key_arn=self.key.key_arn,
            prefix_token=contents.prefix_token,
            notebooks={
                name: (key, contents.digests[key])
                for name in notebooks
                if (key := f"notebooks/{name}").endswith(".ipynb")
            },
        )
        Catalog(self, "Catalog", storage=self.shared, lab=settings.name)
        if settings.labelling != "off":
            from infra.constructs.ground_truth import GroundTruth  # noqa: PLC0415 - the CDK takes its time for Cognito

            GroundTruth(self, "Labelling", settings=settings, bucket=self.bucket, key=self.key)
        self.data = {key: digest for key, digest in contents.digests.items() if key.startswith("data/")}
        if settings.photos:
            code = f"notebooks/{ARCHIVE}"
            photos = PreparedPhotos(
                self,
                "Photos",
                settings=settings,
                folder=data,
                bucket=self.bucket,
                key=self.key,
                code=code,
                code_digest=contents.digests[code],
            )
            photos.node.add_dependency(contents)
            self.data = {"photos": photos.digest}
        # Seats come and go: what they import is exported whether or not there are any, for CloudFormation takes no
        # export away that a seat still imports.
        for value in (
            self.shared.bucket_name,
            self.shared.bucket_arn,
            self.shared.key_arn,
            self.shared.prefix_token,
        ):
            self.export_value(value)
        CfnOutput(self, "BucketName", value=self.bucket.bucket_name, description="The lab's bucket")
        CfnOutput(
            self,
            "DataUri",
            value=f"s3://{self.bucket.bucket_name}/data/",
            description="Where the four files of the data set lie",
        )
        CfnOutput(self, "KeyArn", value=self.key.key_arn, description="The key that encrypts what the lab stores")
