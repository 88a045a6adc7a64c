package org.soundstream.codec;

/** Codes to audio, frame by frame; keeps the state of one signal. */
public interface FrameDecoder {
  /**
   * Decodes the next frame.
   *
   * @param codes the first {@code numLevels} count; each below the model's codebook size
   * @param numLevels may change from frame to frame
   * @param samples gets one hop
   */
  void decode(int[] codes, int numLevels, float[] samples);

  /** Forgets the past: the next frame is the first of a new signal. */
  void reset();
}
