"""Codes speech at several bitrates and shows what comes back: what `make demo` runs.

    python demo/demo.py

Every clip goes through an .sst file and back, by the streaming TFLite graphs. On the first clip a
model that can remove noise does so. Files to listen to and pictures land in --output_dir.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import flags

from common import command_line
from metrics.mel import mel_distance
from soundstream.audio import AUDIO_SUFFIXES, read_audio, write_audio
from soundstream.codec.files import Job, decode_file, encode_file
from soundstream.codec.packet_encoder import EncodeOptions
from soundstream.tflite.runtime import CodecModel

ROOT = Path(__file__).resolve().parents[1]

_MODEL_DIR = flags.DEFINE_string(
    "model_dir", str(ROOT / "pretrained" / "speech"), "Folder of an exported model."
)
_DENOISE_MODEL_DIR = flags.DEFINE_string(
    "denoise_model_dir",
    str(ROOT / "pretrained" / "speech_denoise"),
    "Folder of the model that removes noise; empty: that of --model_dir, if it can.",
)
_INPUT_DIR = flags.DEFINE_string(
    "input_dir", str(ROOT / "demo" / "clips"), "Folder of recordings to code."
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", "demo_output", "Folder for the results.")
_BITRATE_BPS = command_line.several_integers(
    "bitrate_bps", [3000, 6000, 12000], "Bits per second that clips are coded at."
)

PICTURE_RANGE_DB = 80
NOISE_DB = 5  # below the speech, where noise is removed


@dataclasses.dataclass(frozen=True)
class Result:
    """One clip at one bitrate.

    Attributes:
      bitrate_bps: of the codes.
      file_bps: bits of the whole .sst file per second.
      distance_db: mel distance of the decoded clip from the original.
      real_time_factor: seconds that one core spent, encoding and decoding, per second of audio.
      decoded: float32 [time].
    """

    bitrate_bps: int
    file_bps: float
    distance_db: float
    real_time_factor: float
    decoded: np.ndarray


def code_clip(
    model: CodecModel, clip: Path, bitrates_bps: Sequence[int], folder: Path
) -> list[Result]:
    """Writes the first channel of `clip` into `folder`: as it was, and coded at each bitrate.

    Raises:
      ValueError: `clip` is no audio file, or the model does not have a bitrate.
    """
    rate = model.metadata.sample_rate
    samples, _ = read_audio(clip, rate)
    folder.mkdir(parents=True, exist_ok=True)
    original = folder / "original.wav"
    write_audio(original, samples[:, 0], rate)
    reference = read_audio(original)[0][:, 0]
    results = []
    for bitrate_bps in bitrates_bps:
        coded, decoded = (folder / f"{bitrate_bps}bps{end}" for end in (".sst", ".wav"))
        encoding = encode_file(model, Job(str(original), str(coded)), EncodeOptions(bitrate_bps))
        decoding = decode_file(model, Job(str(coded), str(decoded)))
        copy = read_audio(decoded)[0][:, 0]
        results.append(
            Result(
                bitrate_bps,
                encoding.actual_bps,
                mel_distance(reference, copy, rate),
                encoding.real_time_factor + decoding.real_time_factor,
                copy,
            )
        )
    return results


def remove_noise(model: CodecModel, folder: Path, bitrate_bps: int) -> dict[str, np.ndarray]:
    """Adds noise to `folder`/original.wav and codes that with the switch off and on.

    Returns:
      What to look at, float32 [time] each: clean, noisy, and both results.
    """
    clean, rate = read_audio(folder / "original.wav")
    noise = pink_noise(len(clean))
    noisy = clean[:, 0] + noise * np.sqrt(np.mean(clean**2) * 10 ** (-NOISE_DB / 10))
    write_audio(folder / "noisy.wav", noisy / max(1.0, np.abs(noisy).max()), rate)
    shown = {"original": clean[:, 0], f"pink noise {NOISE_DB} dB below it": noisy}
    for name, denoise in (("noise_kept", False), ("noise_removed", True)):
        coded, decoded = (folder / f"{name}{end}" for end in (".sst", ".wav"))
        options = EncodeOptions(bitrate_bps, denoise=denoise)
        encode_file(model, Job(str(folder / "noisy.wav"), str(coded)), options)
        decode_file(model, Job(str(coded), str(decoded)))
        switch = "on" if denoise else "off"
        title = f"{bitrate_bps / 1000:g} kbps, noise removal {switch}"
        shown[title] = read_audio(decoded)[0][:, 0]
    return shown


def pink_noise(samples: int) -> np.ndarray:
    """The same noise every time, RMS 1, float32 [samples]."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(samples))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), len(spectrum) / 100))
    noise = np.fft.irfft(spectrum, samples)
    return (noise / noise.std()).astype(np.float32)


def table(results: Sequence[Result]) -> str:
    """A row per bitrate, means over clips."""
    lines = ["bitrate     .sst file   mel distance   real-time factor"]
    for bitrate_bps in sorted({result.bitrate_bps for result in results}):
        rows = [result for result in results if result.bitrate_bps == bitrate_bps]
        file_bps, distance, factor = np.mean(
            [(row.file_bps, row.distance_db, row.real_time_factor) for row in rows], axis=0
        )
        lines.append(
            f"{bitrate_bps / 1000:4.1f} kbps   {file_bps / 1000:4.2f} kbps   {distance:9.2f} dB   "
            f"{factor:16.4f}"
        )
    return "\n".join(lines)


def draw_spectrograms(path: Path, named: dict[str, np.ndarray], rate: int) -> None:
    """Draws signals float32 [time] under each other, all on the scale of the first, as a png."""
    import matplotlib

    matplotlib.use("Agg")  # no display needed
    from matplotlib import mlab
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        len(named), sharex=True, sharey=True, figsize=(9, 1.9 * len(named)), squeeze=False
    )
    top = None
    for axis, (name, samples) in zip(axes.flat, named.items()):
        power, frequencies, times = mlab.specgram(samples, NFFT=512, Fs=rate, noverlap=384)
        level = 10 * np.log10(np.maximum(power, 1e-15))
        top = level.max() if top is None else top
        axis.pcolormesh(
            times,
            np.asarray(frequencies) / 1000,
            level,
            vmin=top - PICTURE_RANGE_DB,
            vmax=top,
            cmap="magma",
        )
        axis.set_title(name, loc="left", fontsize=10)
        axis.set_ylabel("kHz")
    axes.flat[-1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def run(
    model_dir: str,
    denoise_model_dir: str | None,
    input_dir: Path,
    output_dir: Path,
    bitrates_bps: Sequence[int],
) -> None:
    """The whole demo.

    Args:
      denoise_model_dir: of the model that removes noise; None: the other one, if it can.

    Raises:
      ValueError: no model, no recordings, or a bitrate that the model does not have.
    """
    model = CodecModel.load(model_dir)
    rate = model.metadata.sample_rate
    clips = sorted(path for path in input_dir.glob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not clips:
        raise ValueError(f"{input_dir}: no recordings in it")
    results = {
        clip.stem: code_clip(model, clip, bitrates_bps, output_dir / clip.stem) for clip in clips
    }
    first = clips[0].stem
    original, _ = read_audio(output_dir / first / "original.wav")
    draw_spectrograms(
        output_dir / "spectrograms.png",
        {f"{first}, original": original[:, 0]}
        | {f"{row.bitrate_bps / 1000:g} kbps": row.decoded for row in reversed(results[first])},
        rate,
    )
    print(
        f"{len(clips)} recordings through model {model.metadata.name!r} "
        f"({model.metadata.model_id}) and back, at {rate / 1000:g} kHz:\n"
    )
    print(table([row for rows in results.values() for row in rows]))
    denoising = model if not denoise_model_dir else CodecModel.load(denoise_model_dir)
    if denoising.metadata.denoise:
        bitrate_bps = sorted(bitrates_bps)[len(bitrates_bps) // 2]
        shown = remove_noise(denoising, output_dir / first, bitrate_bps)
        draw_spectrograms(output_dir / "noise_removed.png", shown, rate)
        print(f"\nNoise removed: {output_dir / 'noise_removed.png'}, noisy.wav, noise_*.wav")
    print(f"\nListen to {output_dir / first}/*.wav, look at {output_dir / 'spectrograms.png'}")


def main(_: list[str]) -> None:
    folders = Path(_INPUT_DIR.value), Path(_OUTPUT_DIR.value)
    run(_MODEL_DIR.value, _DENOISE_MODEL_DIR.value, *folders, _BITRATE_BPS.value)


if __name__ == "__main__":
    command_line.run(main)
