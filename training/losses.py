"""Training losses. Each is a mean, so that weights keep their meaning for any batch and crop.

Sources: SoundStream section III-E (hinge, feature matching, multi-scale spectral loss) and DAC
(arXiv 2306.06546) for log-mel distances with few bins at short windows. The waveform and complex
terms are relative to the signal's level: quiet speech counts as much as loud.
"""

from collections.abc import Sequence

import tensorflow as tf

from training import replicas
from training.spectra import Spectrum, log10, mel_matrix, power_law, stft

# Window lengths in samples and mel bins: about one bin per two spectral lines at most.
MEL_BINS = {64: 8, 128: 16, 256: 32, 512: 64, 1024: 80, 2048: 96}
# Where the log of a mel magnitude stops following: about -74 dB below full scale, under the noise
# floor of ordinary recordings.
MEL_FLOOR = 1e-4
# Windows that resolve the lines of a pattern repeated every 20 ms.
FINE = (1024, 2048)
FINE_FLOOR = 1e-5  # magnitude, about -94 dB below a full-scale sine
# Up to here the complex error counts. Above, no bits are left for the phase, and where the phase is
# unknown the least error is silence: with the whole spectrum the treble came out 3 dB too low.
PHASE_LIMIT_HZ = 2000
# Level below which relative losses stop growing: crops of digital silence must not dominate.
LEVEL_FLOOR = 1e-3
# Of the compressed magnitudes of a signal whose RMS is 1; the power they are rounded off at.
CLEANED_WINDOWS = (256, 512)
COMPRESSED_FLOOR = 1e-7
# Energy of an embedding below which its relative error stops growing.
QUIET_EMBEDDING = 1.0


def spectra(x: tf.Tensor, windows: Sequence[int] = tuple(MEL_BINS)) -> dict[int, Spectrum]:
    """Spectra of `x` [batch, time] by window length."""
    return {window: stft(x, window) for window in windows}


def mel_loss(
    reference: dict[int, Spectrum], decoded: dict[int, Spectrum], sample_rate: int
) -> tf.Tensor:
    """Mean absolute difference of log10 mel magnitudes over all windows."""
    total = 0.0
    for window, target in reference.items():
        filters = tf.constant(mel_matrix(window, MEL_BINS[window], sample_rate))
        log_target, log_decoded = (
            log10(tf.maximum(tf.matmul(s.magnitude(), filters), MEL_FLOOR))
            for s in (target, decoded[window])
        )
        total += tf.reduce_mean(tf.abs(log_target - log_decoded))
    return total / len(reference)


def fine_loss(reference: dict[int, Spectrum], decoded: dict[int, Spectrum]) -> tf.Tensor:
    """Mean absolute difference of log10 magnitudes, line by line, over the windows of `FINE`.

    Mel bins are wider than the 50 Hz between the lines of a pattern that repeats in every frame: a
    decoder that whistles in place of noise looks right to them, not to this.
    """
    total = 0.0
    for window in FINE:
        x, y = (log10(s[window].magnitude(FINE_FLOOR)) for s in (reference, decoded))
        total += tf.reduce_mean(tf.abs(x - y))
    return total / len(FINE)


def complex_loss(
    reference: dict[int, Spectrum], decoded: dict[int, Spectrum], share: float = 1.0
) -> tf.Tensor:
    """Mean magnitude of the complex error relative to the mean magnitude of the reference.

    Args:
      share: of the spectrum that counts, from 0 Hz up.
    """
    total = 0.0
    for window, target in reference.items():
        lines = min(round(share * window / 2), window // 2) + 1
        target, estimate = target.below(lines), decoded[window].below(lines)
        error = Spectrum(target.real - estimate.real, target.imag - estimate.imag).magnitude()
        level = tf.reduce_mean(target.magnitude(), axis=[1, 2])
        floor = LEVEL_FLOOR / window**0.5
        total += tf.reduce_mean(tf.reduce_mean(error, axis=[1, 2]) / (level + floor))
    return total / len(reference)


def waveform_loss(reference: tf.Tensor, decoded: tf.Tensor) -> tf.Tensor:
    """Mean absolute error of [batch, time] relative to the mean absolute level of each example."""
    error = tf.reduce_mean(tf.abs(reference - decoded), axis=1)
    return tf.reduce_mean(error / (tf.reduce_mean(tf.abs(reference), axis=1) + LEVEL_FLOOR))


def discriminator_loss(real: Sequence[tf.Tensor], fake: Sequence[tf.Tensor]) -> tf.Tensor:
    """Hinge loss over the logits of all discriminators (equation 1 of the paper)."""
    losses = [
        tf.reduce_mean(tf.nn.relu(1 - r)) + tf.reduce_mean(tf.nn.relu(1 + f))
        for r, f in zip(real, fake, strict=True)
    ]
    return tf.add_n(losses) / len(losses)


def adversarial_loss(fake: Sequence[tf.Tensor]) -> tf.Tensor:
    """Hinge loss of the generator (equation 2)."""
    return tf.add_n([tf.reduce_mean(tf.nn.relu(1 - f)) for f in fake]) / len(fake)


def feature_loss(
    real: Sequence[Sequence[tf.Tensor]], fake: Sequence[Sequence[tf.Tensor]]
) -> tf.Tensor:
    """Mean absolute difference of feature maps (equation 3), relative to the real maps' level.

    Args:
      real, fake: per discriminator its feature maps, without the logits.
    """
    pairs = [pair for maps in zip(real, fake, strict=True) for pair in zip(*maps, strict=True)]
    levels = replicas.mean([tf.stop_gradient(tf.reduce_mean(tf.abs(r)) + 1e-3) for r, _ in pairs])
    losses = [tf.reduce_mean(tf.abs(r - f)) / level for (r, f), level in zip(pairs, levels)]
    return tf.add_n(losses) / len(losses)


def cleaned_loss(reference: tf.Tensor, cleaned: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of compressed magnitudes, for [batch, time] before the encoder.

    Magnitudes to the power of 0.3, each example relative to its reference's level: weak bands count
    almost as much as strong ones, and phase, which gains cannot mend, not at all.
    """
    level = tf.sqrt(tf.reduce_mean(tf.square(reference), axis=1, keepdims=True)) + LEVEL_FLOOR
    total = 0.0
    for window in CLEANED_WINDOWS:
        x, y = (
            power_law(stft(signal / level, window).power() + COMPRESSED_FLOOR, 0.15)
            for signal in (reference, cleaned)
        )
        total += tf.reduce_mean(tf.square(x - y))
    return total / len(CLEANED_WINDOWS)


def embedding_loss(reference: tf.Tensor, actual: tf.Tensor) -> tf.Tensor:
    """Squared error of embeddings [batch, frames, D], each frame relative to its energy."""
    error = tf.reduce_sum(tf.square(actual - reference), axis=-1)
    energy = tf.reduce_sum(tf.square(reference), axis=-1)
    return tf.reduce_mean(error / (energy + QUIET_EMBEDDING))
