package org.soundstream.live;

import java.util.Arrays;

/** How long the last frames took. One thread adds, any may ask; adding allocates nothing. */
public final class FrameTimes {
  private final long[] nanos;
  private final long[] sorted;
  private long numFrames;

  /** Remembers the last {@code capacity} frames. */
  public FrameTimes(int capacity) {
    nanos = new long[capacity];
    sorted = new long[capacity];
  }

  public synchronized void add(long frameNanos) {
    nanos[(int) (numFrames++ % nanos.length)] = frameNanos;
  }

  public synchronized void clear() {
    numFrames = 0;
  }

  /** Frames added since the start. */
  public synchronized long count() {
    return numFrames;
  }

  /** The time that a share of the remembered frames, 0 to 1, did not exceed; 0 without frames. */
  public synchronized long quantileNanos(double share) {
    int count = (int) Math.min(numFrames, nanos.length);
    if (count == 0) {
      return 0;
    }
    System.arraycopy(nanos, 0, sorted, 0, count);
    Arrays.sort(sorted, 0, count);
    return sorted[(int) Math.min(count - 1, Math.floor(share * count))];
  }

  /** Of the remembered frames; 0 without any. */
  public synchronized double meanNanos() {
    int count = (int) Math.min(numFrames, nanos.length);
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += nanos[i];
    }
    return count == 0 ? 0 : sum / count;
  }
}
