"""How to train: one file per method behind one protocol."""

from mla_core.catalogue import METHODS, method_class

__all__ = ["METHODS", "method_class"]
