import numpy as np
import pytest

from soundstream.frames import filled_frames, whole_frames, whole_length


@pytest.mark.parametrize("length, whole, filled", [(0, 0, 0), (3, 0, 4), (4, 4, 4), (9, 8, 12)])
def test_samples_are_cut_or_filled_to_frames(length, whole, filled):
    samples = np.arange(1, length + 1)
    assert whole_length(length, 4) == whole
    np.testing.assert_array_equal(whole_frames(samples, 4), samples[:whole])
    np.testing.assert_array_equal(whole_frames(np.stack([samples] * 2), 4)[1], samples[:whole])
    silence = np.zeros(filled - length)
    np.testing.assert_array_equal(filled_frames(samples, 4), np.append(samples, silence))
