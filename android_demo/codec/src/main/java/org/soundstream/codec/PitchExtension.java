package org.soundstream.codec;

import java.util.Arrays;

/** Goes on with a sound by repeating its last pitch period. Nothing is allocated per frame. */
final class PitchExtension {
  private static final double WINDOW_SECONDS = 0.02; // of the end, looked for in what came before
  private static final double SHORTEST_SECONDS = 0.0025; // periods: 400 Hz to 40 Hz
  private static final double LONGEST_SECONDS = 0.025;
  private static final double PAST_SECONDS = WINDOW_SECONDS + 1.25 * LONGEST_SECONDS;

  private final int window;
  private final int shortest;
  private final int longest;
  private final float[] past;
  private final float[] cycle;
  private int period;
  private int position; // in the cycle
  private int remaining;

  PitchExtension(int sampleRate) {
    window = (int) Math.rint(WINDOW_SECONDS * sampleRate);
    shortest = (int) Math.rint(SHORTEST_SECONDS * sampleRate);
    longest = (int) Math.rint(LONGEST_SECONDS * sampleRate);
    past = new float[(int) Math.rint(PAST_SECONDS * sampleRate) + 1];
    cycle = new float[longest];
  }

  /** Forgets what was heard. */
  void reset() {
    Arrays.fill(past, 0f);
    remaining = 0;
  }

  /** What was heard, whatever it was; call this for every frame. */
  void heard(float[] samples, int count) {
    int kept = Math.max(0, past.length - count);
    System.arraycopy(past, past.length - kept, past, 0, kept);
    System.arraycopy(samples, count - (past.length - kept), past, kept, past.length - kept);
  }

  /** Begins to go on with what was heard, for so many samples. */
  void start(int numSamples) {
    remaining = numSamples;
    position = 0;
    period = bestPeriod();
    System.arraycopy(past, past.length - period, cycle, 0, period);
    int seam = period / 4; // blended with the sound one period before, so that none is heard
    for (int i = 0; i < seam; i++) {
      float weight = (i + 1f) / (seam + 1f);
      int at = period - seam + i;
      cycle[at] += weight * (past[past.length - period - seam + i] - cycle[at]);
    }
  }

  /** The next sample; 0 after the last one. */
  float next() {
    if (remaining == 0) {
      return 0;
    }
    remaining--;
    float sample = cycle[position];
    position = position + 1 == period ? 0 : position + 1;
    return sample;
  }

  /** Samples after which the end of the past repeats best (normalised correlation). */
  private int bestPeriod() {
    int end = past.length - window;
    int best = shortest;
    double bestSimilarity = Double.NEGATIVE_INFINITY;
    for (int lag = shortest; lag <= longest; lag++) {
      double product = 0;
      double energy = 1e-9;
      for (int i = end; i < past.length; i++) {
        double before = past[i - lag];
        product += before * past[i];
        energy += before * before;
      }
      double similarity = product / Math.sqrt(energy);
      if (similarity > bestSimilarity) {
        bestSimilarity = similarity;
        best = lag;
      }
    }
    return best;
  }
}
