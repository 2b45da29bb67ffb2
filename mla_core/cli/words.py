"""What `argparse` itself says, in the reader's language."""

from __future__ import annotations

import argparse

from mla_core.language import later, tr

# As they stand in `argparse`; another Python may say some otherwise, and then in English.
WORDS = (
    later("usage: "),
    later("positional arguments"),
    later("options"),
    later("show this help message and exit"),
    later("%(prog)s: error: %(message)s\n"),
    later("argument %(argument_name)s: %(message)s"),
    later("the following arguments are required: %s"),
    later("one of the arguments %s is required"),
    later("not allowed with argument %s"),
    later("ambiguous option: %(option)s could match %(matches)s"),
    later("expected one argument"),
    later("expected at most one argument"),
    later("expected at least one argument"),
    later("expected %s argument"),
    later("expected %s arguments"),
    later("ignored explicit argument %r"),
    later("invalid %(type)s value: %(value)r"),
    later("invalid choice: %(value)r (choose from %(choices)s)"),
)


def speak() -> None:
    """Let `argparse` ask our catalogue; the one of gettext that it asks is the whole process's."""
    vars(argparse).update(_=tr, ngettext=lambda one, many, n: tr(one if n == 1 else many))
