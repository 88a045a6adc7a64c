import numpy as np
import pytest

from export.to_tflite import export_model
from model.soundstream import SoundStream
from soundstream.tflite.many_streams import BatchDecoder, BatchEncoder
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.contract import randomize
from tests.tiny import SMALL_SWITCH, harmonic_batch, tiny_config

STREAMS, FRAMES, CALLS, BITRATE = 3, 2, 6, 3200
FLAVOURS = ["float32", "dynamic_int8"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The same codec for one stream and for several, two frames a call."""
    folder = tmp_path_factory.mktemp("models")
    codec = SoundStream(tiny_config())
    for name, streams in (("one", 1), ("many", STREAMS)):
        export_model(codec, folder / name, FLAVOURS, [BITRATE], FRAMES, streams_per_call=streams)
    return folder


@pytest.fixture(scope="module")
def audio(models):
    hop = CodecModel.load(models / "one").metadata.hop
    signals = harmonic_batch(STREAMS, CALLS * FRAMES * hop)[..., 0]
    return signals * np.array([[0.01], [1.0], [0.1]], np.float32)


def coded(model, audio):
    """Codes and audio of all streams, call by call."""
    encoder, decoder = BatchEncoder(model, BITRATE), BatchDecoder(model)
    codes = [encoder.encode(block) for block in np.split(audio, CALLS, axis=1)]
    return np.concatenate(codes, 1), np.concatenate([decoder.decode(c) for c in codes], 1)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_each_stream_is_what_it_is_alone(models, audio, flavour):
    # In int8 too: the range of what is rounded is that of the stream, not of its neighbours.
    one, many = (CodecModel.load(models / name, flavour) for name in ("one", "many"))
    codes, decoded = coded(many, audio)
    for signal, own, sound in zip(audio, codes, decoded, strict=True):
        np.testing.assert_array_equal(own, StreamingEncoder(one, BITRATE).encode(signal))
        np.testing.assert_allclose(sound, StreamingDecoder(one).decode(own), atol=1e-6)
    assert np.any(codes[0] != codes[1])


def test_a_restarted_stream_begins_anew_and_others_go_on(models, audio):
    model = CodecModel.load(models / "many")
    expected, decoded = coded(model, audio)
    blocks = np.split(audio, CALLS, axis=1)
    encoder, decoder = BatchEncoder(model, BITRATE), BatchDecoder(model)
    for block, codes in zip(blocks[:3], np.split(expected, CALLS, axis=1)):
        encoder.encode(block)
        decoder.decode(codes)
    encoder.restart(1)
    decoder.restart(1)
    block = blocks[3].copy()
    block[1] = blocks[0][1]
    codes = encoder.encode(block)
    after = decoder.decode(codes)
    there, begin = slice(3 * FRAMES, 4 * FRAMES), slice(0, FRAMES)
    np.testing.assert_array_equal(codes[[0, 2]], expected[[0, 2], there])
    np.testing.assert_array_equal(codes[1], expected[1, begin])
    size = block.shape[1]
    np.testing.assert_allclose(after[0], decoded[0, 3 * size : 4 * size], atol=1e-6)
    np.testing.assert_allclose(after[1], decoded[1, :size], atol=1e-6)


def test_streams_have_switches_of_their_own(tmp_path):
    config = tiny_config(**SMALL_SWITCH, denoise_decoder=True)
    codec = SoundStream(config)
    randomize(codec.denoiser)
    randomize(codec.decoder_film)
    for name, streams in (("one", 1), ("two", 2)):
        export_model(codec, tmp_path / name, ["float32"], [BITRATE], streams_per_call=streams)
    one, two = (CodecModel.load(tmp_path / name) for name in ("one", "two"))
    audio = np.repeat(harmonic_batch(1, config.hop)[..., 0], 2, axis=0)
    switches = np.array([0.0, 1.0])
    codes = BatchEncoder(two, BITRATE).encode(audio, switches)
    decoded = BatchDecoder(two).decode(codes, switches)
    for stream, switch in enumerate(switches):
        decoder = StreamingDecoder(one)
        decoder.denoise = switch
        alone = StreamingEncoder(one, BITRATE, switch).encode(audio[stream])
        np.testing.assert_array_equal(codes[stream], alone)
        np.testing.assert_allclose(decoded[stream], decoder.decode(alone), atol=1e-6)
    assert np.any(decoded[0] != decoded[1])
    with pytest.raises(ValueError, match=r"denoise of shape \(1,\): \(2,\) needed"):
        BatchEncoder(two, BITRATE).encode(audio, switches[:1])


def test_what_does_not_fit_is_named(models, audio, tmp_path):
    many = CodecModel.load(models / "many")
    encoder, decoder = BatchEncoder(many, BITRATE), BatchDecoder(many)
    with pytest.raises(ValueError, match=r"samples of shape \(2, 80\): \(3, 80\) needed"):
        encoder.encode(np.zeros([2, 80], np.float32))
    with pytest.raises(ValueError, match=r"codes of shape \(3, 2, 5\): \(3, 2, 4\) needed"):
        decoder.decode(np.zeros([3, 2, 5], np.int32))
    with pytest.raises(ValueError, match="no such switch"):
        decoder.decode(np.zeros([3, 2, 4], np.int32), np.zeros(3))
    for stream in (StreamingEncoder, StreamingDecoder):
        with pytest.raises(ValueError, match="takes 3 streams in one call"):
            stream(many)
    with pytest.raises(ValueError, match="state packed: not with 2 streams in one call"):
        export_model(
            SoundStream(tiny_config()), tmp_path, ["float32"], state="packed", streams_per_call=2
        )
