"""Methods by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from mla_core.errors import one_of

if TYPE_CHECKING:
    from mla_core.methods.base import Method

# name -> (module, class, what it is); adding a method means one file and one line here.
METHODS: dict[str, tuple[str, str, str]] = {
    "mla": (
        "mla_core.methods.alternating",
        "Alternating",
        "one modality per sub-step, one shared head, head gradient modification (MLA, CVPR 2024)",
    ),
    "concat": (
        "mla_core.methods.concat",
        "Concat",
        "joint training on concatenated features, the baseline that shows modality laziness",
    ),
}


def method_class(name: str) -> type[Method]:
    """Return the class of the method called `name`."""
    one_of("method", name, METHODS)
    module, cls, _ = METHODS[name]
    found: type[Method] = getattr(importlib.import_module(module), cls)
    return found
