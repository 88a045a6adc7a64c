"""Surgery on .tflite files: bytes or schema objects in and out, no TensorFlow graph involved."""
