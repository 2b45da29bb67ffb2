"""Published data sets, in small folders laid out and named as the real ones are."""

import gzip
import struct
from collections import Counter

import numpy as np
import pytest

import mla_core as mla
from mla_core.cli import main
from mla_core.data.adapters import ADAPTERS, reader
from mla_core.data.files.manifest import settle
from tests.core.media_files import SMALL, picture, sound, video

MOODS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")


def cremad(root):
    """Eight actors and six moods; one clip ends in _X, one has no video, one no sound."""
    for actor in range(1001, 1009):
        for mood in MOODS:
            name = f"{actor}_{'DFA' if actor % 2 else 'ITH'}_{mood}_" + (
                "HI" if actor == 1001 else "XX"
            )
            name = name[:-1] if (actor, mood) == (1002, "SAD") else name
            if (actor, mood) != (1003, "HAP"):
                sound(root / "AudioWAV" / f"{name}.wav")
            if (actor, mood) != (1004, "HAP"):
                video(root / "VideoFlash" / f"{name}.flv", frames=2)
    (root / "VideoFlash" / "._1001_DFA_ANG_HI.flv").write_bytes(b"litter")


def kinetics_sounds(root):
    """Ids that begin with - and _, clips that are gone, other classes, sound taken out or not."""
    lines = ["label,youtube_id,time_start,time_end,split,is_cc"]
    for i in range(24):
        label = ("playing organ", "tap dancing", "abseiling")[i % 3]
        side = "validate" if i >= 18 else "train"
        name = f"{'-_aZ'[i % 4]}{i:09d}x"
        lines.append(f"{label},{name},{i},{i + 10},{side},0")
        if i in {0, 4}:
            continue
        folder = root / side / label.replace(" ", "_")
        video(folder / f"{name}_{i:06d}_{i + 10:06d}.mp4", frames=2, tone=0.1 if i % 2 else 0.0)
        if i % 2 == 0:
            sound(root / "wav" / f"{name}.wav")
    (root / "kinetics.csv").write_text("\n".join(lines))


def food101(root):
    titles = {"train": [], "test": []}
    for side, label, n in [
        (side, label, n)
        for side, count in (("train", 12), ("test", 4))
        for label in ("apple_pie", "baby_back_ribs")
        for n in range(count)
    ]:
        name = f"{label}_{n + 100 * (side == 'test')}.jpg"
        if n != 1:
            picture(root / "images" / side / label / name)
        title = '"Apple Pie, the ""best"" one"' if n % 2 else "Rôti"
        if n != 2:
            titles[side].append(f"{name},{title},{label}")
    (root / "texts").mkdir()
    (root / "texts" / "train_titles.csv").write_text("\n".join(titles["train"]), encoding="utf-8")
    (root / "texts" / "test_titles.csv").write_text("\n".join(titles["test"]), encoding="latin-1")


PAIRS = [  # text, image, what the literature makes of it
    ("positive", "positive", "positive"),
    ("neutral", "negative", "negative"),
    ("positive", "neutral", "positive"),
    ("neutral", "neutral", "neutral"),
    ("positive", "negative", None),
]


def mvsa(root):
    lines = ["ID\ttext,image"]
    for i in range(60):
        picture(root / "data" / f"{i}.jpg")
        (root / "data" / f"{i}.txt").write_bytes(b"RT @x: caf\xe9 \xf0\x9f" if i % 2 else b"hi\r\n")
        text, image, _ = PAIRS[i % 5]
        lines.append(f"{i}\t{text},{image}")
    (root / "labelResultAll.txt").write_text("\r\n".join(lines) + "\r\n")


def iemocap(root):
    for session in range(1, 6):
        folder = root / f"Session{session}"
        dialog = f"Ses0{session}F_impro01"
        turns, said = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""], []
        for i, mood in enumerate(["ang", "hap", "exc", "neu", "sad", "fru", "xxx"] * 2):
            name = f"{dialog}_{'FM'[i % 2]}{i:03d}"
            sound(folder / "sentences" / "wav" / dialog / f"{name}.wav")
            turns.append(
                f"[{i * 0.25:.4f} - {i * 0.25 + 0.2:.4f}]\t{name}\t{mood}\t[2.5, 2.5, 2.5]"
            )
            turns.append("C-E2:\tNeutral;\t()")
            said.append(f"{name} [{i:08.4f}-{i + 1:08.4f}]: Excuse me, [LAUGHTER] {i}.")
        said.insert(1, "M: [overlapping")
        for sub, lines in (("EmoEvaluation", turns), ("transcriptions", said)):
            path = folder / "dialog" / sub / f"{dialog}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
            path.with_name(f"._{dialog}.txt").write_bytes(b"\0litter")
        video(folder / "dialog" / "avi" / "DivX" / f"{dialog}.avi", frames=8)


def fsdd_mnist(root):
    for speaker in ("george", "jackson", "lucas", "nicolas", "theo", "yweweler"):
        for digit in (0, 7):
            for index in (0, 4, 5, 9, 10, 49):
                sound(root / "recordings" / f"{digit}_{speaker}_{index}.wav", rate=8000)
    for side, n in (("train", 200), ("t10k", 40)):
        labels = np.array([0, 7] * (n // 2), np.uint8)
        images = np.full((n, 28, 28), labels[:, None, None] * 20, np.uint8)
        head = struct.pack(">BBBBIII", 0, 0, 8, 3, n, 28, 28)
        (root / f"{side}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = struct.pack(">BBBBI", 0, 0, 8, 1, n)
        raw = gzip.compress(head + labels.tobytes())
        (root / f"{side}-labels-idx1-ubyte.gz").write_bytes(raw)


MAKERS = {f.__name__: f for f in (cremad, kinetics_sounds, food101, mvsa, iemocap, fsdd_mnist)}


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    made = {}
    for name, make in MAKERS.items():
        made[name] = tmp_path_factory.mktemp(name)
        make(made[name])
    return made


def settled(name, roots, **options):
    return settle(reader(name)(str(roots[name]), **options))


def sizes(manifest):
    found = Counter(row.split for row in manifest.rows)
    return [found[side] for side in ("train", "val", "test")]


def people(manifest, of):
    sides = {}
    for row in manifest.rows:
        sides.setdefault(of(row.id), set()).add(row.split)
    return sides


@pytest.mark.parametrize("name", ADAPTERS)
def test_each_loads_trains_and_is_checked(name, roots, tmp_path, capsys):
    options = {"root": str(roots[name]), "prepare": SMALL, "cache": str(tmp_path)}
    config = mla.ExperimentConfig(dataset=name, dataset_options=options, method="mla", epochs=1)
    data = mla.load_dataset(name, **config.data_options())
    assert data.left_out == ()
    assert len(data.media(data.split("train").ids[0])) >= 1
    session = mla.TrainingSession(config)
    assert {record.modality for record in session.advance(epochs=1)} == set(data.modalities)
    assert main(["data", "check", name, str(roots[name]), "-o", 'prepare={"size": 8}']) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{name}: ")
    assert "no faults" in out


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_wrong_root_or_split_is_named(name, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(mla.DataError, match=r"no folder ''.*set `root`"):
        mla.load_dataset(name)
    with pytest.raises(mla.DataError, match=r"holds holiday\.jpg, but not"):
        mla.load_dataset(name, root=str(tmp_path))
    with pytest.raises(mla.ConfigError, match="'by moon': choose one of"):
        mla.load_dataset(name, root=str(tmp_path), split="by moon")


def test_cremad(roots):
    manifest = settled("cremad", roots)
    assert len(manifest.rows) == 48
    assert manifest.classes == ("anger", "disgust", "fear", "happy", "neutral", "sad")
    assert all(len(sides) == 1 for sides in people(manifest, lambda i: i[:4]).values())
    parts = {row.id: set(row.parts) for row in manifest.rows}
    assert parts["1001_DFA_ANG_HI"] == parts["1002_ITH_SAD_X"] == {"audio", "video"}
    assert parts["1003_DFA_HAP_XX"] == {"video"}
    assert parts["1004_ITH_HAP_XX"] == {"audio"}
    by_clip = settled("cremad", roots, split="random")
    assert any(len(sides) > 1 for sides in people(by_clip, lambda i: i[:4]).values())
    assert sizes(by_clip) == [36, 6, 6]


def test_cremad_with_a_strange_name(tmp_path):
    cremad(tmp_path)
    sound(tmp_path / "AudioWAV" / "1001-DFA.wav")
    (fault,) = settled("cremad", {"cremad": tmp_path}).faults
    assert str(fault).startswith("AudioWAV/1001-DFA.wav: is not named like 1001_DFA_ANG_XX")


def test_kinetics_sounds(roots):
    manifest = settled("kinetics_sounds", roots)
    assert set(manifest.classes) == {"playing organ", "tap dancing"}
    assert "2 of 16 listed clips are not on this disk" in manifest.notes
    assert sum(sizes(manifest)) == 14
    assert sizes(manifest)[2] == 4
    rows = {row.id: row for row in manifest.rows}
    own = rows["_000000001x_000001"].parts
    assert own["audio"].content == own["video"].content
    taken = rows["-000000012x_000012"].parts
    assert taken["audio"].content.name == "-000000012x.wav"


def test_food101(roots):
    manifest = settled("food101", roots)
    assert manifest.classes == ("apple_pie", "baby_back_ribs")
    assert sizes(manifest)[2] == 8
    rows = {row.id: row for row in manifest.rows}
    assert set(rows["apple_pie_1"].parts) == {"text"}
    assert set(rows["apple_pie_2"].parts) == {"image"}
    assert rows["apple_pie_3"].parts["text"].read() == 'Apple Pie, the "best" one'
    assert rows["apple_pie_100"].parts["text"].read() == "Rôti"


def test_mvsa(roots):
    manifest = settled("mvsa", roots)
    labels = {row.id: row.label for row in manifest.rows}
    assert labels == {str(i): PAIRS[i % 5][2] for i in range(60) if PAIRS[i % 5][2]}
    assert "12 tweets whose text and picture contradict" in manifest.notes[0]
    assert sizes(manifest)[1:] == [4, 4]
    assert all(set(row.parts) == {"image", "text"} for row in manifest.rows)


def test_iemocap(roots):
    manifest = settled("iemocap", roots)
    assert manifest.classes == ("angry", "happy", "neutral", "sad")
    assert Counter(row.label for row in manifest.rows)["happy"] == 20
    sides = people(manifest, lambda i: i[:5])
    assert sides["Ses04"] == {"val"}
    assert sides["Ses05"] == {"test"}
    assert sides["Ses01"] == sides["Ses02"] == sides["Ses03"] == {"train"}
    assert people(settled("iemocap", roots, split="session1"), lambda i: i[:5])["Ses05"] == {"val"}
    row = next(row for row in manifest.rows if row.id == "Ses01F_impro01_F004")
    assert row.parts["text"].read() == "Excuse me, [LAUGHTER] 4."
    assert (row.parts["video"].start, row.parts["video"].stop) == (1.0, 1.2)
    assert "20 turns in other moods are left out" in manifest.notes


def test_fsdd_mnist(roots):
    manifest = settled("fsdd_mnist", roots)
    assert manifest.classes == ("0", "7")
    assert sizes(manifest) == [48, 12, 12]
    speakers = people(manifest, lambda i: i.split("_")[1])
    assert all(len(sides) == 1 for sides in speakers.values())
    for row in manifest.rows:
        assert (row.parts["image"].read() == int(row.label) * 20).all()
    pictures = [row.parts["image"].where for row in manifest.rows]
    assert len(set(pictures)) == len(pictures)
    official = settled("fsdd_mnist", roots, split="official")
    assert {row.split for row in official.rows if row.id.endswith(("_0", "_4"))} == {"test"}
    assert sizes(official) == [24, 24, 24]
