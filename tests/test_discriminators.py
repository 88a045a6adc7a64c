import pytest
import tensorflow as tf

from training.discriminators import KINDS, Discriminators


@pytest.mark.parametrize("kind", KINDS)
def test_feature_maps_end_in_logits(kind):
    members = Discriminators([kind], channels=4, windows=(256, 128))(tf.zeros([2, 4096]))
    assert len(members) == {"wave": 3, "stft": 1, "ms_stft": 2}[kind]
    for maps in members:
        assert len(maps) > 3
        assert maps[-1].shape[0] == 2
        assert maps[-1].shape[-1] == 1
        assert all(m.dtype == tf.float32 for m in maps)


def test_wave_discriminator_has_the_papers_widths():
    wave = Discriminators(["wave"])
    wave(tf.zeros([1, 4096]))
    filters = [conv.filters for conv in wave.members[0].convolutions]
    assert filters == [16, 64, 256, 1024, 1024, 1024, 1]


def test_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"'wawe'.*wave, stft, ms_stft"):
        Discriminators(["wawe"])
