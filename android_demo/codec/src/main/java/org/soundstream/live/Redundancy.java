package org.soundstream.live;

import org.soundstream.bitstream.Datagram;

/**
 * How much of a packet protects those before it, so that a receiver can do without some of them.
 * The bitrate stays what it is: a packet has fewer levels of its own.
 */
public enum Redundancy {
  /** Nothing. */
  OFF(new int[0], new int[0]),
  /** A third: the sum of the packets 2 and 5 before. */
  LIGHT(new int[] {4}, new int[] {3}),
  /** A third and a fifth: the sums of those 1 and 3, and 2 and 7 before. */
  STRONG(new int[] {3, 5}, new int[] {3, 5});

  private final int[] rows; // which packets the sums are of
  private final int[] parts; // of the packet's levels that they get: 3 for a third

  Redundancy(int[] rows, int[] parts) {
    this.rows = rows;
    this.parts = parts;
  }

  int numSums() {
    return rows.length;
  }

  int row(int sum) {
    return rows[sum];
  }

  /** Levels of a sum in a packet as long as one of {@code numLevels} levels. */
  int sumLevels(int sum, int numLevels, int bitsPerCode) {
    int free = Math.max(0, free(numLevels, bitsPerCode));
    return Math.min(Datagram.MAX_SUM_LEVELS, free / parts[sum]);
  }

  /** The packet's own levels; 0 where it is too short for sums. */
  int ownLevels(int numLevels, int bitsPerCode) {
    int own = free(numLevels, bitsPerCode);
    for (int sum = 0; sum < rows.length; sum++) {
      int levels = sumLevels(sum, numLevels, bitsPerCode);
      if (levels < 1) {
        return 0;
      }
      own -= levels;
    }
    return Math.max(0, own);
  }

  private int free(int numLevels, int bitsPerCode) {
    return numLevels - (8 * rows.length + bitsPerCode - 1) / bitsPerCode;
  }
}
