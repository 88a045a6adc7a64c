"""Levels, noise, targets and the choice of crops."""

import dataclasses

import numpy as np
import pytest

from data.mixing import Mixer, coloured_noise, rms
from data.sampling import MixOptions, Plan, generator

RATE = 16_000
CROP = 8_000
# Nothing random but the peak level.
PLAIN = MixOptions(silence_share=0.0, floor_share=0.0, max_gain_db=100.0)


def plan_for(batch: int, lengths, noisy=False, noise_length=0, wrap=False, clean=True) -> Plan:
    """A plan whose first `batch` reads are signals; noises follow where noise_length is given."""
    lengths = np.broadcast_to(np.array(lengths, np.int64), [batch])
    noises = np.full(batch, noise_length, np.int64)
    zeros = np.zeros(2 * batch, np.int64)
    return Plan(
        clip=zeros,
        start=zeros,
        length=np.concatenate([lengths, noises]),
        noisy=np.full(batch, noisy),
        wrap=np.full(batch, wrap),
        clean=np.full(batch, clean),
    )


def reads_of(signals: np.ndarray, noises: np.ndarray | None = None) -> np.ndarray:
    """float32 [2 * batch, 2 * CROP]."""
    reads = np.zeros((2 * len(signals), 2 * CROP), np.float32)
    reads[: len(signals), : signals.shape[1]] = signals
    if noises is not None:
        reads[len(signals) :, : noises.shape[1]] = noises
    return reads


def white(batch: int, samples: int, level: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal((batch, samples))).astype(np.float32)


def mix(options, plan, reads, seed=0):
    return Mixer(options, RATE, CROP).mix(generator(seed, 0, 1), plan, reads)


def test_peaks_spread_over_the_range_of_levels():
    batch = 400
    options = dataclasses.replace(PLAIN, peak_dbfs=(-30.0, -6.0))
    signal, target, denoise = mix(
        options, plan_for(batch, 2 * CROP), reads_of(white(batch, 2 * CROP))
    )
    peaks = 20 * np.log10(np.abs(signal).max(axis=1))
    assert peaks.min() > -30.01 and peaks.max() < -5.99
    assert np.histogram(peaks, bins=4, range=(-30, -6))[0].min() > batch / 4 * 0.7
    np.testing.assert_array_equal(signal, target)
    assert not denoise.any()


def test_quiet_crops_are_raised_by_the_limit_only():
    options = dataclasses.replace(PLAIN, peak_dbfs=(0.0, 0.0), max_gain_db=20.0)
    quiet = white(4, 2 * CROP, level=1e-4)
    signal, _, _ = mix(options, plan_for(4, 2 * CROP), reads_of(quiet))
    assert rms(signal.ravel()) == pytest.approx(1e-3, rel=0.05)


def test_some_crops_are_near_silent():
    options = dataclasses.replace(PLAIN, silence_share=0.25)
    signal, _, _ = mix(options, plan_for(400, 2 * CROP), reads_of(white(400, 2 * CROP)))
    peaks = 20 * np.log10(np.abs(signal).max(axis=1))
    assert np.mean(peaks < -49.9) == pytest.approx(0.25, abs=0.07)
    assert not ((peaks > -49.9) & (peaks < -24.1)).any()


def test_digital_silence_gets_a_floor_of_the_asked_level():
    options = dataclasses.replace(PLAIN, floor_share=1.0, floor_dbfs=(-80.0, -80.0))
    signal, _, _ = mix(options, plan_for(64, 2 * CROP), np.zeros((128, 2 * CROP), np.float32))
    levels = [20 * np.log10(rms(row)) for row in signal]
    # Brown noise wanders within half a second.
    assert np.median(levels) == pytest.approx(-80.0, abs=1.0)
    assert min(levels) > -95.0


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 12.0, 30.0])
@pytest.mark.parametrize("noise_length", [0, CROP, CROP // 3], ids=["synthetic", "long", "short"])
def test_noise_is_added_at_the_asked_ratio(snr_db, noise_length):
    options = dataclasses.replace(PLAIN, denoise_share=1.0, snr_db=(snr_db, snr_db))
    plan = plan_for(8, 2 * CROP, noisy=True, noise_length=noise_length)
    noises = white(8, noise_length, level=0.01, seed=1) if noise_length else None
    signal, target, denoise = mix(options, plan, reads_of(white(8, 2 * CROP), noises))
    assert denoise.all()
    for mixed, clean in zip(signal, target):
        assert 20 * np.log10(rms(clean) / rms(mixed - clean)) == pytest.approx(snr_db, abs=0.01)
    assert np.abs(signal).max() <= 1.0


def test_the_switch_decides_the_target():
    options = dataclasses.replace(PLAIN, denoise_share=0.5, snr_db=(0.0, 0.0))
    plan = plan_for(200, 2 * CROP, noisy=True)
    signal, target, denoise = mix(options, plan, reads_of(white(200, 2 * CROP)))
    assert denoise.mean() == pytest.approx(0.5, abs=0.15)
    same = (signal == target).all(axis=1)
    np.testing.assert_array_equal(same, denoise == 0.0)


def test_what_is_not_clean_is_no_target_of_denoising():
    options = dataclasses.replace(PLAIN, denoise_share=1.0, snr_db=(0.0, 0.0))
    plan = plan_for(4, 2 * CROP, noisy=True, clean=False)
    signal, target, denoise = mix(options, plan, reads_of(white(4, 2 * CROP)))
    assert not denoise.any()
    np.testing.assert_array_equal(signal, target)


def test_short_noises_begin_anywhere():
    options = dataclasses.replace(PLAIN, denoise_share=1.0, snr_db=(0.0, 0.0))
    click = np.zeros((32, CROP // 2), np.float32)
    click[:, 0] = 1.0
    plan = plan_for(32, 2 * CROP, noisy=True, noise_length=CROP // 2)
    signal, target, _ = mix(options, plan, reads_of(white(32, 2 * CROP), click))
    firsts = [int(np.argmax(np.abs(row))) for row in signal - target]
    assert len(set(firsts)) > 24 and min(firsts) < CROP // 8


def test_rooms_add_a_decaying_echo_to_speech_and_noise():
    options = dataclasses.replace(
        PLAIN, room_share=1.0, room_seconds=(0.3, 0.3), room_direct_db=(6.0, 6.0)
    )
    click = np.zeros((16, CROP), np.float32)
    click[:, 0] = 1.0
    echoes, _, _ = mix(options, plan_for(16, CROP), reads_of(click))
    echoes /= echoes[:, :1]
    energy = np.square(echoes).mean(axis=0)
    assert 10 * np.log10(energy[1:].sum()) == pytest.approx(-6.0, abs=0.5)
    early, late = energy[800:1600].mean(), energy[3200:4000].mean()  # 0.15 s apart
    assert 10 * np.log10(early / late) == pytest.approx(30.0, abs=2.0)
    assert energy[1:96].max() < 1e-12
    plan = plan_for(16, CROP, noisy=True, noise_length=CROP)
    options = dataclasses.replace(options, denoise_share=1.0, snr_db=(0.0, 0.0))
    signal, target, _ = mix(options, plan, reads_of(white(16, CROP), click))
    noise = signal - target
    assert np.abs(noise[:, 96:4000]).mean() > 10 * np.abs(noise[:, 1:96]).mean()


def tones(hertz) -> np.ndarray:
    """One tone a row, float32 [rows, 2 * CROP]."""
    phase = 2 * np.pi * np.array(hertz)[:, None] * np.arange(2 * CROP) / RATE
    return (0.1 * np.sin(phase)).astype(np.float32)


def loudest_hertz(rows: np.ndarray) -> np.ndarray:
    spectra = np.abs(np.fft.rfft(rows * np.hanning(rows.shape[1]), axis=1))
    return spectra.argmax(axis=1) * RATE / rows.shape[1]


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_speed_changes_the_pitch_of_speech_and_noise(speed):
    options = dataclasses.replace(
        PLAIN, denoise_share=1.0, snr_db=(0.0, 0.0), speed_share=1.0, speed=(speed, speed)
    )
    plan = plan_for(4, 2 * CROP, noisy=True, noise_length=CROP)
    signal, target, _ = mix(
        options, plan, reads_of(tones([400.0] * 4), tones([1000.0] * 4)[:, :CROP])
    )
    np.testing.assert_allclose(loudest_hertz(target), 400.0 * speed, atol=3.0)
    np.testing.assert_allclose(loudest_hertz(signal - target), 1000.0 * speed, atol=3.0)
    # The window has enough for a whole crop at either speed; noise that is short begins anew.
    for row in (*target, *(signal - target)):
        assert rms(row[: CROP // 8]) > 0.5 * rms(row) and rms(row[-CROP // 8 :]) > 0.5 * rms(row)


def test_only_a_share_is_played_at_another_speed():
    options = dataclasses.replace(PLAIN, speed_share=0.3)
    target = mix(options, plan_for(200, 2 * CROP), reads_of(tones([1000.0] * 200)))[1]
    hertz = loudest_hertz(target)
    assert np.mean(hertz != 1000.0) == pytest.approx(0.3, abs=0.1)
    assert 840.0 <= hertz.min() < 950.0 and 1100.0 < hertz.max() <= 1210.0


def test_noises_of_a_batch_join():
    hertz = np.array([500.0, 1000.0, 2000.0, 4000.0])
    options = dataclasses.replace(PLAIN, denoise_share=1.0, snr_db=(0.0, 0.0), noise_pair_share=1.0)
    plan = plan_for(4, CROP, noisy=True, noise_length=CROP)
    signal, target, _ = mix(options, plan, reads_of(white(4, CROP), tones(hertz)[:, :CROP]))
    levels = np.abs(np.fft.rfft(signal - target, axis=1))[:, (hertz * CROP / RATE).astype(int)]
    for row, level in enumerate(levels):
        own, joining = level[row], level[row - 1]
        assert -12.1 < 20 * np.log10(joining / own) < 0.1
        assert np.delete(level, [row, row - 1]).max() < 1e-2 * own
    np.testing.assert_allclose(
        [rms(r) for r in signal - target], [rms(r) for r in target], rtol=0.01
    )


def test_silent_noise_recordings_are_replaced():
    options = dataclasses.replace(PLAIN, denoise_share=1.0, snr_db=(0.0, 0.0))
    plan = plan_for(4, 2 * CROP, noisy=True, noise_length=CROP)
    silent = np.zeros((4, CROP), np.float32)
    signal, target, _ = mix(options, plan, reads_of(white(4, 2 * CROP), silent))
    assert all(rms(row) > 1e-3 for row in signal - target)


def test_crops_prefer_active_stretches():
    windows = np.zeros((300, 2 * CROP), np.float32)
    windows[:, CROP:] = white(300, CROP)  # the first half of each window is a pause
    loud = {}
    for share in (0.0, 1.0):
        options = dataclasses.replace(PLAIN, active_share=share)
        signal, _, _ = mix(options, plan_for(300, 2 * CROP), reads_of(windows))
        loud[share] = np.mean(np.mean(np.abs(signal) > 0, axis=1) > 0.48)
    assert loud[0.0] == pytest.approx(0.5, abs=0.1)
    assert loud[1.0] > 0.9  # four candidates: one in 16 finds none


def test_short_signals_are_padded_and_short_noises_repeated():
    short = white(50, CROP // 4)
    padded, _, _ = mix(PLAIN, plan_for(50, CROP // 4), reads_of(short))
    assert (np.count_nonzero(padded, axis=1) <= CROP // 4).all()
    starts = [np.flatnonzero(row)[0] for row in padded]
    assert min(starts) < CROP / 8 and max(starts) > CROP / 2
    wrapped, _, _ = mix(PLAIN, plan_for(50, CROP // 4, wrap=True), reads_of(short))
    np.testing.assert_array_equal(wrapped[:, : CROP // 4], wrapped[:, CROP // 4 : CROP // 2])
    assert (np.count_nonzero(wrapped, axis=1) > CROP * 0.99).all()


def test_colouring_is_mild_and_smooth():
    options = dataclasses.replace(PLAIN, peak_dbfs=(-10.0, -10.0))
    plan, reads = plan_for(32, CROP), reads_of(white(32, CROP))
    flat, _, _ = mix(options, plan, reads)
    coloured, _, _ = mix(dataclasses.replace(options, colour_share=1.0), plan, reads)
    ratio_db = 20 * np.log10(np.abs(np.fft.rfft(coloured) / np.fft.rfft(flat)))
    spread = ratio_db.max(axis=1) - ratio_db.min(axis=1)
    assert (spread <= 2 * options.colour_db + 0.1).all() and np.median(spread) > 2.0
    assert np.abs(np.diff(ratio_db, axis=1)).max() < 0.1


@pytest.mark.parametrize(("row", "octave_db"), [(0, 0.0), (1, -3.0), (2, -6.0)])
def test_synthetic_noise_has_its_colour(row, octave_db):
    noise = coloured_noise(2**17, RATE)
    power = np.square(np.abs(np.fft.rfft(noise[row])))
    hertz = np.fft.rfftfreq(2**17, 1 / RATE)
    low = power[(hertz > 400) & (hertz < 600)].mean()
    high = power[(hertz > 3200) & (hertz < 4800)].mean()  # three octaves up
    assert 10 * np.log10(high / low) == pytest.approx(3 * octave_db, abs=1.0)
    assert rms(noise[row]) == pytest.approx(1.0, rel=1e-3)
