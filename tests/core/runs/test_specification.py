"""What a sweep runs is read from TOML and checked before anything runs."""

import pytest

from mla_core import ConfigError
from mla_core.runs.sweep import read_specification


def values(specification, *names):
    return [tuple(getattr(c, name) for name in names) for c in specification.configurations]


def test_a_list_is_an_axis_and_the_last_one_is_the_fastest(specify):
    found = specify('seed = [0, 1]\n[[grid]]\nmethod = ["mla", "concat"]\nmomentum = 0.5')
    assert found.name == "question"
    assert found.description == "Does it run?"
    assert found.notebook is None
    order = [(0, "mla"), (0, "concat"), (1, "mla"), (1, "concat")]
    assert values(found, "seed", "method") == order
    assert {c.momentum for c in found.configurations} == {0.5}
    assert found.varying == ["method", "seed"]


def test_products_are_joined_and_the_same_run_comes_once(specify):
    found = specify("[[grid]]\nseed = [0, 1, 2]\n[[grid]]\nseed = [2, 3]\nalpha = [0.1, 0.2]")
    assert values(found, "seed", "alpha") == [
        (0, 0.1), (1, 0.1), (2, 0.1), (2, 0.2), (3, 0.1), (3, 0.2),
    ]  # fmt: skip


def test_a_grid_overrides_what_is_common(specify):
    found = specify("seed = [0, 1]\n[[grid]]\nseed = 7\nepochs = [1, 3]")
    assert values(found, "seed", "epochs") == [(7, 1), (7, 3)]


def test_a_single_grid_may_be_a_plain_table(specify):
    assert values(specify("[grid]\nseed = [3, 4]"), "seed") == [(3,), (4,)]


def test_what_is_common_may_be_all(specify):
    assert values(specify("seed = [3, 4]\n[[grid]]"), "seed") == [(3,), (4,)]


def test_a_list_as_a_value_stands_in_a_list_and_a_table_is_one_value(specify):
    found = specify(
        '[grid]\norder = ["random", ["m2", "m0", "m1"]]\n'
        "dataset_options = [{modalities = 3, noise = [1, 1, 1]}, {classes = 5}]"
    )
    assert {c.order for c in found.configurations} == {"random", ("m2", "m0", "m1")}
    assert len(found.configurations) == 4
    options = [c.dataset_options for c in found.configurations if c.order == "random"]
    assert options == [{"modalities": 3, "noise": [1, 1, 1]}, {"classes": 5}]


def test_spelling_a_default_out_makes_no_other_run(specify):
    found = specify("[[grid]]\nlearning_rate = 0.01\n[[grid]]\nalpha = 0.1\nlearning_rate = 0.01")
    assert len(found.configurations) == 1
    assert found.varying == []


D = 'description = "Why?"\n'


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("[[grid]\n", ["line 1"]),
        ("[[grid]]\nseed = 1", ["description must be a sentence", "None"]),
        ('description = " "\n[[grid]]', ["description must be a sentence", "' '"]),
        (D, ["grid must be at least one table", "None"]),
        (D + "grid = []", ["grid must be at least one table", "[]"]),
        (D + "grid = 3", ["grid must be at least one table", "3"]),
        (D + "[gird]\nseed = 1", ["unknown entry 'gird'", "'grid'"]),
        (D + "common = 3\n[[grid]]", ["[common] must be a table", "3"]),
        (D + "[common]\nepoch = 3\n[[grid]]", ["setting in [common]: 'epoch'", "'epochs'"]),
        (D + "[[grid]]\n[[grid]]\nsede = 3", ["in [[grid]] number 2: 'sede'", "'seed'"]),
        (D + "[[grid]]\nseed = []", ["[[grid]] number 1: seed is an empty list", "[[]]"]),
        (D + "[[grid]]\nepochs = 0", ["[[grid]] number 1", "epochs must be", "at least 1, not 0"]),
        (D + "[[grid]]\nepochs = [2, 0]", ["with epochs = 0: epochs must be"]),
        (D + '[grid]\nmethod = "mal"', ["unknown method 'mal'", "'mla'"]),
        (D + '[grid]\norder = ["m0", "m1"]', ["order", "'m0'", "'cyclic'"]),
        (D + "[grid]\nlearning_rate = nan", ["learning_rate must hold plain JSON", "nan"]),
        (D + "[grid]\nseed = 1979-05-27", ["seed must hold plain JSON", "1979"]),
        (
            D + '[grid]\ndataset = "gaussian"\ndataset_options = {noise_level = 1}',
            ["data set 'gaussian' has no option 'noise_level'", "'noise'"],
        ),
        ('notebook = "no.ipynb"\n' + D + "[grid]", ["there is no notebook 'no.ipynb'"]),
        ("notebook = 3\n" + D + "[grid]", ["notebook must be the path", "3"]),
    ],
)
def test_a_bad_specification_names_the_file_the_entry_and_what_is_allowed(text, messages, specify):
    with pytest.raises(ConfigError) as caught:
        specify(text, common="")
    assert "question.toml: " in str(caught.value)
    for message in messages:
        assert message in str(caught.value)


def test_a_specification_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the specification 'no\.toml'"):
        read_specification("no.toml")
    (tmp_path / "latin.toml").write_bytes(b'description = "Wozu g\xfct?"')
    with pytest.raises(ConfigError, match="not text in UTF-8"):
        read_specification(tmp_path / "latin.toml")


def test_settings_that_a_method_does_not_obey_make_no_second_run(specify):
    found = specify('[grid]\nmethod = ["mla", "concat"]\nhead_gradient = ["paper", "off"]')
    pairs = values(found, "method", "head_gradient")
    assert pairs == [("mla", "paper"), ("mla", "off"), ("concat", "paper")]
