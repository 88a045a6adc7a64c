package org.soundstream.codec;

import java.util.Arrays;
import java.util.Random;

/**
 * An endless stream of noise whose colour may change from frame to frame without a click.
 *
 * <p>The colour is the power of eight frequency bands. They end at 1/32, 1/16, 1/8, 3/16, 1/4, 3/8,
 * 5/8 and 1 of half the sample rate. In a packet each is one byte: -20 log10 of the mean square,
 * 255 being silence. Nothing is allocated per frame.
 */
final class ComfortNoise {
  static final int NUM_BANDS = 8;
  private static final double[] BAND_EDGES =
      {0, 1 / 32.0, 1 / 16.0, 1 / 8.0, 3 / 16.0, 1 / 4.0, 3 / 8.0, 5 / 8.0, 1};
  private static final double SMOOTHING = 0.3; // how far the powers go to new ones in one frame

  private final int hop;
  private final int length; // of a block, two hops, of which one overlaps with the next block
  private final Random random = new Random(0);
  private final double[] cosines; // of one turn in `length` steps
  private final double[] window; // its squares, one hop apart, sum to one
  private final int[] bins;
  private final double[] powers = new double[NUM_BANDS];
  private final double[] block;
  private final double[] tail;
  private boolean started;

  ComfortNoise(int hop) {
    this.hop = hop;
    length = 2 * hop;
    cosines = new double[length];
    window = new double[length];
    for (int i = 0; i < length; i++) {
      cosines[i] = Math.cos(2 * Math.PI * i / length);
      window[i] = Math.sin(Math.PI * (i + 0.5) / length);
    }
    bins = bandBins(hop + 1);
    block = new double[length];
    tail = new double[hop];
  }

  /** Reads the eight bytes at {@code offset} of a packet's payload. */
  static void powersOf(byte[] description, int offset, double[] powers) {
    for (int band = 0; band < NUM_BANDS; band++) {
      int level = description[offset + band] & 0xFF;
      powers[band] = level == 255 ? 0 : Math.pow(10, -level / 20.0);
    }
  }

  /** Where the bands start, and the last ends, in a spectrum of {@code numBins}. */
  static int[] bandBins(int numBins) {
    int[] bins = new int[NUM_BANDS + 1];
    for (int i = 0; i < bins.length; i++) {
      bins[i] = (int) Math.rint(BAND_EDGES[i] * numBins);
    }
    return bins;
  }

  /** Makes one hop; from the first call on, the powers move smoothly to what is asked for. */
  void generate(double[] targetPowers, double[] out) {
    double total = 0;
    for (int band = 0; band < NUM_BANDS; band++) {
      powers[band] += (started ? SMOOTHING : 1) * (targetPowers[band] - powers[band]);
      total += powers[band];
    }
    started = true;
    Arrays.fill(block, 0);
    if (total > 1e-12) { // below -120 dB there is nothing to hear
      synthesize();
    }
    for (int i = 0; i < hop; i++) {
      out[i] = tail[i] + window[i] * block[i];
      tail[i] = window[hop + i] * block[hop + i];
    }
  }

  /** An inverse Fourier transform of random bins, without those at 0 Hz and half the rate. */
  private void synthesize() {
    for (int band = 0; band < NUM_BANDS; band++) {
      int width = Math.max(1, bins[band + 1] - bins[band]);
      double scale = 2 * Math.sqrt(hop * powers[band] * (hop + 1) / width) / length;
      for (int bin = Math.max(1, bins[band]); bin < Math.min(hop, bins[band + 1]); bin++) {
        double real = scale * random.nextGaussian();
        double imaginary = scale * random.nextGaussian();
        int phase = 0;
        int quarter = 3 * length / 4; // cos(x + 3/4 turn) = sin(x)
        for (int i = 0; i < length; i++) {
          block[i] += real * cosines[phase] - imaginary * cosines[quarter];
          phase += bin;
          phase -= phase >= length ? length : 0;
          quarter += bin;
          quarter -= quarter >= length ? length : 0;
        }
      }
    }
  }
}
