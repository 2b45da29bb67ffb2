"""`mla-lab data check` and `load_dataset` say the same of the same data, before anything is trained."""

import pytest

import mla_core as mla
from mla_core.cli import main
from tests.core.media_files import SMALL, good_lines, write_manifest


def without(lines, column, *sides):
    for line in lines:
        if line["split"] in sides:
            line[column] = ""


def damaged(folder, lines, *sides):
    for line in lines:
        if line["split"] in sides:
            (folder / line["image"]).write_bytes(b"")


def gone(lines):
    for line in lines:
        line |= {"image": "gone/x.png", "sound": "gone/x.wav"}
        del line["song"]


def label_once(lines):
    for i, line in enumerate(lines):
        line["label"] = f"bird {i}"


ALL = ("train", "val", "test")
# what is done to the lines; what is said, or nothing; what is said with skip_bad, or nothing
CASES = {
    "good": (lambda f, x: None, "", ""),
    "no part of train": (
        lambda f, x: without(x, "image", "train"),
        "not one sample in train has a part 'image' that can be used: put its files",
        "not one sample in train has a part 'image'",
    ),
    "no part of test": (lambda f, x: without(x, "image", "test"), "", ""),
    "all pictures damaged": (
        lambda f, x: damaged(f, x, *ALL),
        "0.png: is no picture",
        "not one sample has a part 'image' that can be used: birds.csv, line 2, 0.png: is no",
    ),
    "those of test damaged": (lambda f, x: damaged(f, x, "test"), "10.png: is no picture", ""),
    "all files missing": (
        lambda f, x: gone(x),
        "has not one sample that can be used",
        "has not one sample that can be used",
    ),
    "every label once": (
        lambda f, x: label_once(x),
        "has not one sample that can be used",
        "occurs once",
    ),
    "no train": (
        lambda f, x: [line.update(split="val") for line in x if line["split"] == "train"],
        "has no sample in 'train' at all: write it in `split`",
        "has no sample in 'train' at all",
    ),
}


@pytest.mark.parametrize(("change", "said", "in_spite"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_both_doors_agree(change, said, in_spite, skip_bad, tmp_path, capsys):
    lines = good_lines(tmp_path)
    change(tmp_path, lines)
    path = write_manifest(tmp_path / "birds.csv", lines)
    wanted = in_spite if skip_bad else said
    arguments = ["data", "check", str(path), "-o", 'prepare={"size": 8}']
    code = main([*arguments, *(["--skip-bad"] if skip_bad else [])])
    printed = "".join(capsys.readouterr())
    options = {"prepare": SMALL, "cache": str(tmp_path / "cache"), "skip_bad": skip_bad}
    if not wanted:
        assert code == 0
        assert mla.load_dataset("manifest", path=str(path), **options).split("test").ids
        return
    assert code > 0
    assert wanted in printed
    with pytest.raises(mla.DataError) as refused:
        mla.load_dataset("manifest", path=str(path), **options)
    assert wanted in str(refused.value)


def test_a_side_without_a_part_is_said(tmp_path):
    lines = good_lines(tmp_path)
    without(lines, "image", "test")
    path = write_manifest(tmp_path / "birds.csv", lines)
    data = mla.load_dataset("manifest", path=str(path), prepare=SMALL, cache=str(tmp_path))
    assert "no sample in test has a part 'image'" in data.note


def test_a_published_set_without_its_pictures(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    lines = []
    for i in range(30):
        (tmp_path / "data" / f"{i}.txt").write_text("hi")
        lines.append(f"{i}\tpositive,positive")
    (tmp_path / "labelResultAll.txt").write_text("\n".join(lines))
    assert main(["data", "check", "mvsa", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "no faults" not in printed
    assert "cannot be loaded: data set 'mvsa': not one sample has a part 'image'" in printed
    with pytest.raises(mla.DataError, match="not one sample has a part 'image'"):
        mla.load_dataset("mvsa", root=str(tmp_path))
