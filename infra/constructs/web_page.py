"""The lab's web page: a bucket of its own, CloudFront before it, and its REST API on the same name if it has one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Aws, CustomResource, Duration, RemovalPolicy
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra import rest, web
from infra.constructs import statements
from infra.constructs.arns import account
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.handler_function import HandlerFunction, HandlerRole, handlers_code
from infra.constructs.log_group import LogGroup
from teardown import names

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from infra.constructs.rest_api import RestApi
    from infra.settings import Settings

# CloudFront's own policies. Source: its guide, "Use managed cache policies" and "Use managed origin request policies".
_CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
_CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
_ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
_TIMEOUT = Duration.minutes(5)
_HTTPS_ONLY = "redirect-to-https"
_S3, _API = "page", "api"
_NO_LOGS = "A bucket of access logs would outlive the lab; what the REST API is asked stands in its own access log."
_NO_FIREWALL = "A web ACL costs more a month than the lab; the page is files, and the API has keys and a plan."
_NO_CERTIFICATE = "The lab has no domain name of its own: CloudFront's certificate comes with its own protocols."
_FINDINGS = {
    "AwsSolutions-CFR1": "Who may see the page is nowhere restricted by country.",
    "AwsSolutions-CFR2": _NO_FIREWALL,
    "AwsSolutions-CFR3": _NO_LOGS,
    "AwsSolutions-CFR4": _NO_CERTIFICATE,
    "CKV_AWS_68": _NO_FIREWALL,
    "CKV_AWS_86": _NO_LOGS,
    "CKV_AWS_174": _NO_CERTIFICATE,
}


class WebPage(Construct):
    """The page at `url`; of a lab with a REST API it asks that, too, by its own name."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        key: kms.IKey,
        artifact: str,
        artifact_bucket_arn: str,
        api: RestApi | None,
    ) -> None:
        super().__init__(scope, construct_id)
        bucket = _bucket(self)
        distribution = self._distribution(settings, bucket, api)
        source = f"arn:{Aws.PARTITION}:cloudfront::{account()}:distribution/{distribution.attr_id}"
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudFrontMayRead",
                actions=["s3:GetObject"],
                principals=[iam.ServicePrincipal("cloudfront.amazonaws.com")],
                resources=[bucket.arn_for_objects("*")],
                conditions={"StringEquals": {"AWS:SourceArn": source}},
            )
        )
        files = self._files()
        function = self._function(settings, key, bucket, files, artifact_bucket_arn)
        resource = CustomResource(
            self,
            "Resource",
            properties={
                "Bucket": bucket.bucket_name,
                "Files": [
                    {
                        "Key": name,
                        "SourceBucket": asset.s3_bucket_name,
                        "SourceKey": asset.s3_object_key,
                        "ContentType": web.TYPES[Path(name).suffix],
                    }
                    for name, asset in files.items()
                ],
                "Config": json.dumps({"api": api is not None}),
                "Artifact": artifact,
            },
            removal_policy=RemovalPolicy.DESTROY,
            resource_type="Custom::WebPage",
            # A function that ended without an answer would be waited for, for an hour by default.
            service_timeout=_TIMEOUT.plus(Duration.minutes(1)),
            service_token=function.function_arn,
        )
        resource.node.add_dependency(bucket)
        self.url = f"https://{distribution.attr_domain_name}/"

    def _files(self) -> dict[str, assets.Asset]:
        return {file.name: assets.Asset(self, f"File{n}", path=str(file)) for n, file in enumerate(web.files())}

    def _function(
        self,
        settings: Settings,
        key: kms.IKey,
        bucket: s3.IBucket,
        files: dict[str, assets.Asset],
        artifact_bucket_arn: str,
    ) -> HandlerFunction:
        logs = LogGroup(self, "Logs", key=key, retention_days=settings.log_retention_days)
        sources = [asset.bucket.arn_for_objects(asset.s3_object_key) for asset in files.values()]
        objects = bucket.arn_for_objects("*")
        role = HandlerRole(
            self,
            "Role",
            log_group=logs,
            statements=[
                statements.allow(["s3:GetObject"], sources),
                statements.on_objects(artifact_bucket_arn, actions=["s3:GetObject"], prefixes=["training/"]),
                statements.allow(["kms:Decrypt"], [key.key_arn]),
                statements.allow(["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"], [objects]),
                statements.allow(["s3:AbortMultipartUpload"], [objects]),
                statements.allow(
                    ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"], [bucket.bucket_arn]
                ),
            ],
        )
        acknowledge(
            role,
            {
                wildcard("…/training/*"): "SageMaker makes the names of the artifacts.",
                wildcard("…/*"): "Filling and emptying a bucket means every object in it; it is the page's own.",
            },
        )
        return HandlerFunction(
            self,
            "Function",
            code=handlers_code(),
            handler="web_page",
            entry="handler.handler",
            role=role,
            log_group=logs,
            timeout=_TIMEOUT,
        )

    def _distribution(self, settings: Settings, bucket: s3.IBucket, api: RestApi | None) -> cloudfront.CfnDistribution:
        access = cloudfront.CfnOriginAccessControl(
            self,
            "Access",
            origin_access_control_config=cloudfront.CfnOriginAccessControl.OriginAccessControlConfigProperty(
                name=f"{names.web_page(settings.name)}-{account()}",
                origin_access_control_origin_type="s3",
                signing_behavior="always",
                signing_protocol="sigv4",
            ),
        )
        headers = _headers(self, settings)
        of_s3 = cloudfront.CfnDistribution.OriginProperty(
            id=_S3,
            domain_name=bucket.bucket_regional_domain_name,
            origin_access_control_id=access.attr_id,
            s3_origin_config=cloudfront.CfnDistribution.S3OriginConfigProperty(origin_access_identity=""),
        )
        distribution = cloudfront.CfnDistribution(
            self,
            "Distribution",
            distribution_config=cloudfront.CfnDistribution.DistributionConfigProperty(
                comment=f"Which brick is it? Of the lab {settings.name}",
                enabled=True,
                http_version="http2and3",
                ipv6_enabled=True,
                price_class="PriceClass_100",
                default_root_object="index.html",
                origins=[of_s3, *([_of_api(api)] if api else [])],
                default_cache_behavior=cloudfront.CfnDistribution.DefaultCacheBehaviorProperty(
                    target_origin_id=_S3,
                    viewer_protocol_policy=_HTTPS_ONLY,
                    cache_policy_id=_CACHING_OPTIMIZED,
                    response_headers_policy_id=headers.attr_id,
                    compress=True,
                ),
                cache_behaviors=[_to_api(headers)] if api else None,
            ),
        )
        acknowledge(distribution, _FINDINGS)
        return distribution


def _bucket(scope: Construct) -> s3.Bucket:
    bucket = s3.Bucket(
        scope,
        "Bucket",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=RemovalPolicy.DESTROY,
    )
    acknowledge(
        bucket,
        {
            "AwsSolutions-S1": _NO_LOGS,
            "CKV_AWS_18": _NO_LOGS,
            "CKV_AWS_21": "All in it is made anew from the repository and the model's artifact by each deployment.",
        },
    )
    return bucket


def _headers(scope: Construct, settings: Settings) -> cloudfront.CfnResponseHeadersPolicy:
    of = cloudfront.CfnResponseHeadersPolicy
    return of(
        scope,
        "Headers",
        response_headers_policy_config=of.ResponseHeadersPolicyConfigProperty(
            name=f"{names.web_page(settings.name)}-{account()}",
            security_headers_config=of.SecurityHeadersConfigProperty(
                content_security_policy=of.ContentSecurityPolicyProperty(
                    content_security_policy=web.CONTENT_SECURITY_POLICY, override=True
                ),
                content_type_options=of.ContentTypeOptionsProperty(override=True),
                frame_options=of.FrameOptionsProperty(frame_option="DENY", override=True),
                referrer_policy=of.ReferrerPolicyProperty(referrer_policy="no-referrer", override=True),
                strict_transport_security=of.StrictTransportSecurityProperty(
                    access_control_max_age_sec=31_536_000, include_subdomains=True, override=True
                ),
            ),
            custom_headers_config=of.CustomHeadersConfigProperty(
                items=[
                    of.CustomHeaderProperty(
                        header="Permissions-Policy",
                        value=web.PERMISSIONS_POLICY,
                        override=True,
                    )
                ]
            ),
        ),
    )


def _of_api(api: RestApi) -> cloudfront.CfnDistribution.OriginProperty:
    return cloudfront.CfnDistribution.OriginProperty(
        id=_API,
        domain_name=api.host,
        origin_path=f"/{rest.STAGE}",
        custom_origin_config=cloudfront.CfnDistribution.CustomOriginConfigProperty(
            origin_protocol_policy="https-only", origin_ssl_protocols=["TLSv1.2"]
        ),
    )


def _to_api(headers: cloudfront.CfnResponseHeadersPolicy) -> cloudfront.CfnDistribution.CacheBehaviorProperty:
    return cloudfront.CfnDistribution.CacheBehaviorProperty(
        path_pattern=f"/{rest.PATH}",
        target_origin_id=_API,
        viewer_protocol_policy="https-only",
        allowed_methods=["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
        cache_policy_id=_CACHING_DISABLED,
        origin_request_policy_id=_ALL_BUT_HOST,
        response_headers_policy_id=headers.attr_id,
        compress=False,
    )
