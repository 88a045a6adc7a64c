package org.soundstream.codec;

/** Measures the power of each comfort-noise band in a frame. */
final class NoiseAnalyzer {
  private final int hop;
  private final int[] bins;
  private final double[] window;
  private final double[] cosines;
  private final double[] windowed;

  NoiseAnalyzer(int hop) {
    this.hop = hop;
    bins = ComfortNoise.bandBins(hop / 2 + 1);
    window = new double[hop];
    cosines = new double[hop];
    windowed = new double[hop];
    for (int i = 0; i < hop; i++) {
      window[i] = Math.sqrt(8.0 / 3) * (0.5 - 0.5 * Math.cos(2 * Math.PI * i / (hop - 1)));
      cosines[i] = Math.cos(2 * Math.PI * i / hop);
    }
  }

  /** Adds the mean square of each band, times {@code weight}, to {@code powers}. */
  void add(float[] frame, double weight, double[] powers) {
    for (int i = 0; i < hop; i++) {
      windowed[i] = frame[i] * window[i];
    }
    for (int band = 0; band < ComfortNoise.NUM_BANDS; band++) {
      for (int bin = bins[band]; bin < bins[band + 1]; bin++) {
        powers[band] += weight * 2 * binPower(bin) / ((double) hop * hop);
      }
    }
  }

  private double binPower(int bin) {
    double real = 0;
    double imaginary = 0;
    int phase = 0;
    int quarter = 3 * hop / 4;
    for (int i = 0; i < hop; i++) {
      real += windowed[i] * cosines[phase];
      imaginary += windowed[i] * cosines[quarter];
      phase += bin;
      phase -= phase >= hop ? hop : 0;
      quarter += bin;
      quarter -= quarter >= hop ? hop : 0;
    }
    return real * real + imaginary * imaginary;
  }
}
