import json

import pytest

from model.config import PRESETS, CodecConfig, paper, preset, speech


def test_paper_numbers():
    config = paper()
    assert (config.hop, config.frame_rate, config.bits_per_code) == (320, 75, 10)
    assert config.bitrate_bps(8) == 6_000
    assert config.max_bitrate_bps == 18_000


def test_speech_numbers():
    config = speech()
    assert (config.hop, config.frame_rate) == (320, 50)
    assert [config.num_quantizers_for(b) for b in (3_000, 6_000, 18_000)] == [10, 20, 60]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name):
    config = preset(name)
    assert CodecConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("name", PRESETS)
def test_every_level_count_has_its_bitrate(name):
    config = preset(name)
    for levels in range(1, config.num_quantizers + 1):
        assert config.num_quantizers_for(config.bitrate_bps(levels)) == levels


@pytest.mark.parametrize("bitrate_bps", [0, 299, 3_100, 18_300])
def test_impossible_bitrates_name_the_possible_ones(bitrate_bps):
    with pytest.raises(ValueError, match=f"{bitrate_bps} bps .* multiple of 300 bps"):
        speech().num_quantizers_for(bitrate_bps)


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"strides": (5, 2)}, "one entry more than strides"),
        ({"decoder_channels": (64,)}, "decoder_channels"),
        ({"codebook_size": 1000}, "codebook_size=1000 is not a power of two"),
        ({"strides": (5, 2, 3)}, "hop=480 does not divide sample_rate=16000"),
    ],
)
def test_contradictions_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        speech().replace(**changes)


def test_unknown_settings_are_named():
    with pytest.raises(ValueError, match=r"unknown codec settings .'color'"):
        CodecConfig.from_dict(speech().to_dict() | {"color": 1})


def test_an_unknown_preset_lists_the_known():
    with pytest.raises(ValueError, match="no preset 'opera': choose one of paper, speech"):
        preset("opera")
