"""A ClickHouse users file: `default`, who may do everything, from the server's own machine alone, and who else there is."""

from __future__ import annotations

_BEFORE = """\
<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/>
      <networks replace="replace"><ip>::1</ip><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
"""
_AFTER = """\
  </users>
</clickhouse>
"""


def users_file(others: str = "") -> str:
    """Return the file; `others` are elements of further users. It may also be laid over a server's own."""
    return f"{_BEFORE}{others}{_AFTER}"
