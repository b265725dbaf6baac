"""Names of domains: one spelling for each, and which of them belong to many (the public suffix list)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_LENGTH = 230  # leaves room for a label such as `_trellis-challenge` before it: DNS has 253


def normalized_hostname(text: str) -> str | None:
    """Return a domain in lower case and ASCII (IDNA 2008, UTS 46), None for what is no name of a domain."""
    import idna

    try:
        name = idna.encode(text.strip().removesuffix("."), uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    labels = name.split(".")
    is_name = len(labels) > 1 and not labels[-1].isdigit() and len(name) <= MAX_LENGTH
    return name if is_name else None


def registrable(name: str) -> str | None:
    """Return the part of a domain that somebody registered, None for a public suffix such as `co.uk`."""
    found: str | None = _suffixes().privatesuffix(name)
    return found


@cache
def _suffixes() -> PublicSuffixList:
    """Read the list that the library brings along: about 0.1 s and 2 MB, for the first who needs it."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
