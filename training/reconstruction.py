"""All losses of decoded audio against its target, compiled with their gradient.

They are long chains of small operations on large tensors, which XLA makes into few: on a CPU the
losses of `speech.flags` take 0.6 of the time. That needs loss and gradient in one program; compiled
apart, they pass everything in between through memory, and nothing is gained.
"""

from typing import Any

import tensorflow as tf

from training import auditory, losses, visqol


def reconstruction_losses(
    target: tf.Tensor, decoded: tf.Tensor, sample_rate: int, with_visqol: bool = False
) -> dict[str, tf.Tensor]:
    """Each loss, unweighted, by its name in `LossWeights`, for audio [batch, time]."""
    windows = sorted({*losses.MEL_BINS, *auditory.WINDOWS})
    spectra = [losses.spectra(x, windows) for x in (target, decoded)]
    reference, estimate = ({w: s[w] for w in losses.MEL_BINS} for s in spectra)
    heard, hears = ({w: s[w] for w in auditory.WINDOWS} for s in spectra)
    short = [s[auditory.PULSE_WINDOW] for s in spectra]
    window = auditory.LOUDNESS_WINDOW
    named = auditory.band_losses(heard, hears, sample_rate) | {
        "loudness": auditory.loudness_loss(heard[window], hears[window], sample_rate),
        "pulse": auditory.pulse_loss(short[0], short[1], sample_rate),
        "mel": losses.mel_loss(reference, estimate, sample_rate),
        "complex": losses.complex_loss(
            reference, estimate, 2 * losses.PHASE_LIMIT_HZ / sample_rate
        ),
        "fine": losses.fine_loss(reference, estimate),
        "waveform": losses.waveform_loss(target, decoded),
    }
    if with_visqol:
        named["visqol"] = visqol.visqol_loss(
            target, decoded, heard[visqol.WINDOW], hears[visqol.WINDOW]
        )
    return named


def weighted_reconstruction(
    target: tf.Tensor, decoded: tf.Tensor, weights: dict[str, float], sample_rate: int
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The weighted sum of `reconstruction_losses`, whose gradient reaches `decoded`, and each one.

    Args:
      weights: by name; names that are no reconstruction loss don't count.

    Returns:
      The sum, with first derivatives only, and the losses themselves without gradient.
    """
    # Numbers may change without compiling anew; losses without weight get no gradient at all.
    given = {name: tf.constant(weight, tf.float32) for name, weight in weights.items() if weight}
    value, gradient, named = _with_gradient(
        tf.stop_gradient(target), tf.stop_gradient(decoded), given, sample_rate
    )

    @tf.custom_gradient
    def total(_: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return tf.identity(value), lambda upstream: upstream * gradient

    return total(decoded), named


# At the module's level, so that all trainers of a process share what is compiled.
@tf.function(jit_compile=True)
def _with_gradient(
    target: tf.Tensor, decoded: tf.Tensor, weights: dict[str, tf.Tensor], sample_rate: int
) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
    with tf.GradientTape() as tape:
        tape.watch(decoded)
        named = reconstruction_losses(target, decoded, sample_rate, "visqol" in weights)
        terms = [weights[name] * value for name, value in named.items() if name in weights]
        total = tf.add_n([tf.zeros([]), *terms])
    gradient = tape.gradient(total, decoded, unconnected_gradients="zero")
    return total, gradient, named
