"""What a codec is: every number that fixes its architecture, and the numbers that follow.

Sources: SoundStream, arXiv 2107.03312, sections III-A to III-C (architecture, quantizer) and
Table I (parameter counts, which pin the hidden width of a residual unit and the embedding width).
"""

import dataclasses
import math
from typing import Any

from soundstream.bitstream import rates

USUAL_BITRATES_BPS = (3_000, 6_000, 9_000, 12_000, 18_000)


@dataclasses.dataclass(frozen=True)
class CodecConfig:
    """Architecture of one codec.

    Attributes:
      name: preset or user name, kept in checkpoints and exported metadata.
      sample_rate: samples per second of the coded audio, in Hz.
      patch_stride: samples per time step after the first convolution (1 in the paper).
      patch_frames: kernel of the first and last convolution, in units of `patch_stride`.
      strides: downsampling factor of each encoder block; the decoder mirrors them.
      encoder_channels: width after the first convolution and after each block.
      decoder_channels: the decoder's widths, listed in the encoder's order.
      residual_kernel: kernel of the dilated convolution in a residual unit.
      residual_hidden: width inside a residual unit as a fraction of its channels.
      dilations: one residual unit per entry, in every block.
      decoder_hidden: the same fraction for each of the decoder's blocks, listed in the encoder's
        order; empty: `residual_hidden` everywhere.
      decoder_dilations: residual units of each of the decoder's blocks, in the encoder's order;
        empty: `dilations` everywhere.
      codes_of: id of the model whose codes this one reads and writes, where only its decoder was
        trained further; empty: its own.
      encoder_out_kernel: kernel of the convolution into the embedding.
      decoder_in_kernel: kernel of the convolution out of the embedding.
      trunk_activation: ELU before every resampling convolution, as in the paper. Without it the
        path around the residual units is linear, so that a net can start as a transform codec
        (`model/initializers.py`) and has learnt phase before it has learnt anything else.
      signal_gain: the encoder sees the signal times this, the decoder's output is divided by it.
        Speech then has about unit variance inside, where ELU bends, while the outermost weights
        keep the size that Adam's step suits.
      embedding_dim: D, width of the quantized embedding.
      codebook_size: N, entries per quantizer.
      num_quantizers: quantizers of the full-rate model; any smaller number may be used.
      denoise: a switch on the encoder's side that removes noise (section III-F).
      denoise_decoder: FiLM conditioning on the decoder's side too; needs `denoise`.
      denoise_channels: width of the net that corrects the embedding of noisy speech.
      denoise_dilations: dilations of its residual units; with kernels of 3 the defaults hear 0.6 s
        of the past.
      denoise_gain_channels: width of the net that turns down bands of noisy speech before that.
      denoise_gain_dilations: dilations of its residual units; the defaults hear 1.5 s of the past.
      int8_nets: activations are rounded to eight bits (`model/fake_quantization.py`).
    """

    name: str
    sample_rate: int
    patch_stride: int
    patch_frames: int
    strides: tuple[int, ...]
    encoder_channels: tuple[int, ...]
    decoder_channels: tuple[int, ...]
    residual_kernel: int
    residual_hidden: float
    dilations: tuple[int, ...]
    encoder_out_kernel: int
    decoder_in_kernel: int
    trunk_activation: bool
    signal_gain: float
    embedding_dim: int
    codebook_size: int
    num_quantizers: int
    denoise: bool = False
    denoise_decoder: bool = False
    denoise_channels: int = 192
    denoise_dilations: tuple[int, ...] = (1, 2, 4, 8)
    denoise_gain_channels: int = 256
    denoise_gain_dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 1, 2, 4)
    int8_nets: bool = False
    decoder_hidden: tuple[float, ...] = ()
    decoder_dilations: tuple[tuple[int, ...], ...] = ()
    codes_of: str = ""

    def __post_init__(self) -> None:
        for field in ("encoder_channels", "decoder_channels"):
            channels = getattr(self, field)
            if len(channels) != len(self.strides) + 1:
                raise ValueError(
                    f"{field}={channels} must have one entry more than strides={self.strides}"
                )
        for field in ("decoder_hidden", "decoder_dilations"):
            if len(given := getattr(self, field)) not in (0, len(self.strides)):
                raise ValueError(
                    f"{field}={given} must be empty or have an entry for each of "
                    f"strides={self.strides}"
                )
        if 2**self.bits_per_code != self.codebook_size:
            raise ValueError(f"codebook_size={self.codebook_size} is not a power of two")
        if self.sample_rate % self.hop:
            raise ValueError(f"hop={self.hop} does not divide sample_rate={self.sample_rate}")
        if self.denoise_decoder and not self.denoise:
            raise ValueError("denoise_decoder=True needs denoise=True")

    @property
    def hop(self) -> int:
        """Samples per code frame."""
        return self.patch_stride * math.prod(self.strides)

    @property
    def frame_rate(self) -> int:
        """Code frames per second."""
        return self.sample_rate // self.hop

    @property
    def bits_per_code(self) -> int:
        return rates.bits_per_code(self.codebook_size)

    def bitrate_bps(self, num_quantizers: int) -> int:
        """Bits per second sent by `num_quantizers` levels."""
        return num_quantizers * self.bits_per_code * self.frame_rate

    @property
    def max_bitrate_bps(self) -> int:
        return self.bitrate_bps(self.num_quantizers)

    @property
    def usual_bitrates_bps(self) -> list[int]:
        """Those of the usual rates that the codec has, and always its full rate."""
        step, full = self.bitrate_bps(1), self.max_bitrate_bps
        return sorted({b for b in USUAL_BITRATES_BPS if b % step == 0 and b <= full} | {full})

    def num_quantizers_for(self, bitrate_bps: int) -> int:
        """Levels that send exactly `bitrate_bps`; ValueError names the nearest possible rates."""
        return rates.num_quantizers_for(bitrate_bps, self.bitrate_bps(1), self.num_quantizers)

    def replace(self, **changes: Any) -> "CodecConfig":
        return dataclasses.replace(self, **changes)

    def without_denoising(self) -> "CodecConfig":
        """The codec that this one is with its switch off, before any training."""
        names = [f.name for f in dataclasses.fields(self) if f.name.startswith("denoise")]
        return self.replace(**{name: getattr(CodecConfig, name) for name in names})

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CodecConfig":
        """Inverse of `to_dict`, also after a trip through JSON (lists become tuples)."""
        names = {field.name for field in dataclasses.fields(cls)}
        unknown = set(values) - names
        if unknown:
            raise ValueError(f"unknown codec settings {sorted(unknown)}: made by a newer version?")
        return cls(**{name: _immutable(value) for name, value in values.items()})


def _immutable(value: Any) -> Any:
    return tuple(map(_immutable, value)) if isinstance(value, list) else value


def paper(encoder_width: int = 32, decoder_width: int = 32) -> CodecConfig:
    """The codec of the paper: 24 kHz, 3-18 kbps. Widths are C_enc and C_dec of Table I."""
    return CodecConfig(
        name="paper",
        sample_rate=24_000,
        patch_stride=1,
        patch_frames=7,
        strides=(2, 4, 5, 8),
        encoder_channels=tuple(encoder_width * 2**i for i in range(5)),
        decoder_channels=tuple(decoder_width * 2**i for i in range(5)),
        residual_kernel=7,
        residual_hidden=0.5,
        dilations=(1, 3, 9),
        encoder_out_kernel=3,
        decoder_in_kernel=7,
        trunk_activation=True,
        signal_gain=1.0,
        embedding_dim=256,
        codebook_size=1024,
        num_quantizers=24,
    )


def speech() -> CodecConfig:
    """The phone's codec: 16 kHz, 20 ms frames, arithmetic spent at the low rates."""
    return CodecConfig(
        name="speech",
        sample_rate=16_000,
        patch_stride=16,
        patch_frames=4,
        strides=(5, 2, 2),
        encoder_channels=(64, 128, 192, 256),
        decoder_channels=(64, 128, 256, 320),
        residual_kernel=3,
        residual_hidden=1.0,
        dilations=(1, 3),
        encoder_out_kernel=3,
        decoder_in_kernel=3,
        trunk_activation=False,
        signal_gain=8.0,
        embedding_dim=64,
        codebook_size=64,
        num_quantizers=60,
        decoder_hidden=(3.0, 2.0, 1.0),
        decoder_dilations=((1, 3, 9), (1, 3), (1, 3)),
    )


def music() -> CodecConfig:
    """General audio at 24 kHz on the phone: the speech net's layout, wider."""
    return speech().replace(
        name="music",
        sample_rate=24_000,
        encoder_channels=(96, 160, 256, 384),
        decoder_channels=(96, 160, 288, 448),
        embedding_dim=96,
        strides=(5, 2, 2),
        num_quantizers=40,
    )


PRESETS = {"paper": paper, "speech": speech, "music": music}


def preset(name: str) -> CodecConfig:
    """The preset called `name`; ValueError lists those that exist."""
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()
