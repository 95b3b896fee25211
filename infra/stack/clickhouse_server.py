"""The ClickHouse server process: `python -m infra.stack.clickhouse_server LIBRARY serve CONFIG`.

libchdb holds all of ClickHouse. Its call `chdb_query_cmdline` is the command `clickhouse local`, which can
start the HTTP listener and then has to be kept busy: here by a query that sleeps, a row a second, for years.
"""

from __future__ import annotations

import ctypes
import os
import sys

_SERVE = (
    "SYSTEM START LISTEN HTTP; "
    "SELECT sleepEachRow(1) FROM numbers(4000000000) "
    "SETTINGS function_sleep_max_microseconds_per_block = 0, max_block_size = 1, max_execution_time = 0 "
    "FORMAT Null"
)


def main(library: str, _serve: str, config: str) -> int:
    """Serve until the process is killed; to return at all is a failure, whose reason is on standard error.

    The word `serve` is there so that the process can be told from an editor with the same file open.
    """
    os.environ["TZ"] = "UTC"  # goes before the configuration's timezone, so it must not be left to the user's
    clickhouse = ctypes.CDLL(library)
    clickhouse.chdb_query_cmdline.restype = ctypes.c_void_p
    arguments = ["clickhouse", f"--config-file={config}", "--log-level=information", f"--query={_SERVE}"]
    argv = (ctypes.c_char_p * (len(arguments) + 1))(*(a.encode() for a in arguments), None)
    result = clickhouse.chdb_query_cmdline(len(arguments), argv)
    clickhouse.chdb_result_error.restype = ctypes.c_char_p
    clickhouse.chdb_result_error.argtypes = [ctypes.c_void_p]
    error = clickhouse.chdb_result_error(result)
    print((error or b"").decode("utf-8", "replace"), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
