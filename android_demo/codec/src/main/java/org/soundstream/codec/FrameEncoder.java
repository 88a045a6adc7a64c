package org.soundstream.codec;

/** Audio to codes, frame by frame; keeps the state of one signal. */
public interface FrameEncoder {
  /**
   * Encodes the next frame.
   *
   * @param samples one hop in [-1, 1]
   * @param codes gets the codes; has room for all levels of the model
   * @return the number of levels written
   */
  int encode(float[] samples, int[] codes);

  /** Forgets the past: the next frame is the first of a new signal. */
  void reset();
}
