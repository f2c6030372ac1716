"""Monitoring schedules, and the executions that they bring about.

New customers don't get Model Monitor since July 30, 2026 (a note on each of its pages in SageMaker's guide); who had it
keeps it. `Monitoring schedule in status Pending` is AWS's refusal of a deletion (aws/amazon-sagemaker-examples#2342).
Not compared with AWS: how that sentence goes on; those about a schedule that is not there or whose name is taken; that
a schedule which is stopped can't be stopped again, nor one started that is scheduled.

An execution has no ARN and no name on AWS: those of its record are nowhere told. Schedules that refer to a job
definition are refused, and so are the operations of job definitions, by their names: they are AWS's own containers',
which are nobody else's to run.
"""

from __future__ import annotations

from embedded_aws.services.sagemaker.errors import IN_USE, NOT_FOUND
from embedded_aws.services.sagemaker.resource_types.members import (
    DONE,
    ISOLATED,
    RECORDED,
    REFUSED,
    TAGS,
    Members,
    done,
    only,
    recorded,
)
from embedded_aws.services.sagemaker.resource_types.resource_type import Precondition, ResourceType

LAST_EXECUTION = "LastMonitoringExecutionSummary"

_ENDPOINT_INPUT: Members = {
    "EndpointName": done("an endpoint that captures data"),
    "LocalPath": DONE,
    "S3InputMode": only("File"),
    "S3DataDistributionType": DONE,
    "FeaturesAttribute": REFUSED,
    "InferenceAttribute": REFUSED,
    "ProbabilityAttribute": REFUSED,
    "ProbabilityThresholdAttribute": REFUSED,
    "StartTimeOffset": DONE,
    "EndTimeOffset": DONE,
    "ExcludeFeaturesAttribute": REFUSED,
}
_JOB: Members = {
    "BaselineConfig": {
        "BaseliningJobName": REFUSED,
        "ConstraintsResource": {"S3Uri": DONE},
        "StatisticsResource": {"S3Uri": DONE},
    },
    "MonitoringInputs": {"EndpointInput": _ENDPOINT_INPUT, "BatchTransformInput": REFUSED},
    "MonitoringOutputConfig": {
        "MonitoringOutputs": {"S3Output": {"S3Uri": DONE, "LocalPath": DONE, "S3UploadMode": DONE}},
        "KmsKeyId": DONE,
    },
    "MonitoringResources": {
        "ClusterConfig": {
            "InstanceCount": DONE,
            "InstanceType": done("counts against the quota of processing jobs; the machine is yours"),
            "VolumeSizeInGB": RECORDED,
            "VolumeKmsKeyId": RECORDED,
        }
    },
    "MonitoringAppSpecification": {
        "ImageUri": done("AWS's own monitor is not among the images"),
        "ContainerEntrypoint": DONE,
        "ContainerArguments": DONE,
        "RecordPreprocessorSourceUri": REFUSED,
        "PostAnalyticsProcessorSourceUri": REFUSED,
    },
    "StoppingCondition": {"MaxRuntimeInSeconds": DONE},
    "Environment": DONE,
    "NetworkConfig": {
        "EnableInterContainerTrafficEncryption": recorded("all runs on one machine"),
        "EnableNetworkIsolation": done(ISOLATED),
        "VpcConfig": REFUSED,
    },
    "RoleArn": DONE,
}
_CHANGEABLE: Members = {
    "MonitoringScheduleName": DONE,
    "MonitoringScheduleConfig": {
        "ScheduleConfig": {
            "ScheduleExpression": done("`NOW`, hourly, daily, or every so many hours, on the hour"),
            "DataAnalysisStartTime": DONE,
            "DataAnalysisEndTime": DONE,
        },
        "MonitoringJobDefinition": _JOB,
        "MonitoringJobDefinitionName": REFUSED,
        "MonitoringType": only("DataQuality"),
    },
}

MONITORING_SCHEDULE = ResourceType(
    name="MonitoringSchedule",
    arn_type="monitoring-schedule",
    members={"Create": {**_CHANGEABLE, "Tags": TAGS}, "Update": _CHANGEABLE},
    verbs=("Create", "Describe", "List", "Update", "Start", "Stop", "Delete"),
    status="MonitoringScheduleStatus",
    first_status="Pending",
    preconditions={
        "Update": Precondition(("Scheduled", "Stopped", "Failed"), "Monitoring schedule in status {status}"),
        "Start": Precondition(("Stopped",), "Monitoring schedule in status {status}"),
        "Stop": Precondition(("Scheduled",), "Monitoring schedule in status {status}"),
        "Delete": Precondition(("Scheduled", "Stopped", "Failed"), "Monitoring schedule in status {status}"),
    },
    not_found_code=NOT_FOUND,
    not_found="Monitoring Schedule {arn} not found",
    exists_code=IN_USE,
    exists="Monitoring Schedule {arn} already exists",
)

MONITORING_EXECUTION = ResourceType(
    name="MonitoringExecution",
    arn_type="monitoring-execution",
    members={},
    verbs=("List",),
    status="MonitoringExecutionStatus",
    first_status="Pending",
    not_found="Monitoring Execution {name} not found",
    exists="Monitoring Execution {name} already exists",
)
