"""The average bitrate of conversations when pauses are not sent.

    python tools/study/measure_dtx.py --model_dir=pretrained/speech --data_dir=prepared

Two speakers of the valid split take turns: a turn is one of their recordings as it is, with its
pauses, and half a second later the other begins. While one speaks, the other's microphone hears the
background of its own recordings: noise with the level and colour of their quietest tenth. Each side
is coded by itself, and counts for as long as the conversation lasts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from absl import flags
from tqdm import tqdm

from common import command_line
from data.selection import find_recordings
from metrics.intervals import Interval, mean_interval
from soundstream.bitstream.packets import Kind
from soundstream.codec.comfort_noise import Background, NoiseGenerator
from soundstream.codec.packet_encoder import (
    FRAMES_PER_PACKET,
    EncodeOptions,
    PacketEncoder,
    make_header,
)
from soundstream.frames import whole_frames
from soundstream.tflite.runtime import CodecModel

_GAP_SECONDS = 0.5  # from the end of a turn to the next
_FADE_SECONDS = 0.01  # of a turn into the background, at both ends


@dataclass(frozen=True)
class Sent:
    """What one side of a conversation sent.

    Attributes:
      bitrate_bps: of codes and descriptions of pauses, over the whole conversation.
      active: share of frames that were sent as speech.
      energy_lost: share of the signal's energy in frames that were not.
    """

    bitrate_bps: float
    active: float
    energy_lost: float


def conversation(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], seconds: float, rate: int, hop: int
) -> list[np.ndarray]:
    """Both sides, float32 [frames * hop] each, of speakers with these recordings [time].

    They speak in turn, all over again if need be, until so many seconds are over.
    """
    gap = round(_GAP_SECONDS * rate)
    turns, starts, end = [], [], gap
    for pair in zip(itertools.cycle(first), itertools.cycle(second)):
        for turn in pair:
            turns.append(turn)
            starts.append(end)
            end += len(turn) + gap
        if end >= seconds * rate:
            break
    length = -(-end // hop) * hop
    sides = []
    for side, recordings in enumerate((first, second)):
        samples = background(recordings, length, rate, hop)
        for turn, start in list(zip(turns, starts))[side::2]:
            fade = np.minimum(1, np.arange(1, len(turn) + 1) / (_FADE_SECONDS * rate))
            weights = np.minimum(fade, fade[::-1])
            place = samples[start : start + len(turn)]
            place += weights * (turn - place)
        sides.append(samples)
    return sides


def background(recordings: Sequence[np.ndarray], length: int, rate: int, hop: int) -> np.ndarray:
    """Noise like the quiet moments of recordings: float32 [length]."""
    powers = []
    for recording in recordings:
        quiet = Background(rate, hop)
        quiet.hear(whole_frames(recording, hop))
        powers.append(quiet.powers())
    return NoiseGenerator(hop).generate(np.mean(powers, axis=0), length // hop)


def send(model: CodecModel, samples: np.ndarray, bitrate_bps: int) -> Sent:
    """Codes one side, float32 [frames * hop]."""
    hop = model.metadata.hop
    options = EncodeOptions(bitrate_bps, dtx=True)
    header = make_header(model.metadata, model.metadata.sample_rate, 1, options)
    encoder = PacketEncoder(model, header, options)
    block = FRAMES_PER_PACKET * hop
    blocks = [samples[start : start + block, None] for start in range(0, len(samples), block)]
    packets = list(itertools.chain.from_iterable(map(encoder.encode, blocks)))
    active = np.concatenate(
        [np.full(packet.num_frames, packet.kind != Kind.SILENCE) for packet in packets]
    )
    energy = np.sum(samples.reshape(-1, hop).astype(np.float64) ** 2, axis=1)
    bits = 8 * sum(len(packet.payload) for packet in packets)
    return Sent(
        bitrate_bps=bits * model.metadata.sample_rate / len(samples),
        active=float(active.mean()),
        energy_lost=float(energy[~active].sum() / energy.sum()),
    )


def turns_by_speaker(rate: int) -> dict[str, list[np.ndarray]]:
    """The recordings of each speaker of the valid split."""
    speakers: dict[str, list[np.ndarray]] = {}
    for recording in find_recordings(flags.FLAGS.data_dir, "valid", ["speech"]):
        samples = recording.read(rate, flags.FLAGS.max_seconds)
        speakers.setdefault(recording.labels.speaker, []).append(samples)
    return speakers


def main(_: list[str]) -> None:
    model = CodecModel.load(flags.FLAGS.model_dir)
    metadata = model.metadata
    turns = turns_by_speaker(metadata.sample_rate)
    pairs = list(zip(list(turns)[::2], list(turns)[1::2]))
    talks = [
        conversation(
            turns[a], turns[b], flags.FLAGS.min_seconds, metadata.sample_rate, metadata.hop
        )
        for a, b in pairs
    ]
    seconds = sum(len(side) for side, _ in talks) / metadata.sample_rate
    print(f"{len(pairs)} conversations of {2 * len(pairs)} speakers, {seconds / 60:.0f} minutes\n")
    print("| kbps in speech | average kbps | frames sent | energy not sent |\n|---|---|---|---|")
    for bitrate in flags.FLAGS.bitrate_bps:
        sides = [side for talk in talks for side in talk]
        sent = [send(model, side, bitrate) for side in tqdm(sides, unit="side", disable=None)]
        clusters = [str(index // 2) for index in range(len(sent))]  # one conversation's sides
        average = mean_interval([one.bitrate_bps / 1000 for one in sent], clusters)
        active = mean_interval([100 * one.active for one in sent], clusters)
        lost = mean_interval([100 * one.energy_lost for one in sent], clusters)
        cells = [_cell(average, 2), _cell(active, 1, " %"), _cell(lost, 3, " %")]
        print(f"| {bitrate / 1000:g} | {' | '.join(cells)} |")


def _cell(value: Interval, digits: int, unit: str = "") -> str:
    return f"{value.mean:.{digits}f}{unit} ({value.low:.{digits}f}-{value.high:.{digits}f})"


if __name__ == "__main__":
    flags.DEFINE_string("model_dir", None, "Folder of the exported model; required.", required=True)
    flags.DEFINE_string(
        "data_dir", None, "Prepared folder whose speakers converse; required.", required=True
    )
    command_line.several_integers("bitrate_bps", [3000], "Bits per second while someone speaks.")
    flags.DEFINE_float("min_seconds", 60.0, "Seconds at least of a conversation.", 1.0)
    flags.DEFINE_float("max_seconds", 15.0, "Seconds at most of each turn.", 1.0)
    command_line.run(main, renamed={"seconds": "min_seconds"})
