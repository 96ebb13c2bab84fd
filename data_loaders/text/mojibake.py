"""Undo UTF-8 that was read as Latin-1 or Windows-1252, as in Instagram's own download: `cafÃ©` was `café`."""

from __future__ import annotations

import re

# What real text does not hold: control characters, and signs right behind letters that do not end words before signs.
_SIGNS = bytes(byte for byte in range(0x80, 0xA0) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)).decode("cp1252")
_EVIDENCE = re.compile(
    f"[\x80-\x9f]|[ÂÃ][\xa0-\xbf{_SIGNS}]|[ÄÅ][¡¢-¦¨¬\xad¯±µ-¶¹¼-¿]|â€|ðŸ|[ãäåæç][\xa0-\xbf{_SIGNS}]{{2}}"
)


def undo(text: str) -> str | None:
    r"""Return the text whose UTF-8 bytes were read one by one; None where these are not valid UTF-8.

    >>> undo("caf\u00c3\u00a9"), undo("café"), undo("cafe"), undo("東京")
    ('café', None, None, None)
    """
    if text.isascii():
        return None
    try:
        return b"".join(letter.encode("latin-1" if letter <= "\xff" else "cp1252") for letter in text).decode("utf-8")
    except UnicodeError:
        return None


def undo_evident(text: str) -> str | None:
    r"""Return `undo` where the text cannot have been meant as it stands, otherwise None.

    Rarely, real text is valid UTF-8 too: a capital with an accent before a sign, as in `CAFÉ®` and `OLÉ…`.

    >>> undo_evident("caf\u00c3\u00a9"), undo_evident("CAFÉ®")
    ('café', None)
    """
    return undo(text) if not text.isascii() and _EVIDENCE.search(text) else None
