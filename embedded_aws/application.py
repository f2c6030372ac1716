"""What answers on the port: ministack's services with their patches, and ours beside them.

Imported only once the environment says where ministack's files lie: it reads that when it is imported (server.py).
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any

from embedded_aws import admin_api
from embedded_aws.admin_token import Guard
from embedded_aws.patches import (
    accounts,
    cloudwatch,
    event_loop,
    eventbridge,
    iam_principals,
    s3_storage,
    service_handlers,
)
from embedded_aws.patches.apply import Additions, apply
from embedded_aws.patches.persistence import Persistence
from embedded_aws.runtime import function_runtimes, images, sandbox
from embedded_aws.runtime.containers import Docker
from embedded_aws.runtime.docker.engine import Engine, EngineError
from embedded_aws.services import budgets
from embedded_aws.services.application_autoscaling import cloudformation as scaling_types
from embedded_aws.services.application_autoscaling.service import ApplicationAutoScaling
from embedded_aws.services.ec2 import NetworkTypes
from embedded_aws.services.ecr import ImageRegistries
from embedded_aws.services.greengrassv2 import cloudformation as component_types
from embedded_aws.services.greengrassv2.service import GreengrassV2
from embedded_aws.services.root_clients import RootClients
from embedded_aws.services.sagemaker import cloudformation
from embedded_aws.services.sagemaker.clock import Clock
from embedded_aws.services.sagemaker.events import STAGE_SCHEMAS, publish_to
from embedded_aws.services.sagemaker.labeling.portal import application as portal
from embedded_aws.services.sagemaker.provider import ServiceContext
from embedded_aws.services.sagemaker.service import SageMaker
from embedded_aws.services.sagemaker.store import Store
from embedded_aws.services.sagemaker.tags import TaggedResources
from embedded_aws.services.sagemaker.tasks import Tasks
from embedded_aws.services.sdk_tasks import PUBLISH, SERVICES, RoleClients, SdkTask
from embedded_aws.services.service_quotas.quotas import AppliedQuotas
from embedded_aws.services.service_quotas.service import ServiceQuotas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.admin_token import AdminToken
    from embedded_aws.database import Database
    from embedded_aws.services.sagemaker.store import OnChange, Record
    from embedded_aws.services.task_integrations import Task
    from embedded_aws.settings import Settings


class Application:
    """All services of one embedded AWS. Made once in a process, whose ministack it changes."""

    def __init__(self, settings: Settings, token: AdminToken, database: Database, outside: Mapping[str, str]) -> None:
        """Make them; `outside` is the environment that the process was started with."""
        self._token = token
        database.begin(
            version=metadata.version("embedded-aws"),
            port=settings.port,
            enforce=settings.enforce,
            pace=settings.pace,
            cache=str(settings.cache),
            images=str(settings.images),
            containers=settings.containers,
        )
        loop = event_loop.EventLoop()
        bus = eventbridge.DefaultBus(loop)
        told = [publish_to(bus.put)]  # of every change of SageMaker's resources
        context = _context(settings, database, told, publish_to(bus.put, STAGE_SCHEMAS), outside)
        self._docker = context.docker
        quotas = AppliedQuotas(database)
        self._persistence = Persistence(database)
        self._sagemaker = SageMaker(
            context, caller=iam_principals.caller, principal=iam_principals.principal, quota=quotas.limit
        )
        self._scaling = ApplicationAutoScaling(
            self._sagemaker,
            clock=context.clock,
            clients=RootClients(settings.url),
            caller=iam_principals.caller,
            principal=iam_principals.principal,
            publish=bus.put,
            database=database,
        )
        self._greengrass = GreengrassV2(
            clock=context.clock,
            clients=RootClients(settings.url),
            caller=iam_principals.caller,
            principal=iam_principals.principal,
            database=database,
        )
        told.append(self._scaling.deregistration.endpoint_changed)
        self._sagemaker.check_endpoint_change = self._scaling.deregistration.check_endpoint_change
        context.metrics.start(context.clock, cloudwatch.Metrics(loop).put, self._scaling.watched)
        # Where policies are enforced: a function that tells which of their statements have decided anything.
        self.statements = apply(
            _additions(
                self._sagemaker,
                self._scaling,
                self._greengrass,
                quotas,
                token=token,
                persistence=self._persistence,
                enforce=settings.enforce,
            ),
            clock=context.clock,
            loop=loop,
            enforce=settings.enforce,
            persistence=self._persistence,
            objects=s3_storage.Storage(database, settings.state / "objects"),
        )

    def asgi(self) -> Any:
        """Return what a web server calls."""
        return Guard(service_handlers.application(), self._token)

    def started(self) -> None:
        """Go on with what was interrupted when the embedded AWS ended, now that it answers."""
        self._sagemaker.restore()
        self._scaling.restore()
        self._persistence.resume(partial(cloudformation.remove_unknown, self._sagemaker))

    def close(self) -> None:
        """Write what is left to be kept, as if all were killed then, and end everything that runs."""
        try:
            self._persistence.close()
        finally:
            self._scaling.close()
            self._greengrass.close()
            self._sagemaker.close()
            if self._docker:
                with suppress(EngineError):  # its daemon does not run: nor does anything of it
                    self._docker.close()


def _context(
    settings: Settings,
    database: Database,
    told: Sequence[OnChange],
    tell_stage: OnChange,
    outside: Mapping[str, str],
) -> ServiceContext:
    def tell(record: Record, members: Mapping[str, Any] | None) -> None:
        for each in told:
            each(record, members)

    found = sandbox.find()
    context = ServiceContext(
        store=Store(tell, on_stage=tell_stage, database=database),
        database=database,
        clock=Clock(pace=settings.pace),
        endpoint_url=settings.url,
        state_dir=settings.state,
        images_dir=settings.images,
        cache_dir=settings.cache,
        bubblewrap=None if isinstance(found, str) else found,
        docker=Docker(Engine(settings.containers, str(settings.home), outside)) if settings.containers else None,
    )
    return dataclasses.replace(context, principal_of=iam_principals.of_role) if settings.enforce else context


def _additions(
    sagemaker: SageMaker,
    scaling: ApplicationAutoScaling,
    greengrass: GreengrassV2,
    quotas: AppliedQuotas,
    *,
    token: AdminToken,
    persistence: Persistence,
    enforce: bool,
) -> Additions:
    context, clients = sagemaker.context, _task_clients(sagemaker.context, enforce=enforce)

    def close_account(number: str) -> None:
        scaling.discard(number)
        greengrass.discard(number)
        sagemaker.discard(number)
        accounts.forget(number)
        persistence.flush_all()

    return Additions(
        services={
            "sagemaker": service_handlers.Service(
                handler=sagemaker.handle,
                target="SageMaker",
                hosts=("sagemaker", "runtime.sagemaker"),
                scope="sagemaker",
                sdk_name="SageMaker",
            ),
            "service-quotas": service_handlers.Service(
                handler=ServiceQuotas(quotas, caller=iam_principals.caller, principal=iam_principals.principal).handle,
                target="ServiceQuotasV20190624",
                hosts=("servicequotas",),
                scope="servicequotas",
                sdk_name="ServiceQuotas",
            ),
            "application-autoscaling": service_handlers.Service(
                handler=scaling.handle,
                target="AnyScaleFrontendService",
                hosts=("application-autoscaling",),
                scope="application-autoscaling",
                sdk_name="ApplicationAutoScaling",
            ),
            "greengrass": service_handlers.Service(  # what its requests are signed for
                handler=greengrass.handle, target="", hosts=("greengrass",), scope="greengrass", sdk_name="GreengrassV2"
            ),
        },
        resource_providers={
            **cloudformation.resource_providers(sagemaker),
            **NetworkTypes(context.endpoint_url, iam_principals.caller).resource_providers(),
            **scaling_types.resource_providers(scaling, iam_principals.caller),
            **component_types.resource_providers(greengrass, iam_principals.caller),
            **budgets.resource_providers(service_handlers.call_budgets, iam_principals.caller),
        },
        tagged={"sagemaker": TaggedResources(context.store, iam_principals.caller)},
        interceptors={"ecr": ImageRegistries(context.images_dir, caller=iam_principals.caller).answer},
        hosts={portal.HOST: sagemaker.portal().handle},
        paths={admin_api.PREFIX: admin_api.AdminApi(sagemaker.interrupt, close_account, sagemaker.restored).handle},
        tasks={
            "sagemaker": Tasks(sagemaker),
            **{f"aws-sdk:{name}": SdkTask(name, clients) for name in SERVICES},
            PUBLISH: SdkTask(PUBLISH, clients),
        },
        python=function_runtimes.finder(context.cache_dir, images.uv),
        sdk=function_runtimes.link_sdk(context.state_dir / "function-sdk"),
        scale=scaling.scale,
        sign=lambda path: f"{context.endpoint_url}{token.sign(path)}",
    )


def _task_clients(context: ServiceContext, *, enforce: bool) -> Callable[[str, Task], Any]:
    """Return what gives a task its client: the state machine's role's where policies are enforced, else root's."""
    if enforce:
        return RoleClients(context.endpoint_url, iam_principals.caller)
    root = RootClients(context.endpoint_url)
    return lambda service, _: root.client(service, *iam_principals.caller())
