"""A manifest that cannot be meant so is refused through every door, before anything is prepared."""

import pytest

import mla_core as mla
from mla_core.data.files import check_manifest
from mla_core.data.files.manifest_file import read_manifest


def table(tmp_path, text, name="birds.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("name", ["my song", "a/b", "2nd", "\u202esong", "keys"])
def test_a_column_that_cannot_be_a_modality_is_told_before_anything_is_prepared(name, tmp_path):
    path = table(tmp_path, f"id,label,{name}\n" + "".join(f"{i},owl,hoo\n" for i in range(9)))
    for use in (check_manifest, lambda path: mla.load_dataset("manifest", path=str(path))):
        with pytest.raises(mla.DataError, match=r"^modality name"):
            use(path)


@pytest.mark.parametrize(
    "text", ["a\\ud800b", "a\\u0000b", "\\u200b", "\\u200b \\u200b", "\\u202e\\u200f"]
)
def test_what_is_no_text_is_a_fault_through_every_door(text, tmp_path):
    lines = [f'{{"id": "{i}", "label": "owl", "song": "hoo {i}"}}' for i in range(12)]
    path = table(
        tmp_path,
        "\n".join([*lines, lines[0].replace('"0"', '"x"').replace("hoo 0", text)]),
        "t.jsonl",
    )
    assert "t.jsonl, line 13, song: " in check_manifest(path)
    with pytest.raises(mla.DataError, match=r"1 fault:\n  t\.jsonl, line 13, song: "):
        mla.load_dataset("manifest", path=str(path), cache=str(tmp_path / "c"))


def test_of_a_table_of_faults_the_first_is_told(tmp_path):
    path = table(tmp_path, '{"id": 1e999}\n{"id": 2e999}\n', "t.jsonl")
    with pytest.raises(
        mla.DataError, match=r"not one line that can be read: t\.jsonl, line 1: is not"
    ):
        read_manifest(path)
