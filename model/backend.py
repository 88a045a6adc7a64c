"""The one place that says which Keras this project uses.

TensorFlow 2.16+ ships Keras 3, but tensorflow-model-optimization needs Keras 2, which lives on as
`tf_keras`. Import `keras` from here and nowhere else.
"""

import tf_keras as keras

__all__ = ["keras"]
