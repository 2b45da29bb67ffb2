"""Tables beside folders of media, as Hugging Face has them."""

import json

import pytest

import mla_core as mla
from mla_core.data.files.manifest_file import read_manifest
from tests.core.media_files import SMALL, picture

ROWS = [{"file_name": f"{i}.png", "label": "owl" if i % 2 else "tit"} for i in range(40)]


def write(tmp_path, name, rows):
    for row in rows:
        for column, cell in row.items():
            if column.endswith("file_name") and cell:
                picture(tmp_path / cell)
    path = tmp_path / name
    if path.suffix == ".csv":
        header = list(rows[0])
        lines = [",".join(row[column] for column in header) for row in rows]
        path.write_text("\n".join([",".join(header), *lines]))
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_folder_of_pictures(ending, tmp_path):
    path = write(tmp_path, f"metadata.{ending}", ROWS)
    data = mla.load_dataset("manifest", path=str(path), prepare=SMALL, cache=str(tmp_path / "c"))
    assert data.name == tmp_path.name
    assert list(data.modalities) == ["image"]
    assert data.classes == ("owl", "tit")
    assert sorted(i for side in ("train", "val", "test") for i in data.split(side).ids) == sorted(
        str(i) for i in range(40)
    )
    assert "id read from file_name" in data.note


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_split_and_label_are_read_from_the_folders_where_nobody_says_them(ending, tmp_path):
    files = ["train/owl/1.png", "validation/tit/1.png", "test/owl/2.png"]
    rows = [{"file_name": file, "caption": "hoo"} for file in files]
    found = read_manifest(write(tmp_path, f"metadata.{ending}", rows))
    assert [(row.split, row.label, row.id) for row in found.rows] == [
        ("train", "owl", "train/owl/1"),
        ("val", "tit", "validation/tit/1"),
        ("test", "owl", "test/owl/2"),
    ]
    assert found.kinds == {"image": "image", "caption": "text"}
    assert "id, split, label read from file_name" in found.notes


def test_several_files_of_a_row(tmp_path):
    rows = [{"left_file_name": "a.png", "right_file_name": "b.png", "label": "owl", "id": "1"}]
    found = read_manifest(write(tmp_path, "metadata.jsonl", rows))
    assert found.kinds == {"left": "image", "right": "image"}
    assert not found.notes


def test_objects_that_lack_a_key_lack_that_part(tmp_path):
    rows = [
        {"id": 0, "label": 0, "song": "hoo", "x": [1, 2]},
        {"id": 1, "label": 1, "song": None},
        {"id": 2, "label": 1, "x": [3, 4]},
    ]
    found = read_manifest(write(tmp_path, "birds.jsonl", rows))
    assert [(row.id, row.label, sorted(row.parts)) for row in found.rows] == [
        ("0", "0", ["song", "x"]),
        ("1", "1", []),
        ("2", "1", ["x"]),
    ]


BAD = {
    "cut": ('{"id": "2", "label', "is not one JSON object"),
    "no object": ('["2", "owl"]', "is not one JSON object"),
    "a key twice": ('{"id": "2", "id": "3", "label": "owl"}', "is not one JSON object"),
}


@pytest.mark.parametrize("case", BAD)
def test_no_line_is_swallowed(case, tmp_path):
    line, what = BAD[case]
    good = '{"id": "1", "label": "owl", "song": "hoo\u2028hoo"}'
    (tmp_path / "birds.jsonl").write_text(f"{good}\n{line}\n\n", encoding="utf-8")
    found = read_manifest(tmp_path / "birds.jsonl")
    assert (len(found.rows), found.read) == (1, 2)
    assert [fault.where for fault in found.faults] == ["birds.jsonl, line 2"]
    assert what in found.faults[0].what


def test_without_labels_it_says_so(tmp_path):
    path = write(tmp_path, "metadata.csv", [{"file_name": "1.png"}])
    with pytest.raises(ValueError, match="lacks the column 'label'"):
        read_manifest(path)
