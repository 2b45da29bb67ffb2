"""The layouts in which others prepared the published data sets with texts, and IEMOCAP."""

import json
import re
from collections import Counter

import pytest

import mla_core as mla
from mla_core.data.adapters import reader
from tests.core.data.adapters.test_layouts import CLIPS, settled, sides
from tests.core.media_files import picture, sound


def jsonl(root, image, label, sides=("train", "test"), **more):
    """Lists of 16 and 4 samples; `image` and `label` tell a sample's by its number."""
    for side, rows in zip(sides, (range(16), range(16, 20)), strict=False):
        lines = [{"id": str(i), "img": image(i), "label": label(i)} | more for i in rows]
        text = "\n".join(json.dumps(line) for line in lines)
        (root / f"{side}.jsonl").write_text(text + "\n", encoding="utf-8")


MOOD = ("positive", "negative")


def mvsa_files(root):
    for i in range(20):
        picture(root / "data" / f"{i}.jpg")
        (root / "data" / f"{i}.txt").write_text(f"tweet {i}")


def mvsa_txt(root):
    for side, rows in (("train", range(16)), ("test", range(16, 20))):
        lines = [f"{i}.jpg {MOOD[i % 2]}" for i in rows]
        (root / f"my_{side}_mvsa.txt").write_text("\n".join(lines))


MVSA = {
    "jsonl": (lambda r: jsonl(r, lambda i: f"data/{i}.jpg", lambda i: MOOD[i % 2], text="x"), "x"),
    "jsonl, moved": (
        lambda r: jsonl(r, lambda i: f"MVSA/{i}.jpg", lambda i: MOOD[i % 2]),
        "tweet 3",
    ),
    "txt": (mvsa_txt, "tweet 3"),
}


@pytest.mark.parametrize(("listed", "text"), MVSA.values(), ids=MVSA)
def test_mvsa_as_it_was_split_when_published(listed, text, tmp_path):
    mvsa_files(tmp_path)
    listed(tmp_path)
    manifest = settled("mvsa", tmp_path, split="published")
    assert manifest.faults == ()
    assert {i for i, side in sides(manifest).items() if side == "test"} == {"16", "17", "18", "19"}
    row = next(row for row in manifest.rows if row.id == "3")
    assert (row.label, row.parts["text"].content) == ("negative", text)
    assert row.parts["image"].content.name == "3.jpg"


def test_mvsa_with_numbers_for_moods(tmp_path):
    mvsa_files(tmp_path)
    jsonl(tmp_path, lambda i: f"data/{i}.jpg", lambda i: (0, 2)[i % 2])
    assert settled("mvsa", tmp_path, split="published").classes == ("0", "2")


THREE = [  # three people's moods of text and picture, and what the majority makes of it
    ("positive,positive positive,neutral negative,positive", "positive"),
    ("neutral,negative neutral,negative positive,positive", "negative"),
    ("positive,negative positive,negative positive,negative", None),
    ("positive,neutral neutral,neutral negative,neutral", None),
]


def test_mvsa_multiple_counts_what_most_people_said(tmp_path):
    mvsa_files(tmp_path)
    lines = [f"{i}\t" + THREE[i % 4][0].replace(" ", "\t") for i in range(20)]
    (tmp_path / "labelResultAll.txt").write_text(
        "\n".join(["ID\ttext,image\ttext,image\ttext,image", *lines])
    )
    manifest = settled("mvsa", tmp_path)
    labels = {row.id: row.label for row in manifest.rows}
    assert labels == {str(i): THREE[i % 4][1] for i in range(20) if THREE[i % 4][1]}
    assert manifest.notes[0].startswith("10 tweets")


DISH = ("apple_pie", "pho")


def food(root, texts=False):
    for i in range(20):
        name = f"{DISH[i % 2]}_{i}"
        picture(root / "images" / ("test" if i >= 16 else "train") / DISH[i % 2] / f"{name}.jpg")
        if texts:
            path = root / "texts_txt" / DISH[i % 2] / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes("crêpe\nand more".encode("utf-8" if i else "cp1252"))


@pytest.mark.parametrize("texts", [True, False])
def test_food101_with_a_file_for_each_text_or_with_lists(texts, tmp_path):
    food(tmp_path, texts)
    if not texts:
        path = "images/{}/{}/{}_{}.jpg"

        def image(i):
            return path.format("test" if i >= 16 else "train", DISH[i % 2], DISH[i % 2], i)

        jsonl(tmp_path, image, lambda i: DISH[i % 2], text="crêpe and more")
    manifest = settled("food101", tmp_path)
    assert manifest.faults == ()
    assert len(manifest.rows) == 20
    assert sum(row.split == "test" for row in manifest.rows) == 4
    assert {row.parts["text"].content for row in manifest.rows} == {"crêpe and more"}
    assert all("image" in row.parts for row in manifest.rows)
    told = [note.startswith("1 line that is not UTF-8 taken") for note in manifest.notes]
    assert any(told) == texts


@pytest.mark.parametrize("kind", ["jsonl", "txt"])
def test_food101_as_lists_split_it_though_its_folders_do_otherwise(kind, tmp_path):
    food(tmp_path, texts=True)
    for side, rows in (("train", range(2, 20)), ("dev", range(1)), ("test", range(1, 2))):
        names = [f"{DISH[i % 2]}_{i}.jpg" for i in rows]
        lines = [f"{name} {name.rsplit('_', 1)[0]}" for name in names]
        if kind == "jsonl":
            pairs = (line.split() for line in lines)
            lines = [json.dumps({"img": f"images/x/{img}", "label": label}) for img, label in pairs]
        (tmp_path / f"my_{side}_food.{kind}").write_text("\n".join(lines))
    manifest = settled("food101", tmp_path, split="lists")
    assert manifest.faults == ()
    assert Counter(sides(manifest).values()) == {"train": 18, "val": 1, "test": 1}
    assert all(set(row.parts) == {"image", "text"} for row in manifest.rows)
    assert all(row.id.startswith(row.label) for row in manifest.rows)


def test_which_of_two_kinds_of_lists_is_read_is_said(tmp_path):
    mvsa_files(tmp_path)
    mvsa_txt(tmp_path)
    jsonl(tmp_path, lambda i: f"data/{i}.jpg", lambda i: MOOD[i % 2])
    notes = settled("mvsa", tmp_path, split="published").notes
    assert (
        "lists are test.jsonl, train.jsonl; my_test_mvsa.txt, my_train_mvsa.txt are not read"
        in notes
    )


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"id": "1", "img": "data/1.jpg", "label": "pos', "is no JSON.*cut off"),
        ("[1, 2]", 'is not like {"id"'),
        ('{"id": "1", "img": "data/1.jpg", "label": ["a", "b"]}', 'is not like {"id"'),
        ('{"id": "1", "img": "gone.jpg", "label": "positive"}', r"no picture 'gone\.jpg'"),
        ('{"id": "x", "img": "../secret.jpg", "label": "positive"}', "leads outside"),
    ],
)
def test_a_line_of_a_list_that_cannot_be_used_is_a_fault(line, what, tmp_path):
    mvsa_files(tmp_path / "set")
    picture(tmp_path / "secret.jpg")
    (tmp_path / "set" / "train.jsonl").write_text(line)
    (fault,) = reader("mvsa")(str(tmp_path / "set"), split="published").faults
    assert re.search(rf"train\.jsonl, line 1: .*({what})", str(fault))


def iemocap(root):
    for session in range(1, 6):
        dialog = f"Ses0{session}F_impro01"
        path = root / f"Session{session}" / "dialog" / "EmoEvaluation" / f"{dialog}.txt"
        path.parent.mkdir(parents=True)
        turns = [f"[{i}.0 - {i}.5]\t{dialog}_F{i:03d}\t{m}\t[2, 2, 2]" for i, m in enumerate(FOUR)]
        path.write_text("\n".join(turns) + "\n")
        for i in range(8):
            wav = root / f"Session{session}" / "sentences" / "wav" / dialog
            sound(wav / f"{dialog}_F{i:03d}.wav", seconds=0.01)


FOUR = ("ang", "hap", "neu", "sad") * 2
TURN = "Ses0{}F_impro01_F{:03d}"
LINES = {
    "txt": ("my_{}_iemo.txt", "{} ang"),
    "csv": ("{}.csv", "{},ang"),
    "label first": ("{}.txt", "ang&{}&4"),
    "paths": ("{}.txt", "Session1/sentences/wav/x/{}.wav 0"),
    "with texts": ("my_{}_iemo.txt", "{}.mp4 [split|sign] We're well. [split|sign] Happy"),
}


@pytest.mark.parametrize(("name", "line"), LINES.values(), ids=LINES)
def test_iemocap_as_it_was_split_when_published(name, line, tmp_path):
    iemocap(tmp_path)
    test = {TURN.format(s, i) for s in range(1, 6) for i in range(2)}
    train = {TURN.format(s, i) for s in range(1, 6) for i in range(2, 7)}
    for side, turns in (("train", train), ("test", test)):
        lines = [line.format(turn) for turn in sorted(turns)]
        (tmp_path / name.format(side)).write_text("\n".join(lines))
    with (tmp_path / name.format("test")).open("a") as file:
        file.write("\n" + line.format("Ses01F_impro09_F000"))
    manifest = reader("iemocap")(str(tmp_path), split="published")
    assert {row.id for row in manifest.rows if row.split == "test"} == test
    assert {row.id for row in manifest.rows if row.split == "train"} == train
    assert "5 turns are in no list: left out" in manifest.notes
    assert "1 of 36 listed turns are not here, or in other moods" in manifest.notes


def test_iemocap_in_two_lists_or_in_none(tmp_path):
    iemocap(tmp_path)
    with pytest.raises(mla.DataError, match=r"no lists such as train\.txt"):
        reader("iemocap")(str(tmp_path), split="published")
    (tmp_path / "train.txt").write_text(f"{TURN.format(1, 0)}\nnonsense")
    (tmp_path / "test.txt").write_text(TURN.format(1, 0))
    faults = reader("iemocap")(str(tmp_path), split="published").faults
    assert sorted(str(fault).split(": ")[1][:24] for fault in faults) == [
        "Ses01F_impro01_F000 is i",
        "names no sample, as in S",
    ]


def test_files_that_are_called_alike_are_told(tmp_path):
    for clip in CLIPS:
        sound(tmp_path / "AudioWAV" / f"{clip}.wav", seconds=0.01)
    sound(tmp_path / "AudioWAV" / "more" / f"{CLIPS[0]}.wav", seconds=0.01)
    notes = settled("cremad", tmp_path).notes
    assert any(n.startswith("1 file is called as another, and not read: ") for n in notes)
