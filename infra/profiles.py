"""The settings under which every template is checked: together they turn on, and off, whatever changes a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def profiles(*, data: Path, photos: Path) -> dict[str, Mapping[str, Any]]:
    """Settings by the name of the profile. `data` has the four files, `photos` a folder for each class."""
    return {
        "default": {"data": str(data)},
        "everything": {
            "photos": str(photos),
            "owner": "Ana",
            "lease": "8h",
            "notify": ["ops@example.org"],
            "seats": ["ada", "grace", "linus"],
            "seat_instance_types": ["ml.m5.large", "ml.c5.xlarge"],
            "training_instance_count": 2,
            "spot": True,
        },
        # Instances whose own disks SageMaker takes no key for, another backend, and whatever can be left out left out.
        "least": {
            "data": str(data),
            "budget": 0,
            "capture_percentage": 0,
            "idle_minutes": 0,
            "backend": "jax",
            "training_instance_type": "ml.g4dn.xlarge",
            "endpoint_instance_type": "ml.g4dn.xlarge",
        },
    }
