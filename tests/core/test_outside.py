"""Whatever comes from outside is taken as it is, or refused in a sentence that names it."""

import inspect
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mla_core import ConfigError, ExperimentConfig, TrainingSession, load_dataset, run_experiment
from mla_core.data import DATASETS, NEED_FILES, modalities_of
from mla_core.errors import quoted
from mla_core.outside import MOST, check_plain, path_of, read_json_text
from mla_core.results import collect
from mla_core.runs import (
    Specification,
    find_runs,
    notebook_parameters,
    read_run,
    read_runs,
    read_specification,
    run_sweep,
)

HUGE = 10**5000  # Python itself refuses to write it
DEEP: Any = []
for _ in range(20_000):
    DEEP = [DEEP]
NAN, INF = float("nan"), float("inf")

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MOST, MOST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(PLAIN)
def test_plain_values_come_back_from_their_text_as_they_were(value):
    check_plain("value", value)
    assert read_json_text(json.dumps(value)) == value


@given(st.dictionaries(st.text(), PLAIN, min_size=1), st.data())
def test_a_name_that_stands_twice_is_never_dropped(value, data):
    again = data.draw(st.sampled_from(sorted(value)))
    space = data.draw(st.sampled_from(["", " ", "\n"]))
    twice = f"{json.dumps(value)[:-1]}, {json.dumps(again)}{space}: null}}"
    for text in (twice, f"[{twice}]", f'{{"a:": {twice}}}'):
        with pytest.raises(ValueError, match="twice: leave one out"):
            read_json_text(text)


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,320})(\.[0-9]{1,320})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
)
def test_a_number_is_read_as_it_is_or_refused(text):
    value = Fraction(text) if "." in text or "e" in text.lower() else int(text)
    if isinstance(value, Fraction) and abs(value) >= Fraction(sys.float_info.max) + 2**970:
        with pytest.raises(ValueError, match="too large"):
            read_json_text(text)
    else:
        assert read_json_text(text) == (value if isinstance(value, int) else float(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"seed": 1, "seed": 1}', "it names 'seed' twice"),
        ('{"missing": {"train": 0.1, "train": 0.2}}', "it names 'train' twice"),
        ('{"alpha": NaN}', "NaN is no number that JSON knows"),
        ('{"alpha": -Infinity}', "-Infinity is no number"),
        ('{"seed": ' + "9" * 5000 + "}", "a number of 5000 digits is too large"),
        ('{"alpha": 1e309}', "1e309 is too large"),
        ('{"alpha": ' + "9" * 299 + "e10}", "9+ is too large"),
        ('{"alpha": -' + "9" * 219 + "E+0090}", "9+ is too large"),
        ("[" * 20_000 + "]" * 20_000, "too many lists or objects inside one another"),
        ('{"seed": 1', "Expecting"),
        (b'{"dataset": "\xe9"}', "utf-8"),
    ],
)
def test_text_that_says_nothing_certain_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_json_text(text)
    with pytest.raises(ConfigError, match=f"the configuration is not JSON.*{message}"):
        ExperimentConfig.from_json(text)


@pytest.mark.parametrize("text", [None, 5, ["{}"], Path("config.json")])
def test_a_configuration_is_text(text):
    with pytest.raises(ConfigError, match="the configuration must be JSON text, not "):
        ExperimentConfig.from_json(text)


@pytest.mark.parametrize("values", [None, 5, [1], "seed"])
def test_a_configuration_is_an_object(values):
    with pytest.raises(ConfigError, match="must be an object of names and values, not "):
        ExperimentConfig.from_dict(values)


def test_the_name_of_a_setting_is_a_text():
    with pytest.raises(ConfigError, match="unknown parameter 1: known are dataset, "):
        ExperimentConfig.from_dict({1: 2})


WHOLE = ["seed", "epochs", "batch_size", "feature_size", "evaluate_every", "probe_size"]
REAL = ["learning_rate", "alpha", "momentum", "weight_decay", "label_noise"]


@pytest.mark.parametrize("field", WHOLE + REAL)
@pytest.mark.parametrize("value", [HUGE, -HUGE, 2**53, DEEP, {"a": DEEP}], ids=quoted)
def test_a_number_that_no_computer_holds_is_refused_by_its_field(field, value):
    with pytest.raises(ConfigError, match=f"^{field}"):
        ExperimentConfig(**{field: value})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "batch_size",
            10**12,
            "batch_size must be a whole number from 1 to 65536, not 1000000000000",
        ),
        (
            "feature_size",
            10**9,
            r"feature_size \(or 'encoder'\) must be .* from 1 to 16384, not 10",
        ),
        ("learning_rate", 1e999, "learning_rate must be a number above 0.0 and finite, not inf"),
        ("order", [], r"order must be 'cyclic', 'random', or a list .*, not \(\)"),
    ],
)
def test_a_value_that_no_memory_holds_is_refused(field, value, message):
    with pytest.raises(ConfigError, match=message):
        ExperimentConfig(**{field: value})


@pytest.mark.parametrize(
    "field",
    [
        "dataset",
        "dataset_options",
        "modalities",
        "missing",
        "method",
        "method_options",
        "encoder",
        "encoders",
        "optimizer",
        "order",
        "fusion",
        "metrics",
        "device",
    ],
)
@pytest.mark.parametrize(
    "value", [DEEP, {"a": DEEP}, HUGE, {"a": HUGE}, {1: 2}, b"x", {"a": b"x"}], ids=quoted
)
def test_whatever_stands_in_a_field_is_refused_by_its_name(field, value):
    with pytest.raises(ConfigError, match=field):
        ExperimentConfig(**{field: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing": {"train": {1: 0.5}}}, "missing must have texts for names, not 1"),
        ({"dataset_options": {"seed": 2**53}}, r"not 9007199254740992, beyond ±\(2\^53 - 1\)"),
        ({"dataset_options": {"noise": [INF]}}, "dataset_options must hold plain JSON .*, not inf"),
    ],
)
def test_nothing_plain_is_made_of_what_is_not(options, message):
    with pytest.raises(ConfigError, match=message):
        ExperimentConfig(dataset="gaussian", **options)


SEEDS = ["a", "1", -1, 1.5, 2.0, None, True, [1], {}, 2**53]
NOT_THREE_SIZES = [
    None,
    5,
    True,
    "abc",
    [1, 2],
    [1, 2, 3.5],
    [True] * 3,
    {},
    [9, 9, "9"],
    [9, 9, 0],
]


@pytest.mark.parametrize(
    ("dataset", "option", "value", "wanted"),
    [
        *((d, "seed", v, "a whole number") for d in ("gaussian", "spoken_digits", "emoji") for v in SEEDS),
        *(("gaussian", "sizes", v, "three whole numbers from 1") for v in NOT_THREE_SIZES),
        ("gaussian", "sizes", [10**12] * 3, "three whole numbers from 1 to 10,000,000"),
        *(("gaussian", n, v, "a whole number from") for n in ("modalities", "classes", "dim") for v in (True, "3", None, 2.5, 0, 10**9)),
        *(("gaussian", "noise", v, "a list of standard") for v in ("a", True, ["1"] * 3, [0.0], [NAN], {"a": 1}, 5)),
        *(("spoken_digits", "noise", v, "a list (each a number)") for v in ("a", True, None, [True] * 3, ["1"] * 3, {"a": 1}, 5)),
        *(("emoji", "speech", v, "true or false") for v in ("no", 1, None)),
        ("manifest", "skip_bad", "yes", "true or false"),
        ("manifest", "prepare", [64], "a mapping or nothing"),
        ("cremad", "prepare", 5, "a mapping or nothing"),
        *((d, "path", v, "a text") for d in ("manifest", "array_file") for v in (5, None, True, ["a"])),
        ("cremad", "root", 5, "a text"),
        ("cremad", "split", None, "a text"),
    ],
)  # fmt: skip
def test_an_option_of_a_data_set_is_held_against_its_kind(dataset, option, value, wanted):
    for door in (
        lambda: load_dataset(dataset, **{option: value}),
        lambda: ExperimentConfig(dataset=dataset, dataset_options={option: value}),
    ):
        with pytest.raises(ConfigError) as caught:
            door()
        said = str(caught.value)
        if not said.startswith("dataset_options must hold plain JSON"):  # NaN, or beyond any reader
            assert f"option {option!r} of data set {dataset!r} must be {wanted}" in said
            assert said.endswith(f"not {value!r}")


@pytest.mark.parametrize("name", DATASETS.built_in)
def test_every_option_of_our_own_data_sets_has_a_kind_that_is_checked(name):
    kinds = get_type_hints(DATASETS[name], include_extras=True)
    options = inspect.signature(DATASETS[name]).parameters
    assert set(options) <= set(kinds)
    for option in options:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(object(), kinds[option])


@pytest.mark.parametrize(
    "noise", [(0.5, 1, 2), np.array([0.5, 1.0, 2.0]), list(np.linspace(0.5, 2, 3))]
)
def test_numbers_of_numpy_are_numbers(noise):
    data = load_dataset("gaussian", noise=noise, sizes=np.array([9, 9, 9]))
    assert data.modalities["m0"].noise == 0.5


def test_a_path_is_a_text(tmp_path):
    table = "id,label,song\n" + "".join(f"{i},{i % 2},la\n" for i in range(40))
    (tmp_path / "songs.csv").write_text(table)
    data = load_dataset("manifest", path=tmp_path / "songs.csv", cache=tmp_path / "cache")
    assert list(data.modalities) == ["song"]


@pytest.mark.parametrize("option", ["size", "Sizes"])
def test_an_unknown_option_is_told_what_may_be_meant(option):
    with pytest.raises(ConfigError, match=rf"no option '{option}': .*did you mean 'sizes'\?"):
        load_dataset("gaussian", **{option: [9, 9, 9]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modalities": ["m00"]}, r"unknown modality in modalities 'm00'.*did you mean 'm0'"),
        ({"missing": {"train": {"m00": 0.5}}}, r"modality in missing\['train'\] 'm00'.*mean 'm0'"),
        ({"encoders": {"m00": "small"}}, r"unknown modality in encoders 'm00'.*did you mean 'm0'"),
        ({"order": ["m1", "m00", "m2"]}, r"unknown modality in order 'm00'.*did you mean 'm0'"),
        ({"order": ["m1"]}, "order leaves out the modality 'm0': it would never be trained"),
        ({"modalities": ["m0"], "order": ["m0", "m1"]}, "modality in order 'm1': choose one of 'm0'"),
        ({"missing": {"val": 1}}, "no sample of 'val' has any part, so there is nothing to measure"),
        ({"missing": {"test": 1.0}}, "no sample of 'test' has any part"),
        ({"modalities": ["m1"], "missing": {"val": {"m1": 1}}}, "no sample of 'val' has any part"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["mla", "concat"])
def test_a_name_that_the_data_do_not_have_is_refused_before_training(changes, message, method):
    options = {"sizes": [30, 20, 20]}
    config = ExperimentConfig(dataset="gaussian", dataset_options=options, method=method, **changes)
    with pytest.raises(ConfigError, match=message):
        TrainingSession(config)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in sorted({*DATASETS.built_in} - NEED_FILES)),
        ("gaussian", {"modalities": 5}),
    ],
)
def test_the_modalities_of_a_data_set_are_known_before_it_is_loaded(name, options):
    assert modalities_of(name, options) == tuple(load_dataset(name, **options).modalities)


def test_an_encoder_of_a_modality_that_is_left_out_may_stay():
    options = {"sizes": [30, 20, 20]}
    changes = {"modalities": ["m0"], "encoders": {"m1": "small"}}
    TrainingSession(ExperimentConfig(dataset="gaussian", dataset_options=options, **changes))


@pytest.mark.parametrize("given", [5, None, b"runs", ["runs"], True, "a\0b", "x" * 5000])
def test_a_path_that_no_system_has_is_refused(given):
    with pytest.raises(ConfigError, match=r"^the folder (must|cannot) be "):
        path_of("the folder", given)


@pytest.mark.parametrize(
    "door",
    [
        lambda path: run_experiment(ExperimentConfig(dataset="gaussian"), path),
        lambda path: run_sweep(Specification("none", "d", None, (), ""), path),
        read_run,
        read_runs,
        find_runs,
        read_specification,
        notebook_parameters,
        lambda path: load_dataset("array_file", path=path),
        lambda path: load_dataset("manifest", path=path),
        lambda path: load_dataset("cremad", root=path),
        collect,
    ],
)
@pytest.mark.parametrize("path", [5, None, b"runs", True, "a\0b", "x" * 5000])
def test_no_door_takes_a_path_that_no_system_has(door, path):
    with pytest.raises(ConfigError, match=r"must be|cannot be|cannot read"):
        door(path)


def test_what_a_sentence_quotes_stays_short():
    assert quoted("a" * 10**6).endswith("…")
    assert len(quoted({"a": list(range(10**5))})) < 400
    assert quoted(DEEP) == "a list too large to be shown"
