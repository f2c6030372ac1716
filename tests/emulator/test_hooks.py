"""The internals of ministack that emulator/hooks/ builds on are where it expects them."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("ministack.app", "app"),
        ("ministack.app", "SERVICE_HANDLERS"),
        ("ministack.app", "detect_service"),
        ("ministack.app", "fix_error_content_type"),
        ("ministack.app", "fix_success_content_type"),
        ("ministack.core.router", "SERVICE_PATTERNS"),
        ("ministack.core.router", "extract_access_key_id"),
        ("ministack.core.iam_actions", "access_denied_response"),
        ("ministack.core.iam_actions", "extract_iam_action"),
        ("ministack.core.iam_actions", "extract_resource_arn"),
        ("ministack.core.iam_actions", "identity_denial_message"),
        ("ministack.core.iam_actions", "s3_additional_checks"),
        ("ministack.core.iam_actions", "s3_service_context"),
        ("ministack.core.iam_evaluator", "AuthError"),
        ("ministack.core.iam_evaluator", "EvalContext"),
        ("ministack.core.iam_evaluator", "PrincipalInfo"),
        ("ministack.core.iam_evaluator", "evaluate"),
        ("ministack.core.iam_evaluator", "resolve_principal"),
        ("ministack.core.responses", "_BOTOCORE_NAME"),
        ("ministack.core.responses", "_service_model"),
        ("ministack.core.responses", "error_response_json"),
        ("ministack.services.athena", "_delete_workgroup"),
        ("ministack.services.athena", "_executions"),
        ("ministack.services.athena", "_named_queries"),
        ("ministack.services.athena", "_prepared_statements"),
        ("ministack.services.athena", "_save_query_results"),
        ("ministack.services.athena", "_start_query_execution"),
        ("ministack.services.athena", "_workgroups"),
        ("ministack.services.budgets", "_DISPATCH"),
        ("ministack.services.cloudwatch_logs", "_log_groups"),
        ("ministack.services.cloudwatch_logs", "_resolve_tag_record_by_arn"),
        ("ministack.services.scheduler", "_schedule_last_fired"),
        ("ministack.services.ssm", "_parameters"),
        ("ministack.services.ssm", "_tags"),
        ("ministack.services.tagging", "_COLLECTORS"),
        ("ministack.services.tagging", "_REMOVERS"),
        ("ministack.services.tagging", "_ResourceNotFound"),
        ("ministack.services.tagging", "_WRITERS"),
        ("ministack.services.tagging", "_matches_type_filters"),
        ("ministack.services.iam", "_IAM_HANDLERS"),
        ("ministack.services.iam", "_build_simulate_results_real"),
        ("ministack.services.iam", "_p"),
        ("ministack.core.responses", "get_account_id"),
        ("ministack.core.responses", "get_region"),
        ("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS"),
        ("ministack.services.cloudformation.provisioners", "_REPLACING_PROPERTIES"),
        ("ministack.services.cloudformation.provisioners", "_CUSTOM_NAME_REPLACEMENT"),
        ("ministack.services.cloudformation.provisioners", "_STACK_TAG_PROPERTY"),
        ("ministack.services.cloudformation.stacks", "_runs_on_worker_thread"),
        ("ministack.services.stepfunctions", "_AWS_SDK_SERVICE_MAP"),
        ("ministack.services.stepfunctions", "_AWS_SDK_ERROR_PREFIX"),
    ],
)
def test_ministack_still_has_it(module: str, name: str) -> None:
    """A new release of ministack that moved an internal fails here, by its name."""
    assert hasattr(importlib.import_module(module), name)
