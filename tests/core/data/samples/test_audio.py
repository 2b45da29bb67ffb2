"""The codec, the noise, the log-mel picture and the WAV bytes."""

import io
import math
import wave

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mla_core.data.samples.audio import (
    FRAMES,
    HOP,
    LEVELS,
    MELS,
    RATE,
    SAMPLES,
    WINDOW,
    add_noise,
    audible,
    log_mel,
    mel_edges,
    mel_filters,
    mu_law_decode,
    mu_law_encode,
    to_int16,
    wav_bytes,
)
from mla_core.errors import DataError


def tone(hertz: float, amplitude: float = 1.0) -> torch.Tensor:
    return amplitude * torch.sin(torch.arange(SAMPLES) * (2 * math.pi * hertz / RATE))


def test_every_code_decodes_to_an_amplitude_that_encodes_to_it():
    codes = np.arange(LEVELS, dtype=np.uint8)
    amplitudes = mu_law_decode(codes)
    assert np.array_equal(mu_law_encode(amplitudes), codes)
    assert (np.diff(amplitudes) > 0).all()
    assert np.array_equal(amplitudes, -amplitudes[::-1])


@given(st.floats(-1, 1))
def test_the_codec_takes_the_nearest_level(amplitude):
    levels = mu_law_decode(np.arange(LEVELS, dtype=np.uint8))
    decoded = mu_law_decode(mu_law_encode(np.array([amplitude])))[0]
    assert abs(decoded - amplitude) <= np.abs(levels - amplitude).min() + 1e-6


@pytest.mark.parametrize("bad", [1.5, -1.01, float("nan"), float("inf")])
def test_the_codec_refuses_what_lies_outside_its_range(bad):
    with pytest.raises(DataError, match=r"-1\.\.1"):
        mu_law_encode(np.array([0.0, bad]))


def test_padding_is_not_audible_and_a_pause_inside_a_word_is():
    clip = torch.zeros(1, 100)
    clip[0, 20:30] = 1
    clip[0, 60:70] = -0.5
    assert audible(clip)[0].nonzero().flatten().tolist() == list(range(20, 70))


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 12.0])
def test_noise_has_the_requested_ratio_whatever_the_padding_and_the_loudness(snr_db):
    sizes, loudness = (30000, 20000, 40000), (1.0, 0.1, 3.0)
    clips = torch.zeros(3, 40000)
    for clip, size, amplitude in zip(clips, sizes, loudness, strict=True):  # square waves: their
        clip[:size] = amplitude * torch.tensor([1.0, -1.0]).repeat(size // 2)  # power is known
    clips[:2] = clips[:2].roll(5000, dims=1)
    noise = (add_noise(clips, snr_db, torch.Generator().manual_seed(3)) - clips).double()
    ratio = 10 * torch.log10(torch.tensor(loudness).square() / noise.square().mean(1))
    assert ratio.tolist() == pytest.approx([snr_db] * 3, abs=0.15)
    first, second = noise[0, :20000], noise[0, 20000:]  # the padding is as noisy as the word
    assert float(first.std() / second.std()) == pytest.approx(1, abs=0.05)


def test_noise_is_white():
    silence_and_click = torch.zeros(1, 2**15)
    silence_and_click[0, 5] = 1.0
    noise = add_noise(silence_and_click, 0.0, torch.Generator().manual_seed(0))[0]
    power = torch.fft.rfft(noise).abs().square()[1:-1].reshape(-1, 127).mean(1)
    assert power.std() / power.mean() < 2 / math.sqrt(127)


def test_the_same_generator_adds_the_same_noise():
    clips = tone(440).expand(2, -1)
    one, two = (add_noise(clips, 0.0, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one[0], one[1])


def test_log_mel_has_the_promised_shape_and_is_standardised():
    picture = log_mel(torch.stack([tone(300), tone(1500) + 0.3 * tone(700), torch.zeros(SAMPLES)]))
    assert picture.shape == (3, 1, MELS, FRAMES)
    assert picture.dtype == torch.float32
    assert torch.isfinite(picture).all()
    assert picture.mean((1, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert picture.std((1, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 0], abs=1e-4)


@given(st.floats(100, 3900))
def test_log_mel_of_a_tone_is_largest_in_the_band_around_it(hertz):
    band = int(log_mel(tone(hertz)[None])[0, 0].mean(1).argmax())
    edges = mel_edges()
    bin_width = RATE / WINDOW
    assert edges[band] - bin_width <= hertz <= edges[band + 2] + bin_width


def test_log_mel_agrees_with_a_frame_by_frame_computation():
    wave_form = (tone(440) + 0.5 * tone(1234) + 0.2 * tone(3000)).double().numpy()
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    corners = [
        700 * (math.exp(i * math.log1p(4000 / 700) / (MELS + 1)) - 1) for i in range(MELS + 2)
    ]
    hertz = [i * RATE / WINDOW for i in range(WINDOW // 2 + 1)]
    bank = np.array([np.interp(hertz, corners[m : m + 3], [0, 1, 0]) for m in range(MELS)])
    frames = [wave_form[i * HOP : i * HOP + WINDOW] for i in range(FRAMES)]
    energy = bank @ np.array([np.abs(np.fft.rfft(hann * frame)) ** 2 for frame in frames]).T
    expected = np.log(np.maximum(energy, 1e-4 * energy.max()))
    expected = (expected - expected.mean()) / expected.std()
    found = log_mel(torch.tensor(wave_form, dtype=torch.float32)[None])[0, 0].numpy()
    assert np.abs(found - expected).max() < 1e-3


def test_log_mel_ignores_loudness():
    clip = (tone(440) + tone(2000))[None]
    assert torch.allclose(log_mel(clip), log_mel(1000 * clip), atol=1e-4)


def test_every_mel_band_covers_at_least_one_frequency():
    assert (mel_filters().sum(0) > 0).all()
    assert mel_filters().min() >= 0


def test_int16_uses_the_full_range_and_leaves_silence_alone():
    scaled = to_int16(torch.stack([tone(440, 7.0), torch.zeros(SAMPLES)]))
    assert scaled.dtype == torch.int16
    assert scaled.abs().amax(1).tolist() == [32767, 0]


@given(st.lists(st.integers(-32767, 32767), min_size=1, max_size=50), st.integers(1, 48000))
def test_a_wav_file_holds_the_very_samples(samples, rate):
    expected = torch.tensor(samples, dtype=torch.int16)
    with wave.open(io.BytesIO(wav_bytes(expected, rate))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, rate)
        assert np.frombuffer(file.readframes(-1), "<i2").tolist() == samples


def test_a_float_waveform_is_rounded_to_16_bits_and_must_fit():
    with wave.open(io.BytesIO(wav_bytes(torch.tensor([-1.0, 0.0, 0.5])))) as file:
        assert np.frombuffer(file.readframes(-1), "<i2").tolist() == [-32767, 0, 16384]
    for bad in (1.5, float("nan")):
        with pytest.raises(DataError, match=r"-1\.\.1"):
            wav_bytes(torch.tensor([bad]))
