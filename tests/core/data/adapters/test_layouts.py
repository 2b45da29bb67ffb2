"""The layouts in which others prepared the published data sets, in small folders of their kind."""

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


def lists(root, train="train.csv", test="test.csv", header=""):
    for name, kept in ((train, lambda i: i % 5), (test, lambda i: i % 5 == 0)):
        lines = [f"{clip},{clip[9:12]}" for i, clip in enumerate(CLIPS) if kept(i)]
        (root / name).write_text("\n".join([*([header] if header else []), *lines]))


@pytest.mark.parametrize("where", ["folders", "lists", "txt", "header"])
def test_cremad_as_it_was_split_when_published(where, tmp_path):
    if where == "folders":
        cremad_in_sides(tmp_path)
    else:
        for clip in CLIPS:
            sound(tmp_path / "AudioWAV" / f"{clip}.wav", seconds=0.01)
        names = ("train.txt", "test.txt") if where == "txt" else ("train.csv", "test.csv")
        lists(tmp_path, *names, header="name,label" if where == "header" else "")
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
    assert any("does not begin with a clip" in fault for fault in faults)
