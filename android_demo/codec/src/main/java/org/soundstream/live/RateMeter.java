package org.soundstream.live;

/** Bits per second over the last frames. One thread adds, any may ask. */
public final class RateMeter {
  private final double frameRate;
  private final int[] bytes;
  private long numFrames;
  private long sum;

  /** Averages over {@code windowFrames} frames, of which there are {@code frameRate} a second. */
  public RateMeter(double frameRate, int windowFrames) {
    this.frameRate = frameRate;
    bytes = new int[windowFrames];
  }

  /** One more frame took so many bytes; 0 for one that did not come. */
  public synchronized void add(int frameBytes) {
    int slot = (int) (numFrames++ % bytes.length);
    sum += frameBytes - bytes[slot];
    bytes[slot] = frameBytes;
  }

  public synchronized double bitsPerSecond() {
    long count = Math.min(numFrames, bytes.length);
    return count == 0 ? 0 : 8.0 * sum * frameRate / count;
  }
}
