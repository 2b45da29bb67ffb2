"""What Jupyter's own packages are asked for, wherever kernels and notebooks are run."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

_GRAMMAR = "rfc3987_syntax"


@contextlib.contextmanager
def spare_the_grammar() -> Iterator[None]:
    """Import Jupyter's packages without a parser of internationalised addresses.

    jsonschema, with which they check notebooks and events, builds that parser's grammar when it is
    imported, which takes seconds, and does without where it is not installed. No schema of theirs
    holds such an address.

    Examples
    --------
    >>> with spare_the_grammar():
    ...     import nbformat
    """
    if _GRAMMAR in sys.modules:
        yield
        return
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment] # the way to say "not installed"
    try:
        yield
    finally:
        del sys.modules[_GRAMMAR]


def encrypted_kernels() -> dict[str, str]:
    """Return settings of Jupyter's `KernelManager`: what a kernel says is encrypted, if it can be.

    Otherwise every kernel warns that it talks to this machine in plain text. Older versions can
    neither encrypt nor warn.
    """
    from jupyter_client.manager import KernelManager

    known = KernelManager.class_trait_names()
    return {"transport_encryption": "auto"} if "transport_encryption" in known else {}
