"""A class with the notebooks: a variant for each student, and what the students guessed."""

from mla_core.classroom.guess import METADATA, MIME, kept_guess
from mla_core.classroom.handed_in import HandedIn, Row, collect_guesses
from mla_core.classroom.sheet import as_csv
from mla_core.classroom.variants import Variant, clean, read_names, variant_of, with_parameters

__all__ = [
    "METADATA",
    "MIME",
    "HandedIn",
    "Row",
    "Variant",
    "as_csv",
    "clean",
    "collect_guesses",
    "kept_guess",
    "read_names",
    "variant_of",
    "with_parameters",
]
