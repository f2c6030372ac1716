"""What workforces and work teams ask Cognito: whether their members are there, and a way back to their portal.

Not compared with AWS: the sentences; that SageMaker lets an app client sign in with the code flow and its portal be one
of its callbacks (users' app clients for workforces say nothing of either, and their workers sign in).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from embedded_aws.services.root_clients import RootClients
from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record

CALLBACK = "/oauth2/idpresponse"
SCOPES = ("email", "openid", "profile")
# What UpdateUserPoolClient would reset if a request left it out.
_KEPT = (
    "ClientName",
    "RefreshTokenValidity",
    "AccessTokenValidity",
    "IdTokenValidity",
    "TokenValidityUnits",
    "ReadAttributes",
    "WriteAttributes",
    "ExplicitAuthFlows",
    "SupportedIdentityProviders",
    "LogoutURLs",
    "DefaultRedirectURI",
    "AnalyticsConfiguration",
    "PreventUserExistenceErrors",
    "EnableTokenRevocation",
    "EnablePropagateAdditionalUserContextData",
    "AuthSessionValidity",
)


class UserPools:
    """The user pools of every account."""

    def __init__(self, endpoint_url: str) -> None:
        self._clients = RootClients(endpoint_url)

    def app_client(self, record: Record, config: Mapping[str, str]) -> dict[str, Any]:
        """Return the app client that a CognitoConfig, or a member definition, names. Raises ServiceError."""
        cognito = self._clients.client("cognito-idp", record.account, record.region)
        try:
            found = cognito.describe_user_pool_client(UserPoolId=config["UserPool"], ClientId=config["ClientId"])
        except ClientError as error:
            raise validation_exception(
                f"The app client {config['ClientId']} of the user pool {config['UserPool']} can't be used: "
                f"{error.response['Error']['Message']}"
            ) from error
        return dict(found["UserPoolClient"])

    def check_group(self, record: Record, member: Mapping[str, str]) -> None:
        """Raise ServiceError if a member definition's group is not there."""
        cognito = self._clients.client("cognito-idp", record.account, record.region)
        try:
            cognito.get_group(UserPoolId=member["UserPool"], GroupName=member["UserGroup"])
        except ClientError as error:
            raise validation_exception(
                f"The group {member['UserGroup']} of the user pool {member['UserPool']} can't be used: "
                f"{error.response['Error']['Message']}"
            ) from error

    def let_sign_in(self, record: Record, config: Mapping[str, str], sub_domain: str) -> None:
        """Let the app client's users sign in to the portal of that name."""
        client = self.app_client(record, config)
        callbacks = [*client.get("CallbackURLs", ()), f"https://{sub_domain}{CALLBACK}"]
        self._clients.client("cognito-idp", record.account, record.region).update_user_pool_client(
            UserPoolId=config["UserPool"],
            ClientId=config["ClientId"],
            **{name: client[name] for name in _KEPT if client.get(name) not in (None, "", [])},
            CallbackURLs=list(dict.fromkeys(callbacks)),
            AllowedOAuthFlows=sorted({*client.get("AllowedOAuthFlows", ()), "code"}),
            AllowedOAuthScopes=sorted({*client.get("AllowedOAuthScopes", ()), *SCOPES}),
            AllowedOAuthFlowsUserPoolClient=True,
        )
