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
    from embedded_aws.patches import event_loop, eventbridge, iam_principals, metrics, service_handlers
    from embedded_aws.patches.apply import Additions, apply
    from embedded_aws.services import budgets
    from embedded_aws.services.ec2 import Networks
    from embedded_aws.services.ecr import Containers
    from embedded_aws.services.sagemaker import cloudformation
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.events import publish_to
    from embedded_aws.services.sagemaker.provider import Context
    from embedded_aws.services.sagemaker.service import SageMaker
    from embedded_aws.services.sagemaker.store import Store
    from embedded_aws.services.sagemaker.tagged import TaggedResources
    from embedded_aws.services.service_quotas.account import Granted
    from embedded_aws.services.service_quotas.service import ServiceQuotas

    within = event_loop.Inside()
    context = Context(
        store=Store(on_change=publish_to(eventbridge.Bus(within).put)),
        clock=Clock(pace=options.pace),
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        state_dir=state,
        images_dir=options.images.resolve(),
        cache_dir=options.cache.resolve(),
    )
    if options.enforce:
        context = dataclasses.replace(context, principal_of=iam_principals.of_role)
    context.metrics.start(context.clock, metrics.Published(within).put)
    granted = Granted()
    service = SageMaker(context, caller=iam_principals.caller, principal=iam_principals.principal, quota=granted.limit)
    additions = Additions(
        services={
            "sagemaker": service_handlers.Service(
                handler=service.handle,
                target="SageMaker",
                hosts=("sagemaker", "runtime.sagemaker"),
                scope="sagemaker",
                sdk_name="SageMaker",
            ),
            "service-quotas": service_handlers.Service(
                handler=ServiceQuotas(granted, caller=iam_principals.caller).handle,
                target="ServiceQuotasV20190624",
                hosts=("servicequotas",),
                scope="servicequotas",
                sdk_name="ServiceQuotas",
            ),
        },
        resource_providers={
            **cloudformation.resource_providers(service),
            **Networks(context.endpoint_url, iam_principals.caller).resource_providers(),
            **budgets.resource_providers(service_handlers.budgets, iam_principals.caller),
        },
        tagged={"sagemaker": TaggedResources(context.store, iam_principals.caller)},
        before={"ecr": Containers(context.images_dir, caller=iam_principals.caller).answer},
        below={admin_api.PREFIX: admin_api.Doors(service.interrupt).handle},
    )
    statements = apply(additions, clock=context.clock, loop=within, enforce=options.enforce)
    logging.getLogger("embedded_aws").info("embedded AWS on %s:%d", HOST, options.port)
    try:
        await web.serve(
            service_handlers.application(),
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
