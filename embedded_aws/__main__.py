"""Run the embedded AWS in the foreground: `python -m embedded_aws --port 4566 --home .lab/aws`."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws import faults, gateway, proxies, tls
from embedded_aws.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "127.0.0.1"


def main() -> None:
    """Read the options, serve until SIGTERM or SIGINT, leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m embedded_aws", description=__doc__)
    parser.add_argument("--port", type=int, default=4566)
    parser.add_argument("--proxy", type=int, default=4567, help="the port of the proxy for AWS's own names")
    parser.add_argument("--home", type=Path, required=True, help="folder for what lives as long as the gateway")
    parser.add_argument("--images", type=Path, required=True, help="folder of the images' requirements files")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the installed images, kept")
    parser.add_argument("--pace", type=float, default=1.0, help="how long AWS's waits take here, in parts of normal")
    parser.add_argument("--certificates", type=Path, required=True, help="folder for certificates.py's files")
    parser.add_argument("--enforce", action="store_true", help="speak https, and ask policies before every call")
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    try:
        held = gateway.hold(options.home)
    except gateway.GatewayError as error:
        parser.error(str(error))
    faults.keep_log(gateway.log(options.home.resolve()))
    state = options.home.resolve() / "state"
    shutil.rmtree(state, ignore_errors=True)
    (state / "tmp").mkdir(parents=True)
    outside = dict(os.environ)
    authority = Authority(options.certificates.resolve(), outside)
    # ministack reads its settings from the environment when it is imported; its functions inherit it.
    os.environ.update(
        {
            **proxies.variables(f"http://{HOST}:{options.proxy}", options.certificates.resolve(), outside),
            "GATEWAY_PORT": str(options.port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "AWS_ENDPOINT_URL": f"{'https' if options.enforce else 'http'}://{HOST}:{options.port}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "TMPDIR": str(state / "tmp"),
            "S3_DATA_DIR": str(state / "s3"),
            "STATE_DIR": str(state / "ministack"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            **(_enforcing(options.certificates.resolve()) if options.enforce else {}),
        }
    )
    try:
        asyncio.run(_serve(options, state, authority, outside))
    finally:
        shutil.rmtree(state, ignore_errors=True)
        held.close()


def _enforcing(certificates: Path) -> dict[str, str]:
    """What ministack is told; it reads whom its functions are to trust, and serves nothing by itself."""
    trusted = str(tls.authority(certificates))
    return {"AUTH": "true", "USE_SSL": "1", "MINISTACK_SSL_CERT": trusted, "MINISTACK_SSL_KEY": trusted}


async def _serve(options: argparse.Namespace, state: Path, authority: Authority, outside: Mapping[str, str]) -> None:
    from embedded_aws import admin_api, web
    from embedded_aws.patches import (
        alarms,
        conditions,
        enforcement,
        events,
        inside,
        labels,
        large_objects,
        managed_keys,
        metrics,
        objects,
        patterns,
        policies,
        principals,
        queries,
        schedules,
        services,
        settled,
        simulator,
        stacks,
        tagged,
        unexpected,
        unknown,
    )
    from embedded_aws.services import budgets
    from embedded_aws.services.ec2 import Networks
    from embedded_aws.services.ecr import Containers
    from embedded_aws.services.sagemaker import cloudformation
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.provider import Context
    from embedded_aws.services.sagemaker.service import SageMaker
    from embedded_aws.services.sagemaker.store import Store
    from embedded_aws.services.sagemaker.tagged import TaggedResources
    from embedded_aws.services.service_quotas.account import Granted
    from embedded_aws.services.service_quotas.service import ServiceQuotas

    within = inside.Inside()
    context = Context(
        store=Store(tell=events.Bus(within).put),
        clock=Clock(pace=options.pace),
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        state_dir=state,
        images_dir=options.images.resolve(),
        cache_dir=options.cache.resolve(),
    )
    if options.enforce:
        context = dataclasses.replace(context, principal_of=principals.of_role)
    alarms.watch_dimensions(context.clock, within)
    context.metrics.start(context.clock, metrics.Published(within).put)
    granted = Granted()
    service = SageMaker(context, caller=principals.caller, principal=principals.principal, quota=granted.limit)
    services.add(
        {
            "sagemaker": services.Service(
                handler=service.handle,
                target="SageMaker",
                hosts=("sagemaker", "runtime.sagemaker"),
                scope="sagemaker",
                sdk_name="SageMaker",
            ),
            "service-quotas": services.Service(
                handler=ServiceQuotas(granted, caller=principals.caller).handle,
                target="ServiceQuotasV20190624",
                hosts=("servicequotas",),
                scope="servicequotas",
                sdk_name="ServiceQuotas",
            ),
        }
    )
    services.answer_below(admin_api.PREFIX, admin_api.Doors(service.interrupt).handle)
    stacks.provision(cloudformation.resource_types(service))
    stacks.provision(Networks(context.endpoint_url, principals.caller).resource_types())
    for as_aws_does in (
        stacks.refuse_full_buckets,
        stacks.encrypt_as_templates_say,
        stacks.ask_for_capabilities,
        conditions.make_what_conditions_compare,
        policies.have_managed_policies,
        managed_keys.keep_managed_keys,
    ):
        as_aws_does()
    stacks.provision(budgets.resource_types(services.budgets, principals.caller))
    tagged.find_tagged({"sagemaker": TaggedResources(context.store, principals.caller)})
    services.before("ecr", Containers(context.images_dir, caller=principals.caller).answer)
    schedules.fire_again_when_changed()
    statements = enforcement.enforce() if options.enforce else None
    if statements is None:
        objects.ask_before_objects()
    queries.obey_workgroups()
    patterns.read_patterns()
    simulator.simulate_with_context()
    settled.answer_the_cdk_when_settled()
    unknown.refuse_unknown()
    labels.label_answers()
    large_objects.let_others_in()
    unexpected.tell_unexpected()
    logging.getLogger("embedded_aws").info("embedded AWS on %s:%d", HOST, options.port)
    try:
        await web.serve(
            services.application(),
            web.Listening(HOST, options.port, options.proxy, encrypted=options.enforce),
            authority.context,
            outside=outside,
        )
    finally:
        await asyncio.to_thread(service.close)
        if statements:
            (options.home / "statements.json").write_text(json.dumps(statements(), indent=1))


if __name__ == "__main__":
    main()
