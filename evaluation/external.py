"""Any codec with an encoder and a decoder command, behind the interface of `evaluation.peers`."""

import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from evaluation.peers import Coded
from metrics.alignment import align
from soundstream.audio import read_audio, write_audio

_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class ExternalPeer:
    """A codec run as two commands; its delay is found and removed by cross-correlation.

    The placeholders in the commands become `{in}` a 16 bit wav file to read, `{bits}` the coded
    file, `{out}` the wav file to write, `{bps}` the bitrate asked for. No shell is involved.
    """

    name: str
    encode: str
    decode: str
    bitrate_bps: int
    loss_rate: ClassVar[float] = 0.0

    @classmethod
    def parse(cls, template: str, bitrates_bps: list[int]) -> "list[ExternalPeer]":
        """Reads `name:encode {in} {bits}:decode {bits} {out}`.

        Returns:
            One peer for each bitrate; a single one where `{bps}` is not among the placeholders.
        """
        parts = template.split(":")
        if len(parts) != 3:
            raise ValueError(f"a peer is 'name:encode command:decode command', not {template!r}")
        name, encode, decode = parts
        for command, placeholders in ((encode, ("{in}", "{bits}")), (decode, ("{bits}", "{out}"))):
            missing = [word for word in placeholders if word not in command]
            if missing:
                raise ValueError(f"peer {name!r}: {' and '.join(missing)} missing in {command!r}")
        if "{bps}" not in encode + decode:
            bitrates_bps = bitrates_bps[:1]
        return [cls(name, encode, decode, bitrate) for bitrate in bitrates_bps]

    def code(self, samples: np.ndarray, rate: int) -> Coded:
        """Runs both commands; the bitrate counts every byte of the coded file.

        Raises:
            RuntimeError: a command failed, named with the last line that it wrote.
        """
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: str(Path(folder) / name) for name in ("in.wav", "bits", "out.wav")}
            write_audio(paths["in.wav"], samples, rate)
            for command in (self.encode, self.decode):
                self._run(command, paths)
            num_bytes = Path(paths["bits"]).stat().st_size
            decoded, _ = read_audio(paths["out.wav"], rate)
        return Coded(align(samples, decoded[:, 0], rate), 8 * num_bytes * rate / len(samples))

    def _run(self, command: str, paths: dict[str, str]) -> None:
        values = {
            "{in}": paths["in.wav"],
            "{bits}": paths["bits"],
            "{out}": paths["out.wav"],
            "{bps}": str(self.bitrate_bps),
        }
        words = shlex.split(command)
        for placeholder, value in values.items():
            words = [word.replace(placeholder, value) for word in words]
        try:
            subprocess.run(
                words, check=True, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(f"peer {self.name!r}: {error}") from error
        except subprocess.CalledProcessError as error:
            last_line = (error.stderr.strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(
                f"peer {self.name!r}: {words[0]} exited with {error.returncode}: {last_line}"
            ) from error
