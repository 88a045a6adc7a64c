"""What holds for the runtime, and for the stand-in that other tests put in its place."""

import inspect

import numpy as np
import pytest

from soundstream.tflite import runtime as real
from tests import fake_runtime
from tests.tiny import harmonic_batch

HOP, LEVELS = 40, 4


@pytest.fixture(params=[real, fake_runtime], ids=["real", "stand-in"])
def runtime(request):
    return request.param


@pytest.fixture
def model(runtime, exported_model):
    if runtime is real:
        return real.CodecModel.load(exported_model)
    facts = real.CodecModel.load(exported_model).metadata
    return fake_runtime.CodecModel(fake_runtime.Metadata(**vars(facts)))


@pytest.fixture(scope="module")
def audio():
    return harmonic_batch(1, 30 * HOP)[0, :, 0]


@pytest.mark.parametrize("name", ["CodecModel.load", "StreamingEncoder", "StreamingDecoder"])
def test_both_are_made_alike(name):
    found = []
    for module in (real, fake_runtime):
        value = module
        for part in name.split("."):
            value = getattr(value, part)
        parameters = inspect.signature(value).parameters.values()
        found.append([(p.name, p.kind, p.default) for p in parameters])
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["StreamingEncoder", "StreamingDecoder"])
def test_the_stand_in_has_nothing_that_the_runtime_lacks(name):
    public = [m for m in vars(getattr(fake_runtime, name)) if not m.startswith("_")]
    assert "reset" in public
    assert not [member for member in public if not hasattr(getattr(real, name), member)]


@pytest.mark.parametrize("chunks", [[1] * 30, [7, 3, 20], [29, 0, 1]])
def test_any_chunking_gives_the_same_codes_and_audio(runtime, model, audio, chunks):
    whole = runtime.StreamingEncoder(model, 3200).encode(audio)
    decoded = runtime.StreamingDecoder(model).decode(whole)
    encoder, decoder = runtime.StreamingEncoder(model, 3200), runtime.StreamingDecoder(model)
    ends = np.cumsum(chunks)[:-1]
    codes = [encoder.encode(piece) for piece in np.split(audio, ends * HOP)]
    np.testing.assert_array_equal(np.concatenate(codes), whole)
    pieces = [decoder.decode(piece) for piece in np.split(whole, ends)]
    np.testing.assert_array_equal(np.concatenate(pieces), decoded)
    assert codes[0].dtype == np.int32 and pieces[0].dtype == np.float32


@pytest.mark.parametrize(
    "samples, message",
    [
        (np.zeros(HOP, np.int16), "samples of type int16: floating point needed"),
        (np.full(HOP, np.nan), "samples of type float64: not all of them are finite"),
        (np.full(HOP, np.inf, np.float32), "samples of type float32: not all of them are finite"),
    ],
)
def test_samples_that_are_no_sound_are_refused(runtime, model, samples, message):
    with pytest.raises(ValueError, match=message):
        runtime.StreamingEncoder(model, 3200).encode(samples)


def test_codes_that_are_no_integers_are_refused(runtime, model):
    with pytest.raises(ValueError, match="codes of type float32: integers needed"):
        runtime.StreamingDecoder(model).decode(np.zeros([2, LEVELS], np.float32))


def test_streams_of_one_model_do_not_mix(runtime, model, audio):
    alone = runtime.StreamingEncoder(model, 3200).encode(audio)
    streams = [runtime.StreamingEncoder(model, 3200) for _ in range(3)]
    signals = [audio, -audio, audio]
    codes = [[], [], []]
    for frame in range(30):
        for stream, signal, out in zip(streams, signals, codes):
            out.append(stream.encode(signal[frame * HOP : (frame + 1) * HOP]))
    np.testing.assert_array_equal(np.concatenate(codes[0]), alone)
    np.testing.assert_array_equal(np.concatenate(codes[2]), alone)
    assert np.any(np.concatenate(codes[1]) != alone)


def test_reset_begins_a_new_signal(runtime, model, audio):
    encoder, decoder = runtime.StreamingEncoder(model, 3200), runtime.StreamingDecoder(model)
    codes = encoder.encode(audio)
    decoded = decoder.decode(codes)
    encoder.reset()
    decoder.reset()
    np.testing.assert_array_equal(encoder.encode(audio), codes)
    np.testing.assert_array_equal(decoder.decode(codes), decoded)


@pytest.mark.parametrize("levels", range(1, LEVELS))
def test_lower_rates_are_the_first_levels(runtime, model, audio, levels):
    full = runtime.StreamingEncoder(model, 3200).encode(audio)
    np.testing.assert_array_equal(
        runtime.StreamingEncoder(model, 800 * levels).encode(audio), full[:, :levels]
    )


def test_minus_one_means_not_sent(runtime, model, audio):
    codes = runtime.StreamingEncoder(model, 3200).encode(audio)
    marked = codes.copy()
    marked[:, 2:] = -1
    np.testing.assert_array_equal(
        runtime.StreamingDecoder(model).decode(marked),
        runtime.StreamingDecoder(model).decode(codes[:, :2]),
    )


def test_levels_may_change_within_a_stream(runtime, model, audio):
    codes = runtime.StreamingEncoder(model, 3200).encode(audio)
    decoder = runtime.StreamingDecoder(model)
    pieces = [decoder.decode(codes[:10, :1]), decoder.decode(codes[10:])]
    marked = codes.copy()
    marked[:10, 1:] = -1
    np.testing.assert_array_equal(
        np.concatenate(pieces), runtime.StreamingDecoder(model).decode(marked)
    )


def test_nothing_in_nothing_out(runtime, model):
    codes = runtime.StreamingEncoder(model, 3200).encode(np.zeros(0, np.float32))
    assert codes.shape == (0, LEVELS)
    assert runtime.StreamingDecoder(model).decode(codes).shape == (0,)


@pytest.mark.parametrize("shape", [(HOP + 1,), (HOP, 1)])
def test_partial_frames_and_stereo_are_refused(runtime, model, shape):
    with pytest.raises(ValueError, match="mono audio in multiples of 40"):
        runtime.StreamingEncoder(model, 3200).encode(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(2, 0), (2, LEVELS + 1), (LEVELS,)])
def test_codes_of_a_wrong_shape_are_refused(runtime, model, shape):
    with pytest.raises(ValueError, match="1 to 4 levels"):
        runtime.StreamingDecoder(model).decode(np.zeros(shape, np.int32))


@pytest.mark.parametrize("code", [-2, 16])
def test_codes_out_of_range_are_refused(runtime, model, code):
    with pytest.raises(ValueError, match=f"codes from .*{code}.*'tiny' has 0 to 15"):
        runtime.StreamingDecoder(model).decode(np.array([[0, code]], np.int32))


@pytest.mark.parametrize("bitrate_bps", [0, 1000, 4000])
def test_impossible_bitrates_name_the_possible_ones(runtime, model, bitrate_bps):
    with pytest.raises(
        ValueError, match=f"{bitrate_bps} bps .*multiple of 800 bps from 800 to 3200"
    ):
        runtime.StreamingEncoder(model, bitrate_bps)


def test_a_model_without_the_switch_cannot_denoise(runtime, model):
    with pytest.raises(ValueError, match="no denoising switch"):
        runtime.StreamingEncoder(model, 3200, denoise=1.0)
