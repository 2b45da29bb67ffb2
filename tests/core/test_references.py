"""A name with a colon imports code where the user wrote it, and nowhere else."""

import json
import sys

import pytest

import mla_core as mla
from mla_core import plugins, references
from mla_core.named_data import data_of
from tests.core.guests import SMALL, config_of, write

TRAP = "open({marker!r}, 'w').close()\ndef x(*a): return 0"


@pytest.fixture
def trap(lab, tmp_path):
    """A module that leaves a mark when it is imported, and has not been named by anybody."""
    marker = tmp_path / "imported"
    write(lab, TRAP.format(marker=str(marker)))
    references._ALLOWED.discard(lab)
    return f"{lab}:x", marker


@pytest.mark.parametrize(
    "field", ["dataset", "method", "head_gradient", "fusion", "metrics", "encoders"]
)
def test_json_from_elsewhere_imports_nothing_and_says_how_to_allow_it(field, trap):
    name, marker = trap
    value = {"metrics": [name], "encoders": {"image": name}}.get(field, name)
    with pytest.raises(mla.ConfigError, match=r"runs the code of the module.*--allow-import"):
        mla.ExperimentConfig.from_json(json.dumps({field: value}))
    looked = mla.ExperimentConfig.to_look_at({field: value})
    assert looked.to_dict()[field] == value
    looked.replace(seed=3)
    with pytest.raises(plugins.ImportNotAllowedError):
        looked.hash  # noqa: B018
    assert not marker.exists()
    if field not in {"encoders", "dataset"}:  # these are looked up when a session is made
        with pytest.raises(mla.ConfigError):
            mla.TrainingSession(looked)
    assert not marker.exists()


def test_what_is_allowed_is_imported(trap):
    name, marker = trap
    with pytest.raises(mla.ConfigError, match="fusion"):  # it is imported, and no rule
        mla.ExperimentConfig.from_json(f'{{"fusion": "{name}"}}', allow_import=[name.split(":")[0]])
    assert marker.exists()


def test_replacing_names_anew_what_the_user_wrote_also_inside_encoders(trap):
    name, marker = trap
    looked = mla.ExperimentConfig.to_look_at({"fusion": "entropy"})
    with pytest.raises(mla.ConfigError):  # imported, and no rule
        looked.replace(fusion=name)
    assert marker.exists()


def test_replacing_trusts_an_encoder_of_ones_own(lab):
    references._ALLOWED.discard(lab)
    config = mla.ExperimentConfig(**SMALL).replace(encoders={"m0": f"{lab}:Wide"})
    assert mla.TrainingSession(config).guests[0].name == f"{lab}:Wide"


def test_a_python_call_may_name_code_and_a_configuration_from_elsewhere_may_not(lab, trap):
    references._ALLOWED.discard(lab)
    looked = mla.ExperimentConfig.to_look_at({"dataset": f"{lab}:x", "head_gradient": f"{lab}:x"})
    with pytest.raises(plugins.ImportNotAllowedError):
        mla.TrainingSession(looked)
    with pytest.raises(plugins.ImportNotAllowedError):
        data_of(looked)
    assert not trap[1].exists()
    write(
        lab, "import mla_core as mla\ndef x(): return mla.load_dataset('gaussian', sizes=(9, 9, 9))"
    )
    assert len(mla.load_dataset(f"{lab}:x").split("val")) == 9


def test_repeat_imports_what_a_file_names_only_when_told_to(lab, tmp_path, capsys):
    from mla_core.cli import main

    file = tmp_path / "config.json"
    file.write_text(json.dumps(config_of("fusion", lab).to_dict()), encoding="utf-8")
    references._ALLOWED.discard(lab)
    sys.modules.pop(lab)
    command = ["repeat", str(file), "--out", str(tmp_path / "runs")]
    assert main(command) == 2
    assert f"--allow-import {lab}" in capsys.readouterr().err
    assert lab not in sys.modules
    assert main([*command, "--allow-import", lab]) == 0
