package org.soundstream.bitstream;

import java.util.Arrays;

/**
 * A packet for a network that loses some, with sums that make up for earlier ones.
 *
 * <p>A sum is the exclusive or of the first levels of earlier packets, code by code: of one of them
 * it is a copy, and of several it gives back any one that is lost, once the others are there. An
 * object is meant to be used again and again, so that a live stream allocates nothing per frame.
 */
public final class Datagram {
  /** In a datagram at most. */
  public static final int MAX_SUMS = 8;
  /** In a sum at most. */
  public static final int MAX_SUM_LEVELS = 16;
  /** How far back a sum reaches at most. */
  public static final int FARTHEST = 8;

  private static final int[][] DISTANCES =
      {{1}, {2}, {4}, {1, 3}, {2, 5}, {2, 7}, {1, 3, 8}, {1, 2, 4}};
  private final int numChannels;
  private final int[] rows = new int[MAX_SUMS];
  private final int[] sumLevels = new int[MAX_SUMS];
  private int numSums;
  private int numFrames;
  private int numLevels;
  private boolean denoise;
  private int[] codes = new int[256];

  public Datagram(int numChannels) {
    this.numChannels = numChannels;
  }

  /** Becomes one without sums, whose codes are yet to be written. */
  public void set(int numFrames, int numLevels, boolean denoise) {
    this.numFrames = numFrames;
    this.numLevels = numLevels;
    this.denoise = denoise;
    numSums = 0;
    reserve();
  }

  /** Gets one more sum, whose codes, and the packet's own, are yet to be written. */
  public void addSum(int row, int levels) {
    rows[numSums] = row;
    sumLevels[numSums++] = levels;
    reserve();
  }

  /** 1..64. */
  public int numFrames() {
    return numFrames;
  }

  /** Quantizers of each frame. */
  public int numLevels() {
    return numLevels;
  }

  /** Whether the encoder was told to remove noise. */
  public boolean denoise() {
    return denoise;
  }

  /** 0..8. */
  public int numSums() {
    return numSums;
  }

  /** Which packets a sum is of, counted back from this one; not to be changed. */
  public int[] distances(int sum) {
    return DISTANCES[rows[sum]];
  }

  /** How far back the sums reach, 0 without any. */
  public int farthest() {
    int farthest = 0;
    for (int sum = 0; sum < numSums; sum++) {
      for (int distance : distances(sum)) {
        farthest = Math.max(farthest, distance);
      }
    }
    return farthest;
  }

  /** Which packets a sum of this row, 0..7, is of; not to be changed. */
  public static int[] distancesOf(int row) {
    return DISTANCES[row];
  }

  /** Levels of a sum, 1..16. */
  public int sumLevels(int sum) {
    return sumLevels[sum];
  }

  /** All codes; valid until the datagram is set again or gets another sum. */
  public int[] codes() {
    return codes;
  }

  /** Where the codes [frames, channels, levels] of a sum start in {@link #codes}. */
  public int sumOffset(int sum) {
    int levels = 0;
    for (int i = 0; i < sum; i++) {
      levels += sumLevels[i];
    }
    return levels * numFrames * numChannels;
  }

  /** Where the packet's own codes start, which come last. */
  public int ownOffset() {
    return sumOffset(numSums);
  }

  int numCodes() {
    return ownOffset() + numFrames * numChannels * numLevels;
  }

  int row(int sum) {
    return rows[sum];
  }

  private void reserve() {
    if (codes.length < numCodes()) {
      codes = Arrays.copyOf(codes, 2 * numCodes());
    }
  }
}
