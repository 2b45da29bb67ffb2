"""What is put before a network that reads sounds: a clip in which nothing happens stays 0."""

import pytest
import torch

from mla_core.encoders.inputs import FilterBanks, Waveform


@pytest.mark.parametrize("value", [0.0, 0.1, -46.05, 1e5])
def test_equal_numbers_are_standardised_to_zero(value):
    assert (FilterBanks(64)(torch.full((2, 1, 16, 50), value)) == 0).all()
    assert (Waveform()(torch.full((2, 1, 999), value)) == 0).all()
