package org.soundstream.live;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class JitterBufferTest {
  private final JitterBuffer buffer = new JitterBuffer(2, 16, 4);
  private final byte[] out = new byte[4];

  private void put(int number) {
    buffer.put(number, new byte[] {(byte) number}, 1);
  }

  /** The number of the packet given out, or what came instead of one, negative. */
  private int take() {
    int size = buffer.take(out);
    return size == 1 ? out[0] : size - 100;
  }

  private static final int FILLING = JitterBuffer.FILLING - 100;
  private static final int MISSING = JitterBuffer.MISSING - 100;
  private static final int WAITING = JitterBuffer.WAITING - 100;

  @Test
  public void packetsComeOutInOrder() {
    assertEquals(FILLING, take());
    put(7);
    assertEquals(FILLING, take());
    put(9);
    put(8);
    put(8);
    assertEquals(7, take());
    assertEquals(8, take());
    assertEquals(9, take());
  }

  @Test
  public void aLostPacketIsMissingOnce() {
    put(0);
    put(1);
    put(3);
    assertEquals(0, take());
    assertEquals(1, take());
    assertEquals(MISSING, take());
    assertEquals(3, take());
    assertEquals(2, buffer.delayFrames());
  }

  @Test
  public void latePacketsLengthenTheDelayAndCalmShortensIt() {
    put(0);
    put(1);
    assertEquals(0, take());
    assertEquals(1, take());
    assertEquals(MISSING, take());
    put(2); // too late by one frame
    assertEquals(1, buffer.numLate());
    assertEquals(3, buffer.delayFrames());
    put(3);
    put(4);
    assertEquals(WAITING, take()); // one frame more, once
    for (int number = 5; number < 900; number++) {
      put(number);
      take();
    }
    assertEquals(2, buffer.delayFrames());
  }

  @Test
  public void whatPacketsNeedIsHeldBackFromThenOn() {
    put(0);
    put(1);
    assertEquals(0, take());
    assertEquals(0, buffer.lastTaken());
    buffer.holdBack(4);
    put(2);
    assertEquals(WAITING, take());
    put(3);
    assertEquals(WAITING, take());
    put(5);
    assertEquals(1, take());
    assertEquals(4, buffer.delayFrames());
    assertEquals(2, take());
    assertEquals(3, take());
    assertEquals(MISSING, take());
    assertEquals(4, buffer.lastTaken());
    buffer.holdBack(0);
    for (int number = 6; number < 1_600; number++) {
      put(number);
      take();
    }
    assertEquals(2, buffer.delayFrames());
  }

  @Test
  public void numbersMayWrapAround() {
    int first = Integer.MAX_VALUE - 1;
    for (int i = 0; i < 6; i++) {
      buffer.put(first + i, new byte[] {(byte) i}, 1);
    }
    for (int i = 0; i < 6; i++) {
      assertEquals(i, take());
    }
  }

  @Test
  public void aSenderThatBeganAnewIsFollowed() {
    for (int i = 100; i < 105; i++) {
      put(i);
    }
    assertEquals(100, take());
    put(0);
    put(1);
    assertEquals(0, take());
  }

  @Test
  public void aFullBufferDropsTheOldest() {
    for (int i = 0; i < 20; i++) {
      put(i);
    }
    int first = take();
    assertTrue("" + first, first >= 4);
  }

  @Test
  public void aSenderThatFellSilentIsAwaited() {
    put(0);
    put(1);
    int result = 0;
    for (int i = 0; i < 40; i++) {
      result = take();
    }
    assertEquals(FILLING, result);
  }
}
