"""What can go wrong with the local stack. Every message is one clear line that says what to do.

StackError
├── NotInstalled    a piece `make setup` puts there is missing or of another version
├── PortTaken       a port the user fixed is in use
├── StartFailed     a server died or did not answer; the message ends with its last log lines
└── StackBusy       another process is starting or stopping the same stack
"""

from __future__ import annotations


class StackError(Exception):
    """Base of all errors of the local stack; `message` is meant for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotInstalled(StackError):
    """A jar, a library or a Java runtime is missing."""


class PortTaken(StackError):
    """A port that was asked for by number is in use by somebody else."""


class StartFailed(StackError):
    """A server did not come up. The lines after the first are the end of its log."""


class StackBusy(StackError):
    """The folder's lock is held by another start or stop for too long."""
