"""People's own files, arrays and tables: read, checked, prepared once, kept on disk."""

from mla_core.data.files.arrays import parts_of_arrays
from mla_core.data.files.cache import default_cache
from mla_core.data.files.dealing import deal, deal_groups
from mla_core.data.files.hugging_face import parts_of_hugging_face
from mla_core.data.files.manifest import Manifest, Row
from mla_core.data.files.manifest_file import read_manifest
from mla_core.data.files.proposal import propose, propose_manifest, write_proposal
from mla_core.data.files.rows import load_rows
from mla_core.data.files.survey import check_manifest, describe, survey

__all__ = [
    "Manifest",
    "Row",
    "check_manifest",
    "deal",
    "deal_groups",
    "default_cache",
    "describe",
    "load_rows",
    "parts_of_arrays",
    "parts_of_hugging_face",
    "propose",
    "propose_manifest",
    "read_manifest",
    "survey",
    "write_proposal",
]
