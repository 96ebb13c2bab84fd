"""Names under which forgotten users are known after their ids are erased."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable

_SALTED, _UNSALTED = "hmac-sha256", "sha256"
_FORM = re.compile(rf"(?:{_UNSALTED}|{_SALTED}:([0-9a-f]{{32}})):[0-9a-f]{{64}}")


def new_salt() -> str:
    """Return a random salt, 32 hexadecimal digits; each log has its own."""
    return secrets.token_hex(16)


def pseudonym(user_id: str, salt: str | None) -> str:
    """Return HMAC-SHA256 of a user's id, keyed with a salt that the name begins with; RFC 2104.

    Args:
        user_id: the user.
        salt: see `new_salt`; None for the plain SHA-256 that earlier versions wrote.

    >>> pseudonym("77", None)[:20]
    'sha256:a88a7902cb4ef'
    """
    id_bytes = user_id.encode("utf-8", "surrogatepass")
    if salt is None:
        return f"{_UNSALTED}:{hashlib.sha256(id_bytes).hexdigest()}"
    return f"{_SALTED}:{salt}:{hmac.new(bytes.fromhex(salt), id_bytes, hashlib.sha256).hexdigest()}"


def is_pseudonym(name: str) -> bool:
    """Return whether a name has the form of a pseudonym, with or without a salt."""
    return _FORM.fullmatch(name) is not None


def unmasked(names: Collection[str], user_ids: Iterable[str]) -> dict[str, str]:
    """Return which of the users the names stand for, by name; a user's own id stands for the user too.

    Args:
        names: ids and pseudonyms, of any salts.
        user_ids: users that are known.
    """
    forms = {name: form for name in names if (form := _FORM.fullmatch(name)) is not None}
    salts = {form[1] for form in forms.values()}
    found = {}
    for user_id in user_ids:
        for name in (user_id, *(pseudonym(user_id, salt) for salt in salts)):
            if name in names:
                found[name] = user_id
    return found


def may_be_same(name: str, other: str) -> bool:
    """Return whether a pseudonym and an id, or two pseudonyms, may be of one user: those of two salts always may."""
    form, other_form = _FORM.fullmatch(name), _FORM.fullmatch(other)
    if form is not None and other_form is not None and form[1] != other_form[1]:
        return True
    return bool(unmasked([name], [other]))
