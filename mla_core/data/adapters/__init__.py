"""Published data sets in the layouts in which people have them on disk."""

from mla_core.data.adapters.reading import ADAPTERS, preparation_of, reader

__all__ = [
    "ADAPTERS",
    "preparation_of",
    "reader",
]
