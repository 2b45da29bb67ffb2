"""Bad files: each is named with what to do, and `skip_bad` leaves it out and lists it."""

import csv

import numpy as np
import pytest

import mla_core as mla
from mla_core.data.decoding import Preparation
from mla_core.data.files.manifest_file import read_manifest
from mla_core.data.files.survey import describe, survey
from tests.core.media_files import (
    SMALL,
    good_lines,
    hours_of_silence,
    huge_png,
    noise_picture,
    picture,
    sound,
    video,
    write_manifest,
)


def half(path):
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def write(raw):
    return lambda path: path.write_bytes(raw)


def nan_sound(path):
    import soundfile

    soundfile.write(path, np.full(100, np.nan), 8000, subtype="FLOAT")


def link_to_itself(path):
    path.symlink_to(path.name)


def link_outside(path):
    outside = picture(path.parent.parent / "outside.png")
    path.symlink_to(outside)


# column, file's name, how it is made, what the message says beside the name
FILES = {
    "truncated JPEG": ("image", "bad.jpg", lambda p: half(noise_picture(p)), "cut off or damaged"),
    "truncated PNG": ("image", "bad.png", lambda p: half(noise_picture(p)), "cut off or damaged"),
    "truncated WebP": (
        "image",
        "bad.webp",
        lambda p: half(noise_picture(p)),
        "copy|export it anew",
    ),
    "no picture": ("image", "bad.jpg", write(b"<html>not found"), "no picture that can be read"),
    "empty picture": ("image", "bad.png", write(b""), "no picture that can be read"),
    "bomb": ("image", "bad.png", huge_png, "far too many pixels.*shrink it"),
    "empty WAV": ("sound", "bad.wav", write(b""), "empty .0 bytes.*copy it again"),
    "0 samples": ("sound", "bad.wav", lambda p: sound(p, 0.0), "0 samples.*leave the cell empty"),
    "three hours": ("sound", "bad.wav", hours_of_silence, "lasts 3.0 h.*#t=12,15"),
    "no sound": ("sound", "bad.wav", write(b"RIFF nothing"), "no sound that can be read"),
    "NaN": ("sound", "bad.wav", nan_sound, "NaN or infinity"),
    "link to itself": ("image", "bad.png", link_to_itself, "link that leads to itself"),
    "link outside": ("image", "bad.png", link_outside, "leads outside the folder"),
}


@pytest.fixture
def lines(tmp_path):
    (tmp_path / "set").mkdir()
    return good_lines(tmp_path / "set")


def load(tmp_path, lines, **options):
    path = write_manifest(tmp_path / "set" / "birds.csv", lines)
    options = {"prepare": SMALL, "cache": str(tmp_path / "cache")} | options
    return mla.load_dataset("manifest", path=str(path), **options)


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_named_or_left_out(case, tmp_path, lines):
    column, name, make, what = FILES[case]
    make(tmp_path / "set" / name)
    lines[3][column] = name
    with pytest.raises(mla.DataError, match=rf"line 5, {name}.*({what})"):
        load(tmp_path, lines)
    data = load(tmp_path, lines, skip_bad=True)
    (fault,) = data.left_out
    assert (fault.sample, fault.modality) == ("s3", column)
    train = data.split("train")
    row = list(data.modalities).index(column)
    assert train.present[:, train.ids.index("s3")].tolist() == [m != row for m in range(3)]
    assert train.present.sum() == 3 * len(train) - 1
    found = survey(read_manifest(tmp_path / "set" / "birds.csv"), Preparation.of(SMALL))
    assert any(name in line for line in describe(found) if line.startswith("fault"))


TEXTS = {
    "UTF-16": ("hoo".encode("utf-16"), "is UTF-16 or no text at all: save it in UTF-8"),
    "NUL": (b"ho\0o", "no text at all: save it in UTF-8"),
    "Latin-1": ("hóo".encode("latin-1"), "not UTF-8.*0xf3.*save it in UTF-8"),
    "empty": (b" \n ", "is empty"),
    "long": (b"x" * (2**20 + 1), "more than a text of one sample"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_bad_text_is_named(case, tmp_path, lines):
    raw, what = TEXTS[case]
    for i, line in enumerate(lines):
        (tmp_path / "set" / f"{i}.txt").write_text("hoo", encoding="utf-8")
        line["song"] = f"{i}.txt"
    (tmp_path / "set" / "3.txt").write_bytes(raw)
    with pytest.raises(mla.DataError, match=rf"line 5, 3.txt.*{what}"):
        load(tmp_path, lines)


VIDEOS = {
    "no frames": (lambda p: video(p, frames=0, tone=0.2), "no video|no frames|no picture"),
    "sound alone": (lambda p: sound(p.with_suffix(".wav")).rename(p), "holds no picture"),
    "no video": (write(b"nothing"), "no video that can be read"),
    "empty folder": (lambda p: (p.unlink(missing_ok=True), p.mkdir()), "folder without frames"),
}


@pytest.mark.parametrize("case", VIDEOS)
def test_a_bad_video_is_named(case, tmp_path):
    make, what = VIDEOS[case]
    lines = [
        {"id": f"s{i}", "label": "ab"[i % 2], "split": side, "clip:video": f"{i}.mp4", "words": "x"}
        for i, side in enumerate(["train"] * 4 + ["val"] * 2 + ["test"] * 2)
    ]
    (tmp_path / "set").mkdir()
    for i in range(8):
        video(tmp_path / "set" / f"{i}.mp4", frames=2)
    make(tmp_path / "set" / "2.mp4")
    with pytest.raises(mla.DataError, match=rf"line 4, 2.mp4.*({what})"):
        load(tmp_path, lines)
    data = load(tmp_path, lines, skip_bad=True)
    assert [fault.sample for fault in data.left_out] == ["s2"]


# what is changed in the fourth line, and what the message says
ROWS = {
    "duplicate id": ({"id": "s2"}, "id 's2' stands in birds.csv, line 4 already"),
    "id that is a path": ({"id": "../../s3"}, r"'../../s3' looks like a path"),
    "no id": ({"id": ""}, "has no id"),
    "id with a line break": ({"id": "s\n3"}, "not plain text"),
    "no label": ({"label": ""}, "has no label"),
    "label once": ({"label": "ovl"}, "label 'ovl' occurs once: is it 'owl', misspelt"),
    "unknown split": ({"split": "dev"}, "split is 'dev': write train, val or test"),
    "no split": ({"split": ""}, "split is ''"),
    "no part": ({"image": "", "sound": "", "song": ""}, "no part at all"),
    "no such file": ({"image": "gone.png"}, "no such file.*leave the cell empty"),
    "backslashes": ({"image": "a\\gone.png"}, "write paths with / instead"),
    "outside": ({"image": "../../etc/x.png"}, "leads outside the folder.*root"),
    "absolute": ({"image": "/etc/x.png"}, "leads outside the folder"),
    "empty piece": ({"sound": "3.wav#t=2,1"}, "piece from 2.0 to 1.0 s is empty"),
    "piece after the end": ({"sound": "3.wav#t=7,8"}, "before the piece that begins at 7.0 s"),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_bad_line_is_named_or_left_out(case, tmp_path, lines):
    change, what = ROWS[case]
    lines[3] |= change
    with pytest.raises(mla.DataError, match=f"line 5.*{what}"):
        load(tmp_path, lines)
    data = load(tmp_path, lines, skip_bad=True)
    assert len(data.left_out) == 1
    assert "line 5" in data.left_out[0].where


def test_a_class_that_is_missing_from_test_is_told(tmp_path, lines):
    for line in lines[10:]:
        line["label"] = "tit"
    assert "no sample of 'owl' in test: nothing is measured there" in load(tmp_path, lines).note


def test_a_class_that_is_missing_from_train_is_a_fault(tmp_path, lines):
    for line in lines[:8]:
        line["label"] = "tit"
    with pytest.raises(mla.DataError, match=r"line 11.*'owl' is missing from train"):
        load(tmp_path, lines)


def test_samples_that_lose_every_part_go_and_the_rest_is_checked_again(tmp_path, lines):
    for line in lines:
        line |= {"sound": "", "song": ""}
    lines[0]["song"] = lines[1]["song"] = "x"
    lines[0]["sound"] = lines[1]["sound"] = "0.wav"
    (tmp_path / "set" / "5.png").write_bytes(b"")
    data = load(tmp_path, lines, skip_bad=True)
    assert "s5" not in data.split("train").ids
    assert len(data.split("train")) == 7


def test_the_run_folder_lists_what_was_left_out(tmp_path, lines):
    lines[3]["image"] = "gone.png"
    path = write_manifest(tmp_path / "set" / "birds.csv", lines)
    options = {"path": str(path), "prepare": SMALL, "cache": str(tmp_path), "skip_bad": True}
    config = mla.ExperimentConfig(dataset="manifest", dataset_options=options, epochs=1)
    folder = mla.run_experiment(config, tmp_path / "runs")
    (row,) = csv.DictReader((folder / "left_out.csv").read_text(encoding="utf-8").splitlines())
    assert (row["sample"], row["modality"]) == ("s3", "image")
    assert "no such file" in row["what"]


def test_a_cache_that_cannot_be_written_is_said_before_anything_is_read(tmp_path, lines):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        mla.DataError, match=r"prepared data cannot be kept.*file/cache.*Set `cache`"
    ):
        load(tmp_path, lines, cache=str(tmp_path / "file" / "cache"))


def test_a_prepared_set_needs_no_writable_cache(tmp_path, lines, monkeypatch):
    first = load(tmp_path, lines)

    def refuse(folder):
        raise mla.ConfigError("read-only")

    monkeypatch.setattr("mla_core.data.files.cache.check_writable", refuse)
    assert load(tmp_path, lines).fingerprint == first.fingerprint


def loud(path):
    import soundfile

    x = np.zeros(4000, np.float32)
    x[200] = 1e25
    soundfile.write(path, x, 8000, subtype="FLOAT")


def vector(number):
    return lambda path: np.save(path, np.array([1.0, number]))


# how a file is made whose numbers are beyond what can be computed with, and whether its head tells
BEYOND = {
    "a sound": ("loud.wav", loud, False),
    "a vector": ("1.npy", vector(1e25), True),
    "a vector of float64": ("1.npy", vector(1e300), True),
    "below zero": ("1.npy", vector(-1e16), True),
}


@pytest.mark.parametrize("case", BEYOND)
def test_numbers_beyond_all_bounds_are_faults(case, tmp_path, lines):
    name, make, at_once = BEYOND[case]
    folder = tmp_path / "set"
    make(folder / name)
    for i, line in enumerate(lines):
        if name.endswith(".npy"):
            np.save(folder / f"v{i}.npy", np.array([1.0, i]))
            line["size"] = f"v{i}.npy"
    lines[3]["size" if name.endswith(".npy") else "sound"] = name
    path = write_manifest(folder / "birds.csv", lines)
    prepared = Preparation.of(SMALL)
    deep = survey(read_manifest(path), prepared, deep=True).faults
    assert [fault.sample for fault in deep] == ["s3"]
    assert bool(survey(read_manifest(path), prepared).faults) >= at_once
    with pytest.raises(mla.DataError, match=f"{name}.*(beyond|up to) 1e"):
        load(tmp_path, lines)
