"""The files browsers get."""

from __future__ import annotations

import re
from hashlib import sha256

from streams.page.app import STATIC

ECHARTS = "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0"


def test_the_charting_library_is_the_published_one() -> None:
    """The file is unchanged, and its package, version and licence stand beside it."""
    assert sha256((STATIC / "vendor" / "echarts.min.js").read_bytes()).hexdigest() == ECHARTS
    readme = (STATIC / "vendor" / "README.md").read_text()
    version = re.search(rb't\.version="([\d.]+)",t\.zrUtil', (STATIC / "vendor" / "echarts.min.js").read_bytes())
    assert version
    assert f"| {version[1].decode()} |" in readme
    for name in re.findall(r"`((?:LICENSE|NOTICE)[\w.]+)`", readme):
        assert (STATIC / "vendor" / name).stat().st_size > 100


def test_the_page_asks_nobody_else() -> None:
    """No file of ours names another host, has inline script or style, or makes markup out of text."""
    ours = [
        path for path in STATIC.rglob("*") if path.suffix in (".html", ".css", ".js") and path.parent.name != "vendor"
    ]
    assert len(ours) > 10
    for path in ours:
        text = path.read_text()
        assert "://" not in text, path
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            path
        )
        assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", text), path
