"""Which way to make up for lost frames sounds best: rules and learnt ones, on the same losses.

    python tools/study/compare_concealment.py --model_dir=pretrained/speech --data_dir=prepared

prints tables of PESQ and ViSQOL on speakers of the valid split, and by how much each way is better
than the one that ships. What is learnt knows the train split only. Without the decoder's files to
change, guesses are embeddings: they are quantized, and decoded like codes that came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from absl import flags
from tqdm import tqdm

from common import command_line
from data.selection import find_recordings
from evaluation.packet_loss import GilbertElliott, lost_packets
from metrics.intervals import mean_interval
from metrics.registry import find_metrics
from soundstream.codec.comfort_noise import Background, NoiseGenerator
from soundstream.codec.concealment import FADE_SECONDS, RAMP_SECONDS, ConcealingDecoder
from soundstream.frames import whole_frames
from soundstream.tflite.runtime import CodecModel, StreamingDecoder, StreamingEncoder
from tools.study import embeddings
from tools.study.recording_codes import codes_of

_METRICS = ("pesq_wb", "visqol_speech")


class Concealing(Protocol):
    """A decoder of one stream."""

    def decode(self, codes: np.ndarray | None) -> np.ndarray:
        """One frame, int32 [1, levels], None if it is lost -> float32 [hop]."""


class GuessingDecoder:
    """Decodes predicted embeddings in place of lost frames; the fade is `ConcealingDecoder`'s."""

    def __init__(
        self,
        model: CodecModel,
        codebooks: embeddings.Codebooks,
        predict: embeddings.Prediction,
    ) -> None:
        metadata = model.metadata
        self._decoder = StreamingDecoder(model)
        self._codebooks = codebooks
        self._predict = predict
        self._background = Background(metadata.sample_rate, metadata.hop)
        self._noise = NoiseGenerator(metadata.hop)
        self._fade_samples = round(FADE_SECONDS * metadata.sample_rate)
        self._ramp_samples = round(RAMP_SECONDS * metadata.sample_rate)
        self._past = np.zeros((embeddings.PAST_FRAMES, codebooks.dim), np.float32)
        self._lost = 0
        self._gain = 1.0

    def decode(self, codes: np.ndarray | None) -> np.ndarray:
        if codes is None:
            guess = self._predict(self._past, self._lost)
            samples = self._decoder.decode(self._codebooks.quantize(guess))
            self._lost += 1
            path = self._gain - np.arange(1, len(samples) + 1) / self._fade_samples
        else:
            samples = self._decoder.decode(codes)
            self._background.hear(samples)
            self._past = np.concatenate([self._past[1:], self._codebooks.embed(codes)])
            self._lost = 0
            path = self._gain + np.arange(len(samples)) / self._ramp_samples
        gains = np.clip(path, 0, 1)
        self._gain = float(gains[-1])
        noise = self._noise.generate(self._background.powers(), 1)
        return (gains * samples + np.sqrt(1 - gains**2) * noise).astype(np.float32)


def ways(model: CodecModel) -> dict[str, Callable[[], Concealing]]:
    """Makers of decoders by name, the one that ships first."""
    codebooks = embeddings.Codebooks(flags.FLAGS.model_dir)
    levels = model.metadata.num_quantizers_for(flags.FLAGS.bitrate_bps)
    train = find_recordings(
        flags.FLAGS.data_dir, "train", ["speech"], flags.FLAGS.training_max_files
    )
    codes = codes_of(model, train, flags.FLAGS.max_seconds)
    frames_to_silence = round(FADE_SECONDS * model.metadata.sample_rate / model.metadata.hop)
    linear = embeddings.learn_linear(
        [codebooks.embed(clip[:, :levels]) for clip in codes], frames_to_silence
    )
    return {
        "pitch period": lambda: ConcealingDecoder(model),
        "codes repeated": lambda: GuessingDecoder(model, codebooks, embeddings.repeat),
        "zero embedding": lambda: GuessingDecoder(model, codebooks, embeddings.zero),
        "linear": lambda: GuessingDecoder(model, codebooks, linear),
        "linear, power kept": lambda: GuessingDecoder(
            model, codebooks, embeddings.with_power_of_last(linear)
        ),
    }


def decode_with_losses(decoder: Concealing, codes: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """int32 [frames, levels] of which bool [frames] are lost -> float32 [frames * hop]."""
    pairs = zip(codes[:, None], lost)
    return np.concatenate([decoder.decode(None if gone else frame) for frame, gone in pairs])


def main(_: list[str]) -> None:
    given = flags.FLAGS
    model = CodecModel.load(given.model_dir)
    networks = [GilbertElliott(rate) for rate in given.loss_rates]
    valid = find_recordings(given.data_dir, "valid", ["speech"], given.max_files)
    makers = ways(model)
    encoder = StreamingEncoder(model, given.bitrate_bps)
    rate, hop = model.metadata.sample_rate, model.metadata.hop
    metrics, _skipped = find_metrics(_METRICS)
    scores: dict[tuple[str, str, float], list[float]] = {}
    for recording in tqdm(valid, unit="file", disable=None):
        samples = whole_frames(recording.read(rate, given.max_seconds), hop)
        encoder.reset()
        codes = encoder.encode(samples)
        for network in networks:
            lost = np.resize(lost_packets(network, samples, rate), len(codes))
            for name, make in makers.items():
                heard = decode_with_losses(make(), codes, lost)
                for metric in metrics:
                    row = scores.setdefault((metric.name, name, network.loss_rate), [])
                    row.append(metric.score(samples, heard, rate))
    speakers = [recording.labels.speaker for recording in valid]
    shipped = next(iter(makers))
    for metric in metrics:
        cells = [f"{100 * network.loss_rate:g} % lost" for network in networks]
        print(f"\n| {metric.title} | {' | '.join(cells)} |\n|{'---|' * (1 + len(cells))}")
        for name in makers:
            cells = []
            for network in networks:
                values = np.array(scores[metric.name, name, network.loss_rate])
                gain = values - scores[metric.name, shipped, network.loss_rate]
                difference = mean_interval(gain.tolist(), speakers)
                interval = f" ({difference.low:+.3f} to {difference.high:+.3f})"
                cells.append(f"{np.nanmean(values):.3f}{interval if name != shipped else ''}")
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    flags.DEFINE_string("model_dir", None, "Folder of the exported model; required.", required=True)
    flags.DEFINE_string(
        "data_dir", None, "Prepared folder to learn from and measure on; required.", required=True
    )
    flags.DEFINE_integer("bitrate_bps", 6_000, "Bits per second that are sent.", 1)
    command_line.several_floats("loss_rates", [0.05, 0.1, 0.2], "Shares of frames lost.")
    flags.DEFINE_integer(
        "max_files", 27, "Recordings at most to measure on, one per speaker first.", 1
    )
    flags.DEFINE_float(
        "max_seconds", 5.0, "Seconds at most of the beginning of each recording.", 0.5
    )
    flags.DEFINE_integer("training_max_files", 200, "Recordings at most to learn from.", 10)
    command_line.run(main, renamed={"clips": "training_max_files"})
