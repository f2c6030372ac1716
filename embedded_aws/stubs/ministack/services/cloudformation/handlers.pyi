from ministack.services.cloudformation.engine import _evaluate_conditions as _evaluate_conditions
from ministack.services.cloudformation.stacks import _delete_stack_async as _delete_stack_async
from ministack.services.cloudformation.stacks import _deploy_stack_async as _deploy_stack_async

def _capabilities_enforced() -> bool: ...
