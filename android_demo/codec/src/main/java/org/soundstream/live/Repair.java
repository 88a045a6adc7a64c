package org.soundstream.live;

import java.util.Arrays;
import org.soundstream.bitstream.Datagram;

/**
 * The last packets of one frame each: those that came, and what sums tell of those that did not.
 * Nothing is allocated per packet.
 */
final class Repair {
  private static final int CAPACITY = 64; // a power of two, so that numbers may wrap around

  /** A packet, and the sums that it carried. */
  private static final class Slot {
    int number;
    boolean came; // else numLevels were rebuilt, or 0
    int numLevels;
    final int[] codes;
    int numSums;
    final int[][] distances = new int[Datagram.MAX_SUMS][];
    final int[] sumLevels = new int[Datagram.MAX_SUMS];
    final int[][] sums = new int[Datagram.MAX_SUMS][Datagram.MAX_SUM_LEVELS];

    Slot(int maxLevels) {
      codes = new int[Math.max(maxLevels, Datagram.MAX_SUM_LEVELS)];
    }
  }

  private final Slot[] slots = new Slot[CAPACITY];
  private boolean started;
  private int newest;

  /** Keeps packets of so many levels at most. */
  Repair(int maxLevels) {
    for (int i = 0; i < CAPACITY; i++) {
      slots[i] = new Slot(maxLevels);
    }
  }

  /** Takes in what came, one frame of one channel; a second one of a number changes nothing. */
  void add(int number, Datagram datagram) {
    if (!started || Math.abs(number - newest) >= CAPACITY) {
      started = true; // or the sender began anew, or nothing came for long
      newest = number - CAPACITY;
    }
    while (newest - number < 0) {
      newest++;
      clear(slot(newest), newest);
    }
    Slot slot = slot(number);
    if (slot.came) {
      return;
    }
    slot.came = true;
    slot.numLevels = datagram.numLevels();
    System.arraycopy(datagram.codes(), datagram.ownOffset(), slot.codes, 0, slot.numLevels);
    slot.numSums = datagram.numSums();
    for (int sum = 0; sum < slot.numSums; sum++) {
      slot.distances[sum] = datagram.distances(sum);
      slot.sumLevels[sum] = datagram.sumLevels(sum);
      System.arraycopy(datagram.codes(), datagram.sumOffset(sum), slot.sums[sum], 0,
          slot.sumLevels[sum]);
    }
  }

  /** Writes the codes of a packet, whole or rebuilt; returns its levels, 0: nothing is known. */
  int find(int number, int[] codes) {
    Slot slot = kept(number);
    if (slot == null) {
      return 0;
    }
    if (!slot.came) {
      boolean news = true;
      while (news) {
        news = solveAll();
      }
    }
    System.arraycopy(slot.codes, 0, codes, 0, Math.min(slot.numLevels, codes.length));
    return slot.numLevels;
  }

  /** Whether this very packet came. */
  boolean came(int number) {
    Slot slot = kept(number);
    return slot != null && slot.came;
  }

  private boolean solveAll() {
    boolean news = false;
    for (int i = CAPACITY - 1; i >= 0; i--) { // in the order of numbers
      Slot carrier = slot(newest - i);
      for (int sum = 0; sum < carrier.numSums; sum++) {
        for (int distance : carrier.distances[sum]) {
          news |= solve(carrier, sum, distance);
        }
      }
    }
    return news;
  }

  /**
   * Rebuilds the packet {@code distance} before the carrier, if all others of the sum are known;
   * returns whether that was news. What came is never changed, and what was rebuilt only by
   * something with more levels: so this ends, whatever sums contradict one another.
   */
  private boolean solve(Slot carrier, int sum, int distance) {
    Slot target = kept(carrier.number - distance);
    if (target == null || target.came) {
      return false;
    }
    int levels = carrier.sumLevels[sum];
    for (int other : carrier.distances[sum]) {
      if (other != distance) {
        Slot known = kept(carrier.number - other);
        levels = known == null ? 0 : Math.min(levels, known.numLevels);
      }
    }
    if (levels <= target.numLevels) {
      return false;
    }
    System.arraycopy(carrier.sums[sum], 0, target.codes, 0, levels);
    for (int other : carrier.distances[sum]) {
      if (other != distance) {
        int[] codes = kept(carrier.number - other).codes;
        for (int level = 0; level < levels; level++) {
          target.codes[level] ^= codes[level];
        }
      }
    }
    target.numLevels = levels;
    return true;
  }

  private Slot slot(int number) {
    return slots[number & CAPACITY - 1];
  }

  /** The slot of a number, null if it is none of the last ones. */
  private Slot kept(int number) {
    return started && newest - number >= 0 && newest - number < CAPACITY ? slot(number) : null;
  }

  private static void clear(Slot slot, int number) {
    slot.number = number;
    slot.came = false;
    slot.numLevels = 0;
    slot.numSums = 0;
    Arrays.fill(slot.codes, 0);
  }
}
