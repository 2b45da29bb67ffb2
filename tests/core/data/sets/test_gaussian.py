"""The best possible accuracy on Gaussian modalities, against closed forms and a big sample."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import norm

from mla_core import ConfigError, DataError, load_dataset
from mla_core.data.sets.gaussian import bayes_accuracies

STANDARD_ERRORS = 4 * 0.0005  # of a share among a million draws, at most


@pytest.mark.parametrize("noise", [0.3, 1.0, 2.5])
def test_two_classes_reach_phi_of_half_their_distance(noise):
    means = torch.randn(1, 2, 6, generator=torch.Generator().manual_seed(3))
    distance = float((means[0, 0] - means[0, 1]).norm())
    best = bayes_accuracies(["m0"], means, [noise])["m0"]
    assert best == pytest.approx(norm.cdf(distance / 2 / noise), abs=STANDARD_ERRORS)


def test_two_modalities_of_two_classes_add_their_squared_distances():
    means = torch.randn(2, 2, 6, generator=torch.Generator().manual_seed(4))
    noise = np.array([0.8, 1.7])
    distances = (means[:, 0] - means[:, 1]).norm(dim=1).numpy() / noise
    best = bayes_accuracies(["a", "b"], means, noise.tolist())["a+b"]
    expected = norm.cdf(np.sqrt((distances**2).sum()) / 2)
    assert best == pytest.approx(expected, abs=STANDARD_ERRORS)


@pytest.fixture(scope="module")
def big():
    return load_dataset("gaussian", modalities=3, classes=5, dim=3, sizes=(20_000, 5, 40_000))


def test_more_modalities_are_never_worse(big):
    best = big.facts["bayes_accuracy"]
    assert len(best) == 7
    for small, large in itertools.permutations(best, 2):
        if set(small.split("+")) < set(large.split("+")):
            assert best[large] >= best[small] - STANDARD_ERRORS
    assert min(best.values()) > 1 / 5


@pytest.mark.parametrize("names", [("m0",), ("m2",), ("m0", "m1", "m2")])
def test_a_nearest_mean_classifier_reaches_the_best_accuracy(big, names):
    """Class means are estimated on `train`, as somebody would who knows nothing of the maker."""
    train, test = big.split("train"), big.split("test")
    scores = np.zeros((len(test), 5))
    for name in names:
        x, y = train.inputs[name].numpy(), train.labels.numpy()
        means = np.stack([x[y == c].mean(0) for c in range(5)])
        noise = (x - means[y]).std()
        z = test.inputs[name].numpy()
        scores += ((z[:, None] - means) ** 2).sum(-1) / noise**2
        assert noise == pytest.approx(big.modalities[name].noise, rel=0.02)
    reached = (scores.argmin(1) == test.labels.numpy()).mean()
    assert reached == pytest.approx(big.facts["bayes_accuracy"]["+".join(names)], abs=0.01)


def test_class_means_are_two_apart_on_average():
    data = load_dataset(
        "gaussian", modalities=1, classes=60, dim=40, noise=[1e-6], sizes=(60, 1, 1)
    )
    means = data.split("train").inputs["m0"]
    squared = torch.pdist(means).square().mean()
    assert float(squared) == pytest.approx(4.0, rel=0.1)


def test_the_seed_decides_everything_and_splits_differ():
    def inputs(seed: int, split: str) -> torch.Tensor:
        sizes = (8, 8, 8)
        return load_dataset("gaussian", seed=seed, sizes=sizes).split(split).inputs["m0"]

    assert torch.equal(inputs(0, "train"), inputs(0, "train"))
    assert not torch.equal(inputs(0, "train"), inputs(1, "train"))
    assert not torch.equal(inputs(0, "train"), inputs(0, "val"))


def test_classes_are_balanced():
    counts = torch.bincount(load_dataset("gaussian", classes=7).split("train").labels)
    assert int(counts.max() - counts.min()) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": 0}, "'modalities' .* from 1 to 32, not 0"),
        ({"classes": 1}, "'classes' .* from 2 to 10,000, not 1"),
        ({"dim": 0}, "'dim' .* from 1 to 100,000, not 0"),
        ({"modalities": 2, "noise": [1.0]}, r"noise must hold 2 .*\[1.0\]"),
        ({"modalities": 2, "noise": [1.0, 0.0]}, r"noise' .*above 0, .*not \[1.0, 0.0\]"),
        ({"modalities": 1, "noise": [float("nan")]}, "noise' .*nan"),
        ({"modalities": 1, "noise": [float("inf")]}, "noise' .*inf"),
        ({"sizes": [10, 10]}, r"sizes' .*\[10, 10\]"),
        ({"sizes": [10, 0, 10]}, r"sizes' .*\[10, 0, 10\]"),
        # A configuration file can hold these too.
        ({"modalities": 2.5}, "modalities' .*2.5"),
        ({"classes": "ten"}, "classes' .*'ten'"),
        ({"modalities": 1, "noise": 0.5}, "noise' .*0.5"),
        ({"modalities": 1, "noise": ["loud"]}, "noise' .*'loud'"),
        ({"sizes": [10.5, 10, 10]}, "sizes' .*10.5"),
    ],
)
def test_a_bad_option_is_named_with_its_value(options, message):
    with pytest.raises((ConfigError, DataError), match=message):
        load_dataset("gaussian", **options)
