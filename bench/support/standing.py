"""What stands of a lab whose commands were broken off, held against what should: each check says what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.support.faulty_lab import FaultyLab

NAME = "faulty"
_WORK = "seats/ada/my-work.txt"


def small_settings(home: Path) -> tuple[str, ...]:
    """Return a small lab's: a seat, a lease, few images, an epoch."""
    roster, data = home / "class.csv", home / "given"
    roster.write_text("name\nada\n", encoding="utf-8")
    data.mkdir()
    rng = np.random.default_rng(0)
    for part, images in (("train", 400), ("test", 50)):
        np.save(data / f"lego-simple-{part}-images.npy", rng.random((images, 48, 48)))
        np.save(data / f"lego-simple-{part}-labels.npy", np.arange(images) % 10)
    wanted = {"name": NAME, "seats": roster, "data": data, "epochs": 1, "lease": "8h"}
    return tuple(word for key, value in wanted.items() for word in ("-c", f"lab.{key}={value}"))


def stands(lab: FaultyLab) -> list[str]:
    """Say what is not as it should be of a lab that is up."""
    sagemaker, wrong = lab.aws.client("sagemaker"), []
    running = sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
    wrong += [f"{job['TrainingJobName']} runs on" for job in running]
    endpoints = {each["EndpointName"]: each["EndpointStatus"] for each in sagemaker.list_endpoints()["Endpoints"]}
    if endpoints != {NAME: "InService"}:
        wrong.append(f"the endpoints are {endpoints}")
    stacks = lab.aws.client("cloudformation").describe_stacks()["Stacks"]
    wrong += [
        f"{each['StackName']} is {each['StackStatus']}"
        for each in stacks
        if each["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    ]
    return wrong + _seats(lab, {"ada"})


def _seats(lab: FaultyLab, wanted: set[str]) -> list[str]:
    sagemaker = lab.aws.client("sagemaker")
    notebooks = {
        each["NotebookInstanceName"]: each["NotebookInstanceStatus"]
        for each in sagemaker.list_notebook_instances()["NotebookInstances"]
    }
    right = {f"{NAME}-{seat}": "InService" for seat in wanted}
    return [] if notebooks == right else [f"the notebooks are {notebooks}"]


def stands_with_work(lab: FaultyLab) -> list[str]:
    """Say what is not as it should be of a lab that is up, with a student's file in it."""
    return [*stands(lab), *_work(lab), *_not_paused(lab)]


def _not_paused(lab: FaultyLab) -> list[str]:
    found = lab.aws.client("ssm").get_parameters_by_path(Path=f"/{NAME}/paused", Recursive=True)["Parameters"]
    return [f"{each['Name']} is left" for each in found]


def _bucket(lab: FaultyLab) -> str:
    stacks = lab.aws.client("cloudformation").describe_stacks(StackName=f"{NAME}-storage")["Stacks"]
    return next(str(each["OutputValue"]) for each in stacks[0]["Outputs"] if each["OutputKey"] == "BucketName")


def put_work(lab: FaultyLab) -> None:
    """Put a file where the student of seat ada has hers."""
    lab.aws.client("s3").put_object(Bucket=_bucket(lab), Key=_WORK, Body=b"mine")


def _work(lab: FaultyLab) -> list[str]:
    s3, bucket = lab.aws.client("s3"), _bucket(lab)
    keys = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())}
    if _WORK not in keys:
        return [f"{_WORK} is lost: {sorted(key for key in keys if 'my-work' in key)}"]
    kept = [key for key in keys if key.startswith("aside/")]
    mine = s3.get_object(Bucket=bucket, Key=_WORK)["Body"].read() == b"mine"
    return [f"{key} is left" for key in kept] + ([] if mine else [f"{_WORK} is another"])


def paused(lab: FaultyLab) -> list[str]:
    """Say what costs of a lab that is paused."""
    sagemaker = lab.aws.client("sagemaker")
    notebooks = sagemaker.list_notebook_instances(StatusEquals="InService")["NotebookInstances"]
    return [
        *(f"endpoint {each['EndpointName']} is there" for each in sagemaker.list_endpoints()["Endpoints"]),
        *(f"{each['NotebookInstanceName']} runs" for each in notebooks),
    ]


def stands_with_bob(lab: FaultyLab) -> list[str]:
    """Say what is not as it should be of the seats of a lab that has got another one."""
    return [*_seats(lab, {"ada", "bob"}), *_work(lab)]


def gone(lab: FaultyLab) -> list[str]:
    """Say what is left of the lab."""
    client: Callable[[str], Any] = lab.aws.client
    sagemaker = client("sagemaker")
    return [
        *(
            f"stack {each['StackName']} {each['StackStatus']}"
            for each in client("cloudformation").describe_stacks()["Stacks"]
            if each["StackName"] != "CDKToolkit"
        ),
        *(f"endpoint {each['EndpointName']}" for each in sagemaker.list_endpoints()["Endpoints"]),
        *(f"config {each['EndpointConfigName']}" for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]),
        *(f"model {each['ModelName']}" for each in sagemaker.list_models()["Models"]),
        *(f"job {each['TrainingJobName']}" for each in sagemaker.list_training_jobs()["TrainingJobSummaries"]),
        *(f"notebook {each}" for each in sagemaker.list_notebook_instances()["NotebookInstances"]),
        *(f"bucket {b['Name']}" for b in client("s3").list_buckets()["Buckets"] if not b["Name"].startswith("cdk-")),
        *(f"schedule {each['Name']}" for each in client("scheduler").list_schedules()["Schedules"]),
        *(f"log group {each['logGroupName']}" for each in client("logs").describe_log_groups()["logGroups"]),
        *(f"function {each['FunctionName']}" for each in client("lambda").list_functions()["Functions"]),
        *(
            f"parameter {each['Name']}"
            for each in client("ssm").describe_parameters()["Parameters"]
            if not each["Name"].startswith("/cdk-bootstrap/")
        ),
    ]
