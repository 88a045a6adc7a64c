package org.soundstream.codec;

/** Samples in [-1, 1] to 16-bit integers and back. */
public final class Pcm {
  private static final float FULL_SCALE = 32768f;

  private Pcm() {}

  /** Rounds, and clips what is beyond full scale. */
  public static short toShort(float sample) {
    return (short) Math.max(-32768, Math.min(32767, Math.round(sample * FULL_SCALE)));
  }

  public static void toFloat(short[] pcm, float[] samples, int count) {
    for (int i = 0; i < count; i++) {
      samples[i] = pcm[i] / FULL_SCALE;
    }
  }

  public static void toShort(float[] samples, short[] pcm, int count) {
    for (int i = 0; i < count; i++) {
      pcm[i] = toShort(samples[i]);
    }
  }
}
