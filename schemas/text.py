"""Hashtags and mentions in a text."""
from __future__ import annotations
import re
_H=re.compile(r"(?<![\w&])[#＃](\w*[^\W\d_]\w*)")
_M=re.compile(r"(?<![\w@])[@＠](\w{1,20})")
def hashtags(text: str) -> tuple[str, ...]:
    return tuple(_H.findall(text))
def mentions(text: str) -> tuple[str, ...]:
    return tuple(_M.findall(text))
