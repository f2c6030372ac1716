"""The kinds of what Application Auto Scaling holds."""

from __future__ import annotations

TARGET, POLICY, ACTIVITY = "target", "policy", "activity"
