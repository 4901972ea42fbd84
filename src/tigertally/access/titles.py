"""What roles are called by people."""

from __future__ import annotations

from typing import Final

from tigertally.access.policy import Role
from tigertally.base.text import Text

ROLE_TITLES: Final[dict[Role, Text]] = {
    Role.LEAD: Text("数据安全负责人", "data-security lead"),
    Role.OFFICER: Text("合规审批人", "compliance officer"),
    Role.CUSTODIAN: Text("数据保管员", "data custodian"),
    Role.OPERATOR: Text("业务操作员", "operator"),
    Role.AUDITOR: Text("审计员", "auditor"),
}
