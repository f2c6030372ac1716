"""What Glue's databases and Athena's workgroups of a lab and its seats are called.

Athena takes no hyphens in a database's name, and no name of ours has two in a row: so a database has underscores for
them, and two between the lab and the seat, which no other pair of names comes to.
"""

from __future__ import annotations


def database(lab: str, seat: str = "") -> str:
    """The lab's database, or a seat's."""
    return "__".join(name.replace("-", "_") for name in (lab, seat) if name)


def workgroup(lab: str, seat: str = "") -> str:
    """The lab's workgroup, or a seat's."""
    return f"{lab}-{seat}" if seat else lab
