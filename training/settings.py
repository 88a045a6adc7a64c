"""Every number of a training run that is not architecture."""

import dataclasses
from typing import Any

_BEFORE_THE_DECODER = ("commitment", "embedding", "cleaned")


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weight of each loss, by the name it is logged under (`loss/mel`, ...).

    With `embedding` and `cleaned` alone, all weights of what is heard being 0, the decoder is left
    out of the step.

    Attributes:
      mel: weight of the loss of log-mel spectra at several scales.
      fine: weight of the loss of log spectra line by line, finer than mel bands.
      complex: weight of the loss of complex spectra, relative to the signal's level.
      waveform: weight of the loss of samples, relative to the signal's level.
      bands: weight of the loss of levels in critical bands.
      nsim: weight of the loss of NSIM, ViSQOL's likeness of spectrograms.
      loudness: weight of the loss of loudness, after PESQ.
      pulse: weight of the loss of pitch pulses in the treble; the score `follow` is like it.
      visqol: weight of the loss of ViSQOL's speech mode; for 16 kHz, computed where it has one.
      commitment: weight of the loss that keeps embeddings near their codebook entries.
      adversarial: weight of the hinge loss against the discriminators.
      feature: weight of the loss of the discriminators' feature maps.
      embedding: weight, for models that remove noise, of how far the embedding is from that of the
        target.
      cleaned: weight, for models that remove noise, of how far what the encoder hears is from the
        target, in compressed magnitudes.
    """

    mel: float = 3.0
    fine: float = 1.0
    complex: float = 1.0
    waveform: float = 1.0
    bands: float = 1.0
    nsim: float = 1.0
    loudness: float = 0.5
    pulse: float = 0.0
    visqol: float = 0.0
    commitment: float = 0.25
    adversarial: float = 0.1
    feature: float = 1.0
    embedding: float = 0.0
    cleaned: float = 0.0

    @property
    def hear(self) -> bool:
        """Whether any of them judges decoded audio."""
        judges = dataclasses.asdict(self)
        return any(value for name, value in judges.items() if name not in _BEFORE_THE_DECODER)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """When the parts of training set in, in steps.

    Attributes:
      quantizer_start: step until which the autoencoder learns without quantizer; then k-means.
      adversarial_start: first step with discriminators; their weight ramps up from 0.
      adversarial_ramp: steps until the discriminators have their full weight.
      warmup: steps until the full learning rate.
      decay_start: step from which on the learning rate falls.
      half_life: steps in which the learning rate then halves; 0 keeps it.
    """

    quantizer_start: int = 5_000
    adversarial_start: int = 20_000
    adversarial_ramp: int = 2_000
    warmup: int = 200
    decay_start: int = 0
    half_life: int = 0


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How a codec is trained; the data and the architecture are said elsewhere.

    Attributes:
      seed: of everything random but the data order, which has its own.
      learning_rate: step of Adam for the codec, once warmed up.
      discriminator_learning_rate: step of Adam for the discriminators.
      clip_norm: bound on the global norm of each gradient.
      average_decay: share that the moving average of the codec's weights, which is what is
        exported, keeps in each step.
      unquantized_share: share of examples that skip the quantizer, so that the embedding stays one
        from which the decoder can restore the signal.
      min_quantizers: levels at least: quantizer dropout draws from here to all, evenly in the
        logarithm.
      adversarial_share: share of each batch that the discriminators see; they cost more than the
        codec, and their gradient is a mean over examples like any other.
      codebook_decay: share that the moving averages of codebook entries keep in each step.
      restart_share: share of the mean count of a level's entries below which one is replaced.
      decoder_only: train the decoder on the codes that ship, found by the search that ships;
        encoder and codebooks stay what they are, so every file coded before stays valid.
      denoiser_only: train what the denoising switch adds, and nothing else: switched off, the codec
        stays exactly what it was.
      fixed_band_gains: with `denoiser_only`, train what comes behind the band gains. Those learn on
        `weight_cleaned` before; through the codec they unlearn what carries over to other voices,
        and become so sharp in the end that gradients explode.
      balance: combine losses by `training.balancer.Balancer` instead of by plain weights.
    """

    weights: LossWeights = LossWeights()
    schedule: Schedule = Schedule()
    seed: int = 0
    learning_rate: float = 5e-4
    discriminator_learning_rate: float = 2e-4
    clip_norm: float = 1.0
    average_decay: float = 0.999
    unquantized_share: float = 0.05
    min_quantizers: int = 1
    adversarial_share: float = 1.0
    codebook_decay: float = 0.99
    restart_share: float = 0.03
    decoder_only: bool = False
    denoiser_only: bool = False
    fixed_band_gains: bool = False
    balance: bool = False

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)
