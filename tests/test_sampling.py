"""Which crops are drawn: tempered by speaker, weighted by flag, and the same for the same seed."""

import dataclasses

import numpy as np
import pytest

from data.sampling import CropSampler, MixOptions, fitting, generator
from data.shards import Clip

RATE = 16_000


def clip(seconds: float, speaker: str = "anna", kind: str = "speech", flag: str = "-") -> Clip:
    return Clip(0, 0, round(seconds * RATE), kind, speaker, "en", "CC0", "x:y", flag)


def drawn(clips, options, draws=20_000, crop=RATE):
    """Numbers of the clips of `draws` crops."""
    return CropSampler(clips, options, crop).plan(generator(0, 0, 0), draws).clip


@pytest.mark.parametrize("exponent", [0.0, 0.4, 1.0])
def test_speakers_are_drawn_by_tempered_duration(exponent):
    seconds = {"a": 3600.0, "b": 400.0, "c": 40.0, "d": 4.0}
    clips = [clip(s / 4, speaker) for speaker, s in seconds.items() for _ in range(4)]
    chosen = drawn(clips, MixOptions(speaker_exponent=exponent)) // 4
    expected = np.array(list(seconds.values())) ** exponent
    expected /= expected.sum()
    # Five standard deviations of a binomial: the neighbouring exponents are far outside.
    tolerance = 5 * np.sqrt(expected * (1 - expected) / len(chosen))
    assert (np.abs(np.bincount(chosen, minlength=4) / len(chosen) - expected) < tolerance).all()


def test_clips_of_a_speaker_are_drawn_by_duration():
    chosen = drawn([clip(10.0), clip(30.0)], MixOptions(speaker_exponent=0.4))
    assert np.mean(chosen) == pytest.approx(0.75, abs=0.02)


def test_flags_weigh():
    clips = [clip(10.0, "a"), clip(10.0, "b", flag="noisy"), clip(10.0, "c", flag="dull")]
    share = np.bincount(drawn(clips, MixOptions()), minlength=3) / 20_000
    np.testing.assert_allclose(share, [2 / 3, 1 / 3, 0.0], atol=0.02)


def test_kinds_have_their_shares():
    clips = [clip(10.0), clip(10.0, kind="music"), clip(10.0, kind="noise")]
    options = MixOptions(music_share=0.2, noise_share=0.1)
    share = np.bincount(drawn(clips, options), minlength=3) / 20_000
    np.testing.assert_allclose(share, [0.7, 0.2, 0.1], atol=0.02)


def test_windows_lie_inside_their_clips_and_reach_both_ends():
    clips = [clip(5.0), clip(1.5, "bert"), clip(0.5, "carl")]
    plan = CropSampler(clips, MixOptions(speaker_exponent=0.0), RATE).plan(
        generator(1, 0, 0), 30_000
    )
    lengths = np.array([c.length for c in clips])[plan.clip]
    assert (plan.start >= 0).all() and (plan.start + plan.length <= lengths).all()
    assert (plan.length == np.minimum(lengths, 2 * RATE)).all()
    of_long = plan.start[plan.clip == 0]
    assert of_long.min() < 50 and of_long.max() > 3 * RATE - 50


def test_noise_is_planned_where_it_is_to_be_added():
    clips = [clip(10.0), clip(10.0, "rain", kind="noise")]
    options = MixOptions(noisy_share=0.5, synthetic_noise_share=0.4)
    plan = CropSampler(clips, options, RATE).plan(generator(0, 0, 0), 10_000)
    assert len(plan.clip) == len(plan.length) == 20_000 and len(plan.noisy) == 10_000
    recorded = plan.length[10_000:] > 0
    assert plan.noisy.mean() == pytest.approx(0.5, abs=0.02)
    assert recorded.mean() == pytest.approx(0.3, abs=0.02)
    assert not (recorded & ~plan.noisy).any()
    assert (plan.clip[10_000:] == 1).all()


def test_music_may_disturb_and_only_clean_speech_is_a_target():
    clips = [
        clip(10.0),
        clip(10.0, "bert", flag="noisy"),
        clip(10.0, "rain", kind="noise"),
        clip(10.0, "band", kind="music"),
    ]
    options = MixOptions(noisy_share=1.0, music_noise_share=0.3, music_share=0.2)
    plan = CropSampler(clips, options, RATE).plan(generator(0, 0, 0), 10_000)
    disturbing = np.bincount(plan.clip[10_000:], minlength=4) / 10_000
    np.testing.assert_allclose(disturbing, [0, 0, 0.7, 0.3], atol=0.02)
    np.testing.assert_array_equal(plan.clean, plan.clip[:10_000] == 0)
    with pytest.raises(ValueError, match="music is asked for"):
        CropSampler(clips[:3], MixOptions(noisy_share=1.0, music_noise_share=0.3), RATE)


def test_plans_depend_on_seed_and_batch_alone():
    sampler = CropSampler([clip(100.0), clip(7.0, "bert")], MixOptions(), RATE)
    plans = {
        (seed, batch): sampler.plan(generator(seed, batch, 0), 8).start.tolist()
        for seed in range(3)
        for batch in range(3)
    }
    assert len({tuple(plan) for plan in plans.values()}) == 9
    assert sampler.plan(generator(2, 1, 0), 8).start.tolist() == plans[2, 1]


def test_what_the_data_lack_is_named():
    with pytest.raises(ValueError, match="speech is asked for"):
        CropSampler([clip(1.0, kind="noise")], MixOptions(), RATE)
    with pytest.raises(ValueError, match="noise is asked for"):
        CropSampler([clip(1.0)], MixOptions(noisy_share=0.5), RATE)
    with pytest.raises(ValueError, match="speech is asked for"):
        CropSampler([clip(1.0, flag="dull")], MixOptions(), RATE)
    # Synthetic noise needs no recordings.
    CropSampler([clip(1.0)], MixOptions(noisy_share=0.5, synthetic_noise_share=1.0), RATE)


ASKED = MixOptions(music_share=0.1, noise_share=0.2, noisy_share=0.5, music_noise_share=0.3)


@pytest.mark.parametrize(
    ("kinds", "changes"),
    [
        ({"speech", "music", "noise"}, {}),
        ({"speech", "noise"}, {"music_share": 0.0, "music_noise_share": 0.0}),
        ({"speech", "music"}, {"noise_share": 0.0, "music_noise_share": 1.0}),
        (
            {"speech"},
            {
                "music_share": 0.0,
                "music_noise_share": 0.0,
                "noise_share": 0.0,
                "synthetic_noise_share": 1.0,
            },
        ),
    ],
)
def test_shares_of_what_the_data_lack_are_left_out(kinds, changes):
    options, missing = fitting(ASKED, kinds, given=())
    assert options == dataclasses.replace(ASKED, **changes) and missing.keys() == changes.keys()
    CropSampler([clip(1.0, kind=kind) for kind in kinds], options, RATE)  # does not refuse


def test_shares_that_the_user_asks_for_stay():
    options, missing = fitting(MixOptions(music_share=0.1), {"speech"}, given={"music_share"})
    assert options.music_share == 0.1 and "music_share" not in missing


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"music_share": 1.5}, r"music_share is a probability, got 1\.5"),
        ({"music_share": 0.6, "noise_share": 0.6}, "above 1"),
        ({"snr_db": (30.0, -5.0)}, "snr_db must be"),
        ({"flag_weights": {"-": -1.0}}, "negative"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MixOptions(**options)
