from typing import Any

_schedule_last_fired: dict[tuple[str, str, str], Any]
