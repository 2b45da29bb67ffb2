"""What a split is made of: modalities, samples, their media, and their faults."""

from mla_core.data.samples.audio import (
    FRAMES,
    HOP,
    MELS,
    RATE,
    SAMPLES,
    WINDOW,
    add_noise,
    log_mel,
    mu_law_decode,
    mu_law_encode,
    to_int16,
    wav_bytes,
)
from mla_core.data.samples.characters import LETTERS, composed, decode, edit, encode
from mla_core.data.samples.checks import LARGEST, check_split
from mla_core.data.samples.faults import Fault, kinds_of_faults, refuse, write_faults
from mla_core.data.samples.media import Media, lines_png, media_from_tensor, name_lines, png_bytes
from mla_core.data.samples.on_disk import as_utf8, check_file, files_below, is_hidden
from mla_core.data.samples.parts import Parts
from mla_core.data.samples.prefetch import fetch, read_ahead, told_of
from mla_core.data.samples.source import Content, Enclosure, Source, file_source
from mla_core.data.samples.split import CODED, KINDS, SPLITS, Modality, Split, check_name
from mla_core.data.samples.stored import (
    DIGEST,
    ArrayOnDisk,
    Column,
    StoredColumn,
    digest,
    row_digest,
)
from mla_core.data.samples.tokens import Tokenizer

__all__ = [
    "CODED",
    "DIGEST",
    "FRAMES",
    "HOP",
    "KINDS",
    "LARGEST",
    "LETTERS",
    "MELS",
    "RATE",
    "SAMPLES",
    "SPLITS",
    "WINDOW",
    "ArrayOnDisk",
    "Column",
    "Content",
    "Enclosure",
    "Fault",
    "Media",
    "Modality",
    "Parts",
    "Source",
    "Split",
    "StoredColumn",
    "Tokenizer",
    "add_noise",
    "as_utf8",
    "check_file",
    "check_name",
    "check_split",
    "composed",
    "decode",
    "digest",
    "edit",
    "encode",
    "fetch",
    "file_source",
    "files_below",
    "is_hidden",
    "kinds_of_faults",
    "lines_png",
    "log_mel",
    "media_from_tensor",
    "mu_law_decode",
    "mu_law_encode",
    "name_lines",
    "png_bytes",
    "read_ahead",
    "refuse",
    "row_digest",
    "to_int16",
    "told_of",
    "wav_bytes",
    "write_faults",
]
