"""Where prepared photos can be asked about: a Glue database with their table, and an Athena workgroup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from constructs import Construct

from infra.constructs.arns import account
from teardown import names

if TYPE_CHECKING:
    from infra.constructs.bucket import SharedStorage

# model_code/preparing/write.py writes them; a test compares.
COLUMNS = {
    "path": "string",
    "label": "int",
    "split": "string",
    "sha256": "string",
    "width": "int",
    "height": "int",
    "brightness": "double",
    "dropped": "string",
}
TABLE = "photos"
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
# A query of more would be a mistake: a million photos are a tenth of it. Athena bills by what it reads.
_MOST_BYTES_A_QUERY = 1_000_000_000


class Catalog(Construct):
    """The table `photos` over `<prefix>prepared/photos/` of the bucket; answers of queries go to `<prefix>queries/`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: SharedStorage,
        lab: str,
        seat: str = "",
        prefix: str = "",
    ) -> None:
        super().__init__(scope, construct_id)
        place = f"s3://{storage.bucket_name}/{prefix}"
        whose = f"the seat {seat} of the lab {lab}" if seat else f"the lab {lab}"
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=account(),
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=names.database(lab, seat), description=f"Photos that {whose} has prepared"
            ),
        )
        glue.CfnTable(
            self, "Photos", catalog_id=account(), database_name=database.ref, table_input=_photos(f"{place}prepared/")
        )
        athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=names.workgroup(lab, seat),
            description=f"Queries of {whose}",
            # It is not empty once somebody has asked something, and AWS would then keep it.
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=_MOST_BYTES_A_QUERY,
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=False,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=storage.key_arn
                    ),
                    output_location=f"{place}queries/",
                ),
            ),
        )


def _photos(place: str) -> glue.CfnTable.TableInputProperty:
    return glue.CfnTable.TableInputProperty(
        name=TABLE,
        description="A row for every photo that was looked at, with what became of it",
        table_type="EXTERNAL_TABLE",
        parameters={"classification": "parquet", "EXTERNAL": "TRUE"},
        storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
            columns=[glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in COLUMNS.items()],
            input_format=f"{_PARQUET}.MapredParquetInputFormat",
            location=f"{place}{TABLE}/",
            output_format=f"{_PARQUET}.MapredParquetOutputFormat",
            serde_info=glue.CfnTable.SerdeInfoProperty(
                serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe", parameters={"serialization.format": "1"}
            ),
        ),
    )
