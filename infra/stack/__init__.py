"""The local stack: a real Kafka and a real ClickHouse on loopback, without a container engine.

See `stack` for what can be done with it and `errors` for what can go wrong.
"""

from infra.stack.errors import NotInstalled, PortTaken, StackBusy, StackError, StartFailed
from infra.stack.info import ServiceInfo, StackInfo
from infra.stack.stack import down, send, start, status, stop, up

__all__ = [
    "NotInstalled",
    "PortTaken",
    "ServiceInfo",
    "StackBusy",
    "StackError",
    "StackInfo",
    "StartFailed",
    "down",
    "send",
    "start",
    "status",
    "stop",
    "up",
]
