import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.tiny import harmonic_batch, tiny_config

HOP, LEVELS = 40, 4


@pytest.fixture(scope="module")
def model(exported_model):
    return CodecModel.load(exported_model)


@pytest.fixture(scope="module")
def audio():
    return harmonic_batch(1, 30 * HOP)[0, :, 0]


@pytest.mark.parametrize("chunks", [[1] * 30, [7, 3, 20], [29, 0, 1]])
def test_any_chunking_gives_the_same_codes_and_audio(model, audio, chunks):
    whole = StreamingEncoder(model, 3200).encode(audio)
    decoded = StreamingDecoder(model).decode(whole)
    encoder, decoder = StreamingEncoder(model, 3200), StreamingDecoder(model)
    ends = np.cumsum(chunks)[:-1]
    codes = [encoder.encode(piece) for piece in np.split(audio, ends * HOP)]
    np.testing.assert_array_equal(np.concatenate(codes), whole)
    pieces = [decoder.decode(piece) for piece in np.split(whole, ends)]
    np.testing.assert_array_equal(np.concatenate(pieces), decoded)
    assert codes[0].dtype == np.int32 and pieces[0].dtype == np.float32


@pytest.fixture(scope="module")
def one_and_four(tmp_path_factory):
    """The same codec twice, with one and with four frames in a call."""
    from export.to_tflite import export_model
    from model.soundstream import SoundStream

    codec, folder = SoundStream(tiny_config()), tmp_path_factory.mktemp("exported")
    for frames in (1, 4):
        export_model(codec, folder / str(frames), ["float32"], frames_per_call=frames)
    return [CodecModel.load(folder / name) for name in ("1", "4")]


@pytest.mark.parametrize("chunks", [[30], [1] * 30, [7, 3, 20], [29, 0, 1], [3, 4, 8, 15]])
def test_any_number_of_frames_fits_calls_of_several(one_and_four, audio, chunks):
    one, four = one_and_four
    assert (one.metadata.frames_per_call, four.metadata.frames_per_call) == (1, 4)
    codes = StreamingEncoder(one, 3200).encode(audio)
    decoded = StreamingDecoder(one).decode(codes)
    encoder = StreamingEncoder(four, 3200)
    decoder = StreamingDecoder(four)
    for _ in range(2):  # and once more after a reset
        ends = np.cumsum(chunks)[:-1]
        coded = [encoder.encode(piece) for piece in np.split(audio, ends * HOP)]
        assert [len(piece) for piece in coded] == chunks
        np.testing.assert_array_equal(np.concatenate(coded), codes)
        heard = [decoder.decode(piece) for piece in np.split(codes, ends)]
        assert [len(piece) for piece in heard] == [HOP * n for n in chunks]
        np.testing.assert_allclose(np.concatenate(heard), decoded, atol=1e-5)
        encoder.reset()
        decoder.reset()


def test_a_model_that_keeps_its_state_inside_takes_whole_calls(tmp_path, audio):
    from export.to_tflite import export_model
    from model.soundstream import SoundStream

    config = tiny_config()
    export_model(SoundStream(config), tmp_path, ["float32"], frames_per_call=2, state="variables")
    encoder = StreamingEncoder(CodecModel.load(tmp_path), 3200)
    assert len(encoder.encode(audio[: 4 * HOP])) == 4
    with pytest.raises(ValueError, match="3 frames: model 'tiny' keeps its state inside"):
        encoder.encode(audio[: 3 * HOP])


@pytest.mark.parametrize(
    "samples, message",
    [
        (np.zeros(HOP, np.int16), "samples of type int16: floating point needed"),
        (np.full(HOP, np.nan), "samples of type float64: not all of them are finite"),
        (np.full(HOP, np.inf, np.float32), "samples of type float32: not all of them are finite"),
    ],
)
def test_samples_that_are_no_sound_are_refused(model, samples, message):
    with pytest.raises(ValueError, match=message):
        StreamingEncoder(model, 3200).encode(samples)


def test_codes_that_are_no_integers_are_refused(model):
    with pytest.raises(ValueError, match="codes of type float32: integers needed"):
        StreamingDecoder(model).decode(np.zeros([2, LEVELS], np.float32))


def test_streams_of_one_model_do_not_mix(model, audio):
    alone = StreamingEncoder(model, 3200).encode(audio)
    streams = [StreamingEncoder(model, 3200) for _ in range(3)]
    signals = [audio, -audio, audio]
    codes = [[], [], []]
    for frame in range(30):
        for stream, signal, out in zip(streams, signals, codes):
            out.append(stream.encode(signal[frame * HOP : (frame + 1) * HOP]))
    np.testing.assert_array_equal(np.concatenate(codes[0]), alone)
    np.testing.assert_array_equal(np.concatenate(codes[2]), alone)
    assert np.any(np.concatenate(codes[1]) != alone)


def test_streams_may_run_in_threads(model, audio):
    alone = StreamingEncoder(model, 3200).encode(audio)
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda _: StreamingEncoder(model, 3200).encode(audio), range(8)))
    for codes in many:
        np.testing.assert_array_equal(codes, alone)


def test_reset_begins_a_new_signal(model, audio):
    encoder, decoder = StreamingEncoder(model, 3200), StreamingDecoder(model)
    codes, decoded = encoder.encode(audio), None
    decoded = decoder.decode(codes)
    encoder.reset()
    decoder.reset()
    np.testing.assert_array_equal(encoder.encode(audio), codes)
    np.testing.assert_array_equal(decoder.decode(codes), decoded)


@pytest.mark.parametrize("levels", range(1, LEVELS))
def test_lower_rates_are_the_first_levels(model, audio, levels):
    full = StreamingEncoder(model, 3200).encode(audio)
    np.testing.assert_array_equal(
        StreamingEncoder(model, 800 * levels).encode(audio), full[:, :levels]
    )


def test_minus_one_means_not_sent(model, audio):
    codes = StreamingEncoder(model, 3200).encode(audio)
    marked = codes.copy()
    marked[:, 2:] = -1
    np.testing.assert_array_equal(
        StreamingDecoder(model).decode(marked), StreamingDecoder(model).decode(codes[:, :2])
    )


def test_levels_may_change_within_a_stream(model, audio):
    codes = StreamingEncoder(model, 3200).encode(audio)
    decoder = StreamingDecoder(model)
    pieces = [decoder.decode(codes[:10, :1]), decoder.decode(codes[10:])]
    marked = codes.copy()
    marked[:10, 1:] = -1
    np.testing.assert_array_equal(np.concatenate(pieces), StreamingDecoder(model).decode(marked))


def test_nothing_in_nothing_out(model):
    assert StreamingEncoder(model, 3200).encode(np.zeros(0, np.float32)).shape == (0, LEVELS)
    assert StreamingDecoder(model).decode(np.zeros([0, LEVELS], np.int32)).shape == (0,)


@pytest.mark.parametrize("shape", [(HOP + 1,), (HOP, 1)])
def test_partial_frames_and_stereo_are_refused(model, shape):
    with pytest.raises(ValueError, match="mono audio in multiples of 40"):
        StreamingEncoder(model, 3200).encode(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(2, 0), (2, LEVELS + 1), (LEVELS,)])
def test_codes_of_a_wrong_shape_are_refused(model, shape):
    with pytest.raises(ValueError, match="1 to 4 levels"):
        StreamingDecoder(model).decode(np.zeros(shape, np.int32))


@pytest.mark.parametrize("code", [-2, 16])
def test_codes_out_of_range_are_refused(model, code):
    with pytest.raises(ValueError, match=f"codes from .*{code}.*'tiny' has 0 to 15"):
        StreamingDecoder(model).decode(np.array([[0, code]], np.int32))


@pytest.mark.parametrize("bitrate_bps", [0, 1000, 4000])
def test_impossible_bitrates_name_the_possible_ones(model, bitrate_bps):
    with pytest.raises(
        ValueError, match=f"{bitrate_bps} bps .*multiple of 800 bps from 800 to 3200"
    ):
        StreamingEncoder(model, bitrate_bps)


def test_a_model_without_the_switch_cannot_denoise(model):
    with pytest.raises(ValueError, match="no denoising switch"):
        StreamingEncoder(model, 3200, denoise=1.0)


class TestLoading:
    def test_no_model(self, tmp_path):
        with pytest.raises(ValueError, match=f"{tmp_path} holds no exported model"):
            CodecModel.load(tmp_path)

    def test_unknown_flavour(self, exported_model):
        with pytest.raises(ValueError, match="no flavour 'int3': float32"):
            CodecModel.load(exported_model, "int3")

    @pytest.fixture
    def copy(self, exported_model, tmp_path):
        return shutil.copytree(exported_model, tmp_path / "model")

    def test_missing_graph(self, copy):
        (copy / "decoder_float32.tflite").unlink()
        with pytest.raises(ValueError, match=r"decoder_float32.tflite is missing"):
            CodecModel.load(copy)

    def test_damaged_graph(self, copy):
        (copy / "encoder_float32.tflite").write_bytes(b"not a graph")
        with pytest.raises(ValueError, match=r"encoder_float32.tflite is not a TFLite model"):
            CodecModel.load(copy)

    @pytest.mark.parametrize(
        "text,message",
        [
            ("{", "not a model's metadata"),
            ("{}", "format_version"),
            ("[]", "not a model's metadata"),
        ],
    )
    def test_damaged_metadata(self, copy, text, message):
        (copy / "metadata.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            CodecModel.load(copy)

    def test_newer_format(self, copy):
        values = json.loads((copy / "metadata.json").read_text()) | {"format_version": 99}
        (copy / "metadata.json").write_text(json.dumps(values))
        with pytest.raises(ValueError, match="format 99"):
            CodecModel.load(copy)


def test_the_example_without_our_code(exported_model, model):
    """docs/mobile.md: its program does what ours does."""
    text = (Path(__file__).resolve().parents[1] / "docs" / "mobile.md").read_text()
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    variables: dict = {}
    exec(program.replace("pretrained/speech", str(exported_model)), variables)
    codes = StreamingEncoder(model, 3200).encode(variables["samples"])
    np.testing.assert_array_equal(
        np.concatenate(variables["decoded"]), StreamingDecoder(model).decode(codes)
    )
