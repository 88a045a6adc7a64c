import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from soundstream.codec import files
from soundstream.codec.packet_encoder import EncodeOptions
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tests.tiny import harmonic_batch, tiny_config

HOP, LEVELS = 40, 4


@pytest.fixture(scope="module")
def model(exported_model):
    return CodecModel.load(exported_model)


@pytest.fixture(scope="module")
def audio():
    return harmonic_batch(1, 30 * HOP)[0, :, 0]


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


@pytest.mark.parametrize("samples", [2 * 8_000 + 123, 50 * HOP, 3 * HOP])
def test_files_of_calls_of_several_frames_are_those_of_one(one_and_four, tmp_path, samples):
    """Packets of 50 frames are not whole calls of four, nor is the end."""
    soundfile.write(tmp_path / "in.wav", harmonic_batch(1, samples)[0, :, 0], 8_000)
    heard = []
    for name, model in zip("ab", one_and_four):
        job = files.Job(f"{tmp_path}/in.wav", f"{tmp_path}/{name}.sst")
        files.encode_file(model, job, EncodeOptions(3200))
        files.decode_file(model, files.Job(job.target, f"{tmp_path}/{name}.wav"))
        heard.append(soundfile.read(tmp_path / f"{name}.wav")[0])
    assert (tmp_path / "a.sst").read_bytes() == (tmp_path / "b.sst").read_bytes()
    assert len(heard[0]) == samples
    np.testing.assert_allclose(heard[1], heard[0], atol=2 / 32768)


def test_a_model_that_keeps_its_state_inside_takes_whole_calls(tmp_path, audio):
    from export.to_tflite import export_model
    from model.soundstream import SoundStream

    config = tiny_config()
    export_model(SoundStream(config), tmp_path, ["float32"], frames_per_call=2, state="variables")
    encoder = StreamingEncoder(CodecModel.load(tmp_path), 3200)
    assert len(encoder.encode(audio[: 4 * HOP])) == 4
    with pytest.raises(ValueError, match="3 frames: model 'tiny' keeps its state inside"):
        encoder.encode(audio[: 3 * HOP])


def test_streams_may_run_in_threads(model, audio):
    alone = StreamingEncoder(model, 3200).encode(audio)
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda _: StreamingEncoder(model, 3200).encode(audio), range(8)))
    for codes in many:
        np.testing.assert_array_equal(codes, alone)


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
