"""Gradient balancer (EnCodec, arXiv 2210.13438, section 3.4): weights as shares of the gradient.

    combined = balancer(losses, decoded, tape)      # gradient of the mix with respect to `decoded`

Each loss's gradient with respect to the decoder's output is scaled to a norm proportional to its
weight, whatever the loss's own scale is, so that a weight says which share of the update it gets.
"""

import tensorflow as tf

from training import replicas


class Balancer(tf.Module):
    """Keeps a moving average of each loss's gradient norm (in checkpoints) and scales by it.

    Args:
      weights: by loss name; names not asked for in a call don't count.
      decay: of the moving average, per step.
    """

    def __init__(self, weights: dict[str, float], decay: float = 0.999):
        super().__init__(name="balancer")
        self.weights = weights
        self.decay = decay
        self.norms = {
            name: tf.Variable(0.0, trainable=False, name=f"norm_{name}") for name in weights
        }

    def __call__(
        self, losses: dict[str, tf.Tensor], decoded: tf.Tensor, tape: tf.GradientTape
    ) -> tf.Tensor:
        """Gradient [batch, time] of the balanced mix with respect to `decoded`.

        Args:
          losses: scalars computed from `decoded` under `tape`, which must be persistent.
        """
        total = sum(self.weights[name] for name in losses)
        mix = tf.zeros_like(decoded)
        for name, loss in losses.items():
            gradient = tape.gradient(loss, decoded)
            # Of the global batch's mean loss, of which a replica's gradient is a share.
            norm = replicas.mean(tf.reduce_mean(tf.norm(gradient, axis=-1))) / replicas.count()
            average = self.norms[name]
            first = tf.equal(average, 0.0)
            updated = tf.where(first, norm, self.decay * average + (1 - self.decay) * norm)
            average.assign(tf.where(tf.math.is_finite(updated), updated, average))
            mix += gradient * (self.weights[name] / total) / (average + 1e-12)
        return mix

    def gradients(
        self,
        losses: dict[str, tf.Tensor],
        decoded: tf.Tensor,
        tape: tf.GradientTape,
        variables: list[tf.Variable],
        elsewhere: dict[str, float],
    ) -> list[tf.Tensor]:
        """Gradients of `variables`: of the mix, and of losses in which `decoded` has no part.

        Args:
          losses: scalars computed under `tape`, which must be persistent.
          elsewhere: plain weights, by name, of those that don't judge `decoded`.
        """
        on_output = {name: loss for name, loss in losses.items() if name not in elsewhere}
        mix = self(on_output, decoded, tape)
        total = tape.gradient(decoded, variables, output_gradients=mix)
        for name, weight in elsewhere.items():
            if name in losses:
                extra = tape.gradient(losses[name], variables, unconnected_gradients="zero")
                total = [g + weight * e for g, e in zip(total, extra, strict=True)]
        return total
