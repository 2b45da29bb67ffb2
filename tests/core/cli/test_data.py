"""`mla-lab data init` and `mla-lab data check`, from a folder to a trained session."""

import gc

import pytest

import mla_core as mla
from mla_core.cli import main
from mla_core.data.decoding.video import frame_files
from mla_core.data.files.manifest_file import read_manifest
from mla_core.data.files.proposal import propose, write_proposal
from mla_core.data.sets.example_folder import write_example_folder
from tests.core.media_files import good_lines, picture, sound, write_manifest

QUICK = 'prepare={"size": 8, "rate": 8000, "mels": 16}'


def test_from_a_folder_to_the_first_steps(tmp_path, capsys):
    folder = write_example_folder(tmp_path / "digits", samples=60, missing=0.3)
    assert main(["data", "init", str(folder)]) == 0
    assert "60 samples, 10 labels" in capsys.readouterr().out
    manifest = str(folder / "manifest.csv")
    assert main(["data", "check", manifest, "-o", QUICK]) == 0
    out = capsys.readouterr().out
    assert "digits: 60 samples, 10 classes" in out
    assert "image 3 x 8 x 8" in out
    assert "no faults" in out
    options = {"path": manifest, "prepare": {"size": 8, "mels": 16}, "cache": str(tmp_path)}
    config = mla.ExperimentConfig(dataset="manifest", dataset_options=options, epochs=1)
    session = mla.TrainingSession(config)
    assert len(session.advance(epochs=1)) >= 3
    data = session.data
    assert {p.mime for p in data.media(data.split("val").ids[0])} <= {
        "image/png",
        "audio/wav",
        "text/plain",
    }
    shares = data.split("train").present.float().mean(1)
    assert ((shares > 0.5) & (shares < 1)).all()


def test_check_says_every_fault_and_exits_with_1(tmp_path, capsys):
    lines = good_lines(tmp_path)
    lines[3]["image"] = "gone.png"
    lines[4]["label"] = ""
    (tmp_path / "7.wav").write_bytes(b"")
    path = write_manifest(tmp_path / "birds.csv", lines)
    assert main(["data", "check", str(path)]) == 1
    out = capsys.readouterr().out.splitlines()
    faults = [line for line in out if line.startswith("fault")]
    assert [fault.split(":")[1].strip() for fault in faults] == [
        "birds.csv, line 5, gone.png",
        "birds.csv, line 6",
        "birds.csv, line 9, 7.wav",
    ]
    assert out[-1] == "3 faults"
    assert main(["data", "check", str(path), "--skip-bad"]) == 0


def test_counts_are_told_as_a_sentence_has_them(tmp_path, capsys):
    picture(tmp_path / "many" / "1.png")
    picture(tmp_path / "many" / "2.png")
    (tmp_path / "one").mkdir()
    picture(tmp_path / "one" / "1.png")
    said = []
    for name in ("many", "one"):
        assert main(["data", "init", str(tmp_path / name)]) == 0
        said.append(capsys.readouterr().out.split(f"{name}/manifest.csv", 1)[1])
    assert ": 2 samples, 0 labels\n  image: 2 files\n" in said[0]
    assert "column `label`: 2 samples have none" in said[0]
    assert ": 1 sample, 0 labels\n  image: 1 file\n" in said[1]
    assert "column `label`: 1 sample has none" in said[1]


def test_init_leaves_a_manifest_alone(tmp_path, capsys):
    picture(tmp_path / "owl" / "1.png")
    (tmp_path / "manifest.csv").write_text("mine")
    assert main(["data", "init", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "manifest.csv").read_text() == "mine"


def test_what_cannot_be_used_is_said_in_one_line(tmp_path, capsys):
    assert main(["data", "init", str(tmp_path / "gone")]) == 2
    assert main(["data", "init", str(tmp_path)]) == 2
    assert main(["data", "check", str(tmp_path / "gone.csv")]) == 2
    err = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in err] == ["mla-lab"] * 3


TREES = {
    "by label": (["owl/1.png", "owl/1.wav", "tit/2.png"], {"owl/1", "tit/2"}, {"image", "sound"}),
    "by modality": (["img/owl/1.png", "snd/owl/1.wav"], {"owl/1"}, {"img", "snd"}),
    "modality inside": (["owl/img/1.png", "owl/snd/1.wav"], {"owl/1"}, {"img", "snd"}),
    "by split": (["train/owl/1.png", "valid/owl/2.png"], {"train/owl/1", "val/owl/2"}, {"image"}),
    "flat": (["1.png", "1.wav"], {"1"}, {"image", "sound"}),
}


@pytest.mark.parametrize("case", TREES)
def test_folders_are_read_as_people_name_them(case, tmp_path):
    files, ids, modalities = TREES[case]
    for name in files:
        (sound if name.endswith("wav") else picture)(tmp_path / name)
    found = propose(tmp_path)
    assert {line["id"] for line in found.lines} == ids
    assert set(found.modalities) == modalities
    labels = {line["label"] for line in found.lines}
    assert labels <= {"owl", "tit"} or case == "flat"
    assert found.unlabelled == (case == "flat")


FRAMES = {
    "called frames": (["owl/a/frame_1.png", "owl/a/frame_2.png", "tit/b.v2/frame_7.png"], "video"),
    "beside a sound": (["owl/a/01.png", "owl/a/02.png", "owl/a.wav", "tit/b.v2.wav"], "video"),
    "by modality": (["img/owl/a/1.png", "snd/owl/a.wav", "snd/tit/b.v2.wav"], "img"),
    "inside": (["train/owl/img/a/9.png", "train/owl/snd/a.wav", "train/tit/snd/b.v2.wav"], "img"),
}


@pytest.mark.parametrize("case", FRAMES)
def test_a_folder_of_frames_is_one_video(case, tmp_path):
    files, modality = FRAMES[case]
    for name in files:
        (sound if name.endswith("wav") else picture)(tmp_path / name)
    found = propose(tmp_path)
    assert f"{modality}:video" in found.modalities
    ids = [line["id"].removeprefix("train/") for line in found.lines]
    assert ids == ["owl/a", "tit/b.v2"], "in the order of their names"
    assert {line["label"] for line in found.lines} == {"owl", "tit"}
    write_proposal(found, tmp_path / "manifest.csv")
    manifest = read_manifest(tmp_path / "manifest.csv")
    assert manifest.faults == ()
    assert manifest.kinds[modality] == "video"
    parts = {row.id.removeprefix("train/"): row.parts for row in manifest.rows}
    assert len(frame_files(parts["owl/a"][modality])) == sum("/a/" in name for name in files)


@pytest.mark.parametrize(
    "files",
    [
        ["images/1/001.png", "images/2/001.png", "sounds/1/1.wav", "sounds/2/1.wav"],  # classes
        ["owl/1.png", "owl/2.png", "tit/3.png"],
        ["owl/a/1.png", "owl/a/left.png", "owl/a.wav"],
        ["1.png", "2.png"],
        ["frame_1.png", "frame_2.png"],
    ],
)
def test_other_numbered_pictures_are_pictures(files, tmp_path):
    for name in files:
        (sound if name.endswith("wav") else picture)(tmp_path / name)
    assert not any(name.endswith(":video") for name in propose(tmp_path).modalities)


def test_a_loop_of_links_does_not_catch_init(tmp_path):
    picture(tmp_path / "owl" / "1.png")
    (tmp_path / "owl" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(propose(tmp_path).lines) == 1


def test_files_that_are_not_used_are_told(tmp_path):
    picture(tmp_path / "owl" / "1.png")
    picture(tmp_path / "owl" / "1.jpg")
    (tmp_path / "notes.doc").write_text("")
    assert set(propose(tmp_path).ignored) == {"notes.doc", "owl/1.png"}


def test_check_sums_up_faults_by_kind_after_the_first_fifty(tmp_path, capsys):
    path = tmp_path / "many.csv"
    lines = [f"{i},,hoo" for i in range(70)] + [f"{i},owl,{i}.png" for i in (1, 2, 2)]
    lines += [f"a{i},{'owl' if i % 2 else 'tit'},hoo" for i in range(40)]
    path.write_text("\n".join(["id,label,song:text", *lines]))
    assert main(["data", "check", str(path)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("fault: ") for line in out) == 50
    assert out[-4:] == [
        "the first 50 faults; by kind, of all:",
        "        70  has no label: write one, or take the line out",
        "         3  the id … stands in many.csv, line … already: give each sample its own",
        "73 faults",
    ]
    assert main(["data", "check", str(path), "--all"]) == 1
    every = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("fault: ") for line in every) == 73
    assert every[-1] == "73 faults"


def test_check_leaves_the_collection_of_garbage_as_it_was(tmp_path, capsys):
    (tmp_path / "no.csv").write_text("id\n1\n")
    assert main(["data", "check", str(tmp_path / "no.csv")]) == 2
    assert "lacks the column 'label'" in capsys.readouterr().err
    assert gc.isenabled()
