"""The commit that results name."""

import subprocess

from mla_core import version


def git(folder, *arguments):
    who = ["-c", "user.name=x", "-c", "user.email=x@y"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_checkout_names_its_commit_and_says_when_files_were_changed(tmp_path, monkeypatch):
    package = tmp_path / "mla_core"
    package.mkdir()
    monkeypatch.setattr(version, "__file__", str(package / "version.py"))
    assert version.commit() == "", "an installed package has none"
    git(tmp_path, "init", "-q")
    assert version.commit() == "", "nothing was committed yet"
    (tmp_path / "one.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    clean = version.commit()
    assert len(clean) == 40
    (tmp_path / "new.txt").write_text("not tracked")
    assert version.commit() == clean
    (tmp_path / "one.py").write_text("2")
    assert version.commit() == f"{clean}-dirty"


def test_a_table_that_a_sweep_has_written_makes_the_next_one_no_less_clean(tmp_path, monkeypatch):
    package, results = tmp_path / "mla_core", tmp_path / "results"
    package.mkdir()
    results.mkdir()
    (results / "table1.csv").write_text("old")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    monkeypatch.setattr(version, "__file__", str(package / "version.py"))
    clean = version.commit()
    (results / "table1.csv").write_text("new")
    assert version.commit() == clean
