"""What every stored value begins with, and the record that says how far a partition is."""

from __future__ import annotations

from struct import Struct
from typing import Final

FENCE: Final = Struct(">q")
"""First eight bytes of every value: the offset of the last input record it has applied. In the progress record: the
next offset to apply, and behind it what the stage keeps. Big-endian, so that raw values compare as their fences do."""
PROGRESS: Final = b"\0"
"""Key of the progress record, the last of every flush."""
