"""How to train: one file per method behind one protocol."""

from mla_core.methods.registry import METHODS, method_class

__all__ = ["METHODS", "method_class"]
