package org.soundstream.live;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Random;
import org.junit.Test;
import org.soundstream.Vectors;
import org.soundstream.codec.FrameEncoder;

public class LiveTest {
  private static final int HOP = Vectors.METADATA.hop;

  /** Codes that count the frames. */
  private static final class CountingEncoder implements FrameEncoder {
    private int frame;
    private int numLevels = 6;

    @Override
    public int encode(float[] samples, int[] codes) {
      for (int level = 0; level < numLevels; level++) {
        codes[level] = (frame + level) % 32;
      }
      frame++;
      return numLevels;
    }

    @Override
    public void reset() {}
  }

  @Test
  public void callOverALossyNetworkConcealsExactlyWhatWasLost() throws Exception {
    Receiver receiver = new Receiver(new Vectors.Decoder(), Vectors.METADATA, 2);
    LossSimulator losses = new LossSimulator(3);
    losses.set(0.2, 2);
    int[] lost = {0};
    CountingEncoder encoder = new CountingEncoder();
    Sender sender = new Sender(encoder, Vectors.METADATA, (number, datagram, length) -> {
      if (number > 1 && losses.losesNext()) {
        lost[0]++;
      } else {
        receiver.deliver(number, datagram, length);
      }
    });
    float[] frame = new float[HOP];
    for (int i = 0; i < 400; i++) {
      encoder.numLevels = i < 200 ? 6 : 2;
      sender.send(frame);
      receiver.play(frame);
    }
    receiver.play(frame);
    assertTrue(lost[0] > 40);
    assertEquals(400, receiver.numPlayed());
    assertEquals(lost[0], receiver.numConcealed());
    assertEquals(400, sender.times().count());
    assertEquals(400, receiver.times().count());
    // Two levels of five bits take 2 bytes, and 2 more for the packet's header, at 200 frames/s.
    assertEquals(16 * 200, sender.payloadRate().bitsPerSecond(), 1e-9);
    assertEquals(32 * 200, sender.datagramRate().bitsPerSecond(), 1e-9);
  }

  @Test
  public void cleanCallIsTheDecodersOutputDelayed() throws Exception {
    Receiver receiver = new Receiver(new Vectors.Decoder(), Vectors.METADATA, 3);
    Sender sender = new Sender(new CountingEncoder(), Vectors.METADATA, receiver::deliver);
    Vectors.Decoder reference = new Vectors.Decoder();
    CountingEncoder encoder = new CountingEncoder();
    int[] codes = new int[6];
    float[] expected = new float[HOP];
    float[] frame = new float[HOP];
    for (int i = 0; i < 50; i++) {
      sender.send(frame);
      receiver.play(frame);
      if (i >= 2) {
        reference.decode(codes, encoder.encode(expected, codes), expected);
      }
      assertArrayEquals(expected, frame, 0);
    }
  }

  @Test
  public void aCallAllocatesNothingPerFrame() throws Exception {
    Receiver receiver = new Receiver(new Vectors.Decoder(), Vectors.METADATA, 2);
    CountingEncoder encoder = new CountingEncoder();
    Sender sender = new Sender(encoder, Vectors.METADATA, (number, datagram, length) -> {
      if (number % 5 != 3) {
        receiver.deliver(number, datagram, length);
      }
    });
    float[] frame = new float[HOP];
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    long before = 0;
    for (int i = 0; i < 3_000; i++) {
      if (i == 1_000) {
        before = threads.getThreadAllocatedBytes(thread);
      }
      sender.send(frame);
      receiver.play(frame);
    }
    long perFrame = (threads.getThreadAllocatedBytes(thread) - before) / 2_000;
    assertEquals(0, perFrame); // asking itself takes a few bytes
    assertTrue(receiver.numConcealed() > 500);
  }

  @Test
  public void damagedDatagramsAreConcealed() {
    Receiver receiver = new Receiver(new Vectors.Decoder(), Vectors.METADATA, 1);
    float[] frame = new float[HOP];
    Random random = new Random(4);
    for (int i = 0; i < 1_000; i++) {
      byte[] data = new byte[random.nextInt(8)];
      random.nextBytes(data);
      receiver.deliver(i, data, data.length);
      receiver.play(frame);
      for (float sample : frame) {
        assertTrue(Math.abs(sample) < 10);
      }
    }
    assertTrue(receiver.numConcealed() > 900);
  }

  @Test
  public void lossesComeAtTheirRateAndInBursts() {
    for (double burst : new double[] {1, 4}) {
      LossSimulator losses = new LossSimulator(1);
      losses.set(0.1, burst);
      int lost = 0;
      int bursts = 0;
      boolean before = false;
      for (int i = 0; i < 200_000; i++) {
        boolean now = losses.losesNext();
        lost += now ? 1 : 0;
        bursts += now && !before ? 1 : 0;
        before = now;
      }
      assertEquals(0.1, lost / 200_000.0, 0.005);
      assertEquals(Math.max(burst, 1 / 0.9), (double) lost / bursts, 0.1);
    }
    assertThrows(IllegalArgumentException.class, () -> new LossSimulator(1).set(1, 1));
  }

  @Test
  public void timesAreSummedUp() {
    FrameTimes times = new FrameTimes(100);
    assertEquals(0, times.quantileNanos(0.5));
    for (int i = 1; i <= 150; i++) {
      times.add(i);
    }
    assertEquals(150, times.count());
    assertEquals(100.5, times.meanNanos(), 1e-9); // of 51..150
    assertEquals(101, times.quantileNanos(0.5));
    assertEquals(150, times.quantileNanos(1));
  }
}
