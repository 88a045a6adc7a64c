package org.soundstream.bitstream;

import java.util.Arrays;

/**
 * Writes symbols of known frequencies in the fewest bytes.
 *
 * <p>Frequencies are integers that sum to 2^15 per symbol; the coder narrows an interval of 32 bits
 * and puts out its leading byte whenever it falls below 2^24. Every machine gets the same bytes.
 */
final class RangeEncoder {
  static final int PRECISION_BITS = 15;
  static final int TOTAL = 1 << PRECISION_BITS;
  static final long BOTTOM = 1L << 24;
  private static final long WINDOW = 0xFFFFFFFFL;

  private byte[] out = new byte[256];
  private int numBytes;
  private long low;
  private long size = WINDOW;

  /** Begins anew. */
  void reset() {
    numBytes = 0;
    low = 0;
    size = WINDOW;
  }

  /** Codes a symbol given by its interval [start, start + frequency) of [0, 2^15). */
  void encode(int start, int frequency) {
    long step = size >>> PRECISION_BITS;
    add(step * start);
    size = step * frequency;
    while (size < BOTTOM) {
      put((int) (low >>> 24));
      low = low << 8 & WINDOW;
      size <<= 8;
    }
  }

  /** Ends with as few bytes as still name the interval; returns how many there are in all. */
  int finish() {
    // Any number in [low, low + size) will do. As size >= 2^24, one ends in 24 zero bits.
    add(-low & (BOTTOM - 1));
    put((int) (low >>> 24));
    while (numBytes > 0 && out[numBytes - 1] == 0) {
      numBytes--;
    }
    return numBytes;
  }

  /** The bytes; the first {@link #finish} are valid, until {@link #reset}. */
  byte[] bytes() {
    return out;
  }

  private void add(long amount) {
    low += amount;
    if (low > WINDOW) {
      low &= WINDOW;
      for (int i = numBytes - 1; ++out[i] == 0; i--) {} // the carry runs into bytes put out
    }
  }

  private void put(int value) {
    if (numBytes == out.length) {
      out = Arrays.copyOf(out, 2 * numBytes);
    }
    out[numBytes++] = (byte) value;
  }
}
