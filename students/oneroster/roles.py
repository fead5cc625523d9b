"""
Roles of 1.1, which stand in the users file, as the roles file of 1.2, and back.

1.1 gives a person one role at every one of their organisations. Inside the product there is
only the form of 1.2, so that nothing else asks which version a roster came in.
"""

import uuid

from students.oneroster.columns import KEY, MODIFIED, STATUS, TABLES
from students.oneroster.tables import Row, Table

_NAMESPACE = uuid.UUID("9d3b1c1e-5f0a-4f7e-8f53-0d4c2a1b6e70")
_COLUMNS = TABLES["1.2"]["roles"]
_INDEX = {column.name: at for at, column in enumerate(_COLUMNS)}

# What a role of 1.2 is called in 1.1, where the name differs. A counsellor is made an aide and
# not an administrator: another system may grant by the word.
_IN_1_1 = {
    "siteAdministrator": "administrator",
    "districtAdministrator": "administrator",
    "systemAdministrator": "administrator",
    "principal": "administrator",
    "counselor": "aide",
}
# A person with several roles is exported to 1.1 by the first of these.
PRECEDENCE = (
    "student",
    "teacher",
    "administrator",
    "aide",
    "proctor",
    "guardian",
    "parent",
    "relative",
)


def identifier(*parts: str) -> str:
    """Return an identifier that is the same for the same parts, always and everywhere."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def roles_of_users(users: Table, org_kinds: dict[str, str]) -> Table:
    """
    Return the roles that a users file of 1.1 implies, one for each person and organisation.

    ``org_kinds`` tells a school's administrator from a district's. Costs one row a pair.
    """
    roles = Table("roles", users.mode, _COLUMNS, is_sound=users.is_sound)
    for user in users.staying:
        roles.rows.extend(
            _role(user, org, role_in_1_2(user["role"], org_kinds.get(org, "")))
            for org in user.list("orgSourcedIds")
        )
    return roles


def _role(user: Row, org: str, role: str) -> Row:
    values = {
        KEY: identifier("role", user.key, org),
        STATUS: user[STATUS],
        MODIFIED: user[MODIFIED],
        "userSourcedId": user.key,
        "roleType": "primary",
        "role": role,
        "orgSourcedId": org,
    }
    return Row(user.number, tuple(values.get(column.name, "") for column in _COLUMNS), _INDEX)


def role_in_1_2(role: str, org_kind: str) -> str:
    if role != "administrator":
        return role
    return "siteAdministrator" if org_kind in ("school", "department") else "districtAdministrator"


def role_in_1_1(roles: set[str]) -> str:
    """Return the one role by which 1.1 knows a person with these roles of 1.2."""
    named = {_IN_1_1.get(role, role) for role in roles}
    return next((role for role in PRECEDENCE if role in named), min(named))
