package org.tensorflow.lite;

/** What the Android library tells of a tensor, as far as the codec asks. */
public interface Tensor {
  int numBytes();
}
