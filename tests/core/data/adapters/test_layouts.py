"""The layouts in which others prepared the published data sets, in small folders of their kind."""

import re
from collections import Counter

import pytest

import mla_core as mla
from mla_core.data.adapters import reader
from mla_core.data.files.manifest import settle
from tests.core.media_files import picture, sound, video

CLIPS = [f"10{actor:02d}_DFA_{mood}_XX" for actor in range(10) for mood in ("ANG", "SAD", "HAP")]


def settled(name, root, **options):
    return settle(reader(name)(str(root), **options))


def sides(manifest):
    return {row.id: row.split for row in manifest.rows}


def frames_in(folder):
    def make(root, clip):
        picture(root / folder / clip / "00000.jpg")

    return make


VIDEOS = {
    "VideoFlash, flv": lambda r, c: video(r / "VideoFlash" / f"{c}.flv", frames=1),
    "VideoFlash, mp4": lambda r, c: video(r / "VideoFlash" / f"{c}.mp4", frames=1),
    "VideoMP4": lambda r, c: video(r / "VideoMP4" / f"{c}.mp4", frames=1),
    "visual, frames": frames_in("visual"),
    "visual, mp4": lambda r, c: video(r / "visual" / f"{c}.mp4", frames=1),
    **{name: frames_in(name) for name in ("Image-01-FPS", "Image-03-FPS", "Image-10-FPS-SE")},
    "frames of frames": frames_in("visual/train_imgs/Image-01-FPS"),
}


@pytest.mark.parametrize("make", VIDEOS.values(), ids=VIDEOS)
@pytest.mark.parametrize("heard", ["AudioWAV", "audio"])
def test_cremad_where_its_sounds_and_videos_lie(heard, make, tmp_path):
    for clip in CLIPS:
        sound(tmp_path / heard / f"{clip}.wav", seconds=0.01)
        make(tmp_path, clip)
    manifest = settled("cremad", tmp_path)
    assert len(manifest.rows) == 30
    assert all(set(row.parts) == {"audio", "video"} for row in manifest.rows)


def cremad_in_sides(root):
    for i, clip in enumerate(CLIPS):
        side = "test" if i % 5 == 0 else "train"
        sound(root / "audio" / side / f"{clip}.wav", seconds=0.01)
        picture(root / "visual" / side / clip / "0.jpg")


def lists(root, train="train.csv", test="test.csv", line="{},ANG", header=""):
    for name, kept in ((train, lambda i: i % 5), (test, lambda i: i % 5 == 0)):
        lines = [line.format(clip) for i, clip in enumerate(CLIPS) if kept(i)]
        (root / name).write_text("\n".join([*([header] if header else []), *lines]))


LISTS = {  # names of the two lists, a line, and a header
    "csv": ("train.csv", "test.csv", "{},ANG", ""),
    "txt": ("train.txt", "test.txt", "{},ANG", ""),
    "header": ("train.csv", "test.csv", "{},ANG", "name,label"),
    "words": ("my_train_cre.txt", "my_test_cre.txt", "{}.flv Anger", ""),
    "words, no suffix": ("80_train_cre.txt", "10_test_cre.txt", "{} Anger", ""),
    "paths": ("train.txt", "test.txt", "AudioWAV/{}.wav 0", ""),
}


@pytest.mark.parametrize("where", ["folders", *LISTS])
def test_cremad_as_it_was_split_when_published(where, tmp_path):
    if where == "folders":
        cremad_in_sides(tmp_path)
    else:
        for clip in CLIPS:
            sound(tmp_path / "AudioWAV" / f"{clip}.wav", seconds=0.01)
        lists(tmp_path, *LISTS[where])
    found = sides(settled("cremad", tmp_path, split="published"))
    assert {clip for clip, side in found.items() if side == "test"} == set(CLIPS[::5])
    assert Counter(found.values())["val"] >= 3
    assert len(found) == 30


def test_cremad_counts_what_the_lists_do_not_know(tmp_path):
    for clip in [*CLIPS[1:], "1050_DFA_ANG_XX"]:
        sound(tmp_path / "AudioWAV" / f"{clip}.wav", seconds=0.01)
    lists(tmp_path)
    manifest = settled("cremad", tmp_path, split="published")
    assert "1 clip on this disk, but in no list: left out" in manifest.notes
    assert "1 of 30 listed clips are not on this disk" in manifest.notes


def test_cremad_in_two_lists_or_in_none(tmp_path):
    for clip in CLIPS:
        sound(tmp_path / "AudioWAV" / f"{clip}.wav", seconds=0.01)
    with pytest.raises(mla.DataError, match=r"neither train\.csv and test\.csv nor folders"):
        reader("cremad")(str(tmp_path), split="published")
    lists(tmp_path)
    with (tmp_path / "train.csv").open("a") as file:
        file.write(f"\n{CLIPS[0]},ANG\nnonsense")
    faults = [str(fault) for fault in reader("cremad")(str(tmp_path), split="published").faults]
    assert any("is in test as well" in f or "is in train as well" in f for f in faults)
    assert any("names no sample, as in 1001" in fault for fault in faults)


IDS = [f"{'-_aZ'[i % 4]}{i:09d}x" for i in range(24)]
LABELS = ("playing_organ", "tap dancing")


def kinetics_table(root, name="k.csv", split=True, rows=range(24)):
    lines = ["label,youtube_id,time_start,time_end" + (",split" if split else "")]
    for i in rows:
        side = ",test" if i >= 16 else ",train"
        lines.append(f"{LABELS[i % 2]},{IDS[i]},{i},{i + 10}" + (side if split else ""))
    (root / name).write_text("\n".join(lines))


def kinetics_list(root, label=lambda i: LABELS[i % 2]):
    for name, rows in (("my_train.txt", range(16)), ("my_test.txt", range(16, 24))):
        lines = [f"{IDS[i]}_{i}_{i + 10},{label(i)}" for i in rows]
        (root / name).write_text("\n".join(lines))


def kinetics_words(root):
    for name, rows in (("my_train_ks.txt", range(16)), ("my_test_ks.txt", range(16, 24))):
        lines = [f"{IDS[i]}_{i:06d}_{i + 10:06d}.mp4 {LABELS[i % 2]}" for i in rows]
        (root / name).write_text("\n".join(lines))


def kinetics_lengths(root):
    for name, rows in (("my_train.txt", range(16)), ("my_test.txt", range(16, 24))):
        (root / name).write_text("\n".join(f"{IDS[i]}_{i},10,{LABELS[i % 2]}" for i in rows))


def numbered(root):
    kinetics_list(root, lambda i: i % 2)
    (root / "class.txt").write_text("playing organ,tap dancing")


def two_tables(root):
    kinetics_table(root, "train.csv", split=False, rows=range(16))
    kinetics_table(root, "validate.csv", split=False, rows=range(16, 24))


KINETICS = {
    "labels with _": kinetics_table,
    "a table for each side": two_tables,
    "the same in two tables": lambda r: (kinetics_table(r), kinetics_table(r, "k600.csv")),
    "lists": kinetics_list,
    "lists with words": kinetics_words,
    "lists with lengths": kinetics_lengths,
    "lists with numbers": numbered,
    "no list": lambda r: None,
}
FRAMES = {
    "frames": lambda r, i, f: picture(r / f / f"{IDS[i]}_{i:06d}_{i + 10:06d}" / "1.jpg"),
    "frames named by id": lambda r, i, f: picture(r / f / IDS[i] / "frame1.jpg"),
    "mp4": lambda r, i, f: video(r / f / f"{IDS[i]}_{i:06d}_{i + 10:06d}.mp4", frames=1),
}


@pytest.mark.parametrize("listed", KINETICS.values(), ids=KINETICS)
@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_kinetics_sounds_as_it_is_listed_and_laid_out(listed, make, tmp_path):
    for i in range(24):
        folder = f"{'test' if i >= 16 else 'train'}/{LABELS[i % 2]}"
        make(tmp_path, i, folder)
        sound(tmp_path / folder / f"{IDS[i]}.wav", seconds=0.01)
    listed(tmp_path)
    manifest = settled("kinetics_sounds", tmp_path)
    assert manifest.faults == ()
    assert len({row.group for row in manifest.rows}) == len(manifest.rows) == 24
    assert {row.group for row in manifest.rows if row.split == "test"} == set(IDS[16:])
    assert set(manifest.classes) == {"playing organ", "tap dancing"}
    assert all(row.parts["audio"].content.suffix == ".wav" for row in manifest.rows)
    assert all("video" in row.parts for row in manifest.rows)


@pytest.mark.parametrize("listed", [True, False])
def test_kinetics_sounds_keeps_a_val_beside_a_test(listed, tmp_path):
    for i in range(24):
        side = ("train", "val", "test")[(i >= 16) + (i >= 20)]
        video(tmp_path / side / "bowling" / f"{IDS[i]}.mp4", frames=1)
        if listed:
            with (tmp_path / f"my_{side}.txt").open("a") as file:
                file.write(f"{IDS[i]}_{i}_{i + 10},bowling\n")
    found = settled("kinetics_sounds", tmp_path).rows
    assert Counter(row.split for row in found) == {"train": 16, "val": 4, "test": 4}


def test_kinetics_sounds_counts_what_is_listed_twice(tmp_path):
    for i in range(24):
        video(tmp_path / f"{IDS[i]}.mp4", frames=1)
    kinetics_table(tmp_path)
    kinetics_table(tmp_path, "k600.csv", rows=range(5))
    assert "5 lines said again what others had said" in settled("kinetics_sounds", tmp_path).notes


def test_kinetics_sounds_whose_lists_have_numbers_that_nobody_names(tmp_path):
    for i in range(24):
        video(tmp_path / f"{IDS[i]}.mp4", frames=1)
    kinetics_list(tmp_path, lambda i: (2, 10)[i % 2])
    manifest = settled("kinetics_sounds", tmp_path)
    assert manifest.classes == ("2", "10")
    assert any("put their names in class.txt" in note for note in manifest.notes)
    assert len(manifest.rows) == 24


@pytest.mark.parametrize("line", ["short,bowling", f"{IDS[0]}_0_10", f"{IDS[0]}_0_10,7"])
def test_a_line_of_a_kinetics_list_that_says_nothing_is_a_fault(line, tmp_path):
    (tmp_path / "my_train.txt").write_text(f"{line}\n{IDS[1]}_0_10,bowling")
    (fault,) = reader("kinetics_sounds")(str(tmp_path)).faults
    assert re.match(r"my_train\.txt, line 1: (is not `<id>_<start>|has the number 7)", str(fault))


def test_kinetics_sounds_hears_whole_videos_though_there_are_frames(tmp_path):
    for i in range(24):
        side = "test" if i >= 16 else "train"
        video(tmp_path / side / "bowling" / f"{IDS[i]}.mp4", frames=1)
        picture(tmp_path / side / "bowling" / IDS[i] / "1.jpg")
    manifest = settled("kinetics_sounds", tmp_path)
    assert all(row.parts["audio"] and row.parts["video"] for row in manifest.rows)
    assert any(n.startswith("24 files are called as another, and not read") for n in manifest.notes)
