"""`python -m infra.grafana`: write every dashboard to dashboards/, or with `--check` say which differ (exit 1)."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from infra.grafana.generate import generated

FOLDER = Path(str(files("infra.grafana"))) / "dashboards"


def main(check: bool) -> int:
    """Write or compare the files; return the exit code."""
    stale = [name for name, text in generated().items() if _read(FOLDER / name) != text]
    if check:
        print("\n".join(f"{name} is not what the code says; run python -m infra.grafana" for name in stale))
        return bool(stale)
    FOLDER.mkdir(exist_ok=True)
    for name, text in generated().items():
        (FOLDER / name).write_text(text)
    return 0


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
