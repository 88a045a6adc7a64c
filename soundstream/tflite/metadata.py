"""`metadata.json`: what an app must know about an exported model. No TensorFlow."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from ..atomic import write_whole
from ..bitstream import rates

FORMAT_VERSION = 1
METADATA_FILE = "metadata.json"
STATE_PREFIX = "state_"
DECODE_SIGNATURE = "decode"
NOT_SENT = -1  # a code that stands for no entry: levels above the stream's rate, lost frames


def encode_signature(bitrate_bps: int) -> str:
    """Names the encoder's signature of a bitrate; they sort by it, the first is the default.

    Args:
      bitrate_bps: bits per second.

    Returns:
      The name.
    """
    return f"encode_{bitrate_bps:05d}"


@dataclasses.dataclass(frozen=True)
class Metadata:
    """Facts of one exported model.

    Attributes:
      name: of the codec.
      model_id: 16 hexadecimal digits, a hash of the weights. Codes mean nothing to another model.
      sample_rate: Hz.
      hop: samples per frame of codes.
      frames_per_call: frames that one invocation consumes or makes.
      codebook_size: entries per quantizer.
      num_quantizers: levels of the full rate.
      bitrates_bps: those with an encoder signature of their own, rising.
      flavours: number formats on disk, the default first.
      denoise: whether the encoder has the input `denoise`.
      state: how it enters and leaves the graphs, a key of `export.state.STATE_FORMS`.
      streams_per_call: signals that one invocation serves; 1 where the file does not say.
      format_version: of this file.
    """

    name: str
    model_id: str
    sample_rate: int
    hop: int
    frames_per_call: int
    codebook_size: int
    num_quantizers: int
    bitrates_bps: tuple[int, ...]
    flavours: tuple[str, ...]
    denoise: bool = False
    state: str = "explicit"
    streams_per_call: int = 1
    format_version: int = FORMAT_VERSION

    @property
    def bits_per_code(self) -> int:
        """Width of a packed code in bits."""
        return rates.bits_per_code(self.codebook_size)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    def bits_per_frame(self, bitrate_bps: int) -> int:
        """Counts the bits of a frame, before entropy coding.

        Args:
          bitrate_bps: bits per second.

        Returns:
          Bits.

        Raises:
          ValueError: the model does not offer the bitrate; it says what is possible.
        """
        return self.num_quantizers_for(bitrate_bps) * self.bits_per_code

    def num_quantizers_for(self, bitrate_bps: int) -> int:
        """Finds the levels that send exactly a bitrate.

        Args:
          bitrate_bps: bits per second.

        Returns:
          How many levels.

        Raises:
          ValueError: the model does not offer the bitrate; it says what is possible.
        """
        level_bps = self.bits_per_code * self.frame_rate
        return rates.num_quantizers_for(bitrate_bps, level_bps, self.num_quantizers)

    def signature_for(self, bitrate_bps: int) -> str:
        """Finds the encoder signature that searches the fewest levels which a bitrate needs.

        Args:
          bitrate_bps: bits per second.

        Returns:
          The name of the signature.

        Raises:
          ValueError: the model does not offer the bitrate; it says what is possible.
        """
        self.num_quantizers_for(bitrate_bps)
        return encode_signature(min(b for b in self.bitrates_bps if b >= bitrate_bps))

    def write(self, folder: Path) -> None:
        """Writes `metadata.json`, with some values that follow from others for readers of JSON.

        Args:
          folder: of the model.
        """
        values = dataclasses.asdict(self) | {
            "encoder_signatures": {str(b): encode_signature(b) for b in self.bitrates_bps},
            "decoder_signature": DECODE_SIGNATURE,
            "frame_bits": {str(b): self.bits_per_frame(b) for b in self.bitrates_bps},
        }
        write_whole(folder / METADATA_FILE, f"{json.dumps(values, indent=2)}\n".encode())

    @classmethod
    def read(cls, folder: Path) -> Metadata:
        """Reads `metadata.json`.

        Args:
          folder: of the model.

        Returns:
          The facts.

        Raises:
          ValueError: the file is missing, damaged, or of a newer format.
        """
        path = folder / METADATA_FILE
        try:
            values: dict[str, Any] = {"streams_per_call": 1} | json.loads(path.read_text())
            version = values["format_version"]
            if version != FORMAT_VERSION:
                raise ValueError(f"format {version}, but this program reads {FORMAT_VERSION}")
            known: dict[str, Any] = {
                field.name: tuple(value) if isinstance(value, list) else value
                for field in dataclasses.fields(cls)
                for value in [values[field.name]]
            }
        except OSError as error:
            raise ValueError(f"{folder} holds no exported model: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a model's metadata: {error}") from error
        return cls(**known)
