package org.soundstream.live;

import java.util.Arrays;

/**
 * Packets that come late, twice, or out of order, given out one per frame in order.
 *
 * <p>It holds back as many frames as the network has lately needed: one more after each packet that
 * came too late, one fewer after ten seconds without. For one thread that puts and one that takes;
 * nothing is allocated per packet.
 */
public final class JitterBuffer {
  /** Nothing has to be played yet: the buffer fills up. */
  public static final int FILLING = -1;
  /** The packet is lost, or would be too late. */
  public static final int MISSING = 0;
  /** Nothing is due: one frame more is held back from now on. */
  public static final int WAITING = -2;

  private static final int CALM_FRAMES = 500; // after which the delay is shortened

  private final int leastDelay; // as the caller wants it
  private final int capacity; // a power of two, so that numbers may wrap around
  private final byte[][] packets;
  private final int[] sizes; // 0: not there
  private boolean started;
  private boolean received;
  private int next; // number of the packet to give out
  private int newest;
  private int minDelay; // what packets need, at least what the caller wants
  private int delay;
  private int stretch; // frames to fill before the next packet is taken
  private int calmFrames;
  private int numLate;

  /**
   * Creates an empty buffer.
   *
   * @param minDelay frames to hold back at least, 1 or more
   * @param capacity frames to hold at most, a power of two above {@code minDelay}
   * @param maxPacketBytes size of the largest packet
   */
  public JitterBuffer(int minDelay, int capacity, int maxPacketBytes) {
    if (minDelay < 1 || Integer.bitCount(capacity) != 1 || capacity <= minDelay) {
      throw new IllegalArgumentException("delay " + minDelay + ", capacity " + capacity);
    }
    leastDelay = minDelay;
    this.minDelay = minDelay;
    this.capacity = capacity;
    packets = new byte[capacity][maxPacketBytes];
    sizes = new int[capacity];
    delay = minDelay;
  }

  /** Forgets all packets and starts to fill up again. */
  public synchronized void reset() {
    clear();
    delay = minDelay;
    numLate = 0;
  }

  /** Frames held back for the sake of late packets. */
  public synchronized int delayFrames() {
    return delay;
  }

  /**
   * Holds back at least so many frames from now on, because packets tell of those so far before
   * them; what the caller wanted at first is the least.
   */
  public synchronized void holdBack(int frames) {
    minDelay = Math.min(capacity / 2, Math.max(leastDelay, frames));
    if (delay < minDelay) {
      stretch += started ? minDelay - delay : 0;
      delay = minDelay;
    }
  }

  /** Number of the packet last given out, or found missing. */
  public synchronized int lastTaken() {
    return next - 1;
  }

  /** Packets that came too late to be played. */
  public synchronized int numLate() {
    return numLate;
  }

  /** Takes in a packet; {@code number} counts packets from any start and may wrap around. */
  public synchronized void put(int number, byte[] data, int length) {
    if (received && Math.abs(number - newest) >= capacity) {
      clear(); // the sender began anew, or nothing came for long
    }
    if (!received) {
      received = true;
      newest = number;
      next = number;
    }
    if (number - next < 0 && started) {
      numLate++;
      calmFrames = 0;
      if (delay < capacity / 2) {
        delay++;
        stretch++;
      }
      return;
    }
    next = !started && number - next < 0 ? number : next;
    while (number - next >= capacity) {
      sizes[next++ & capacity - 1] = 0; // no room: the oldest goes
    }
    newest = number - newest > 0 ? number : newest;
    System.arraycopy(data, 0, packets[number & capacity - 1], 0, length);
    sizes[number & capacity - 1] = length;
  }

  /**
   * Gives out the next packet; to be called once per frame.
   *
   * @param out gets the packet
   * @return its size, or {@link #FILLING}, {@link #MISSING}, {@link #WAITING}
   */
  public synchronized int take(byte[] out) {
    if (!started) {
      if (!received || newest - next + 1 < delay) {
        return FILLING;
      }
      started = true;
    }
    if (stretch > 0) {
      stretch--;
      return WAITING;
    }
    if (++calmFrames >= CALM_FRAMES) {
      calmFrames = 0;
      if (delay > minDelay) {
        delay--;
      }
      if (newest - next + 1 > delay) {
        sizes[next++ & capacity - 1] = 0; // one frame less to wait from now on
      }
    }
    if (next - newest > capacity) {
      clear(); // the sender fell silent
      return FILLING;
    }
    int slot = next & capacity - 1;
    int size = sizes[slot];
    System.arraycopy(packets[slot], 0, out, 0, size);
    sizes[slot] = 0;
    next++;
    return size;
  }

  private void clear() {
    Arrays.fill(sizes, 0);
    started = false;
    received = false;
    stretch = 0;
    calmFrames = 0;
  }
}
