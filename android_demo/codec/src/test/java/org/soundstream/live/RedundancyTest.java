package org.soundstream.live;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.Test;
import org.soundstream.Vectors;
import org.soundstream.bitstream.Datagram;
import org.soundstream.bitstream.DatagramCoder;
import org.soundstream.codec.FrameEncoder;
import org.soundstream.codec.ModelMetadata;

public class RedundancyTest {
  private static final ModelMetadata METADATA = new ModelMetadata("vectors", "00c0ffee12345678",
      4_000, 20, 64, 20, Arrays.asList(2_000, 6_000), Arrays.asList("float32"), false);
  private static final int HOP = METADATA.hop;

  /** Random codes, or those that it is given. */
  private static final class FakeEncoder implements FrameEncoder {
    private final Random random = new Random(1);
    private int[] next;

    @Override
    public int encode(float[] samples, int[] codes) {
      for (int level = 0; next == null && level < 20; level++) {
        codes[level] = random.nextInt(64);
      }
      if (next != null) {
        System.arraycopy(next, 0, codes, 0, next.length);
      }
      return next == null ? 20 : next.length;
    }

    @Override
    public void reset() {}
  }

  @Test
  public void aStreamIsThatOfThePythonSideAndRebuiltAlike() throws Exception {
    FakeEncoder encoder = new FakeEncoder();
    byte[][] datagram = new byte[1][];
    Sender sender = new Sender(encoder, METADATA,
        (number, data, length) -> datagram[0] = Arrays.copyOf(data, length));
    Repair repair = new Repair(20);
    DatagramCoder coder = new DatagramCoder(6, 1, null);
    Datagram read = new Datagram(1);
    List<String[]> lines = Vectors.lines("stream.txt");
    for (int number = 0; number < lines.size(); number++) {
      String[] fields = lines.get(number);
      encoder.next = Vectors.codes(fields[2]);
      sender.setRedundancy(Redundancy.valueOf(fields[0]));
      sender.send(new float[HOP]);
      assertArrayEquals("" + number, Vectors.hex(fields[3]), datagram[0]);
      if (fields[1].equals("0")) {
        coder.decode(datagram[0], datagram[0].length, read);
        repair.add(number, read);
      }
    }
    int rebuilt = 0;
    for (int number = lines.size() - 60; number < lines.size(); number++) {
      int[] codes = new int[20];
      int levels = repair.find(number, codes);
      assertArrayEquals("" + number, Vectors.codes(lines.get(number)[4]),
          Arrays.copyOf(codes, levels));
      rebuilt += levels > 0 && !repair.came(number) ? 1 : 0;
    }
    assertTrue("" + rebuilt, rebuilt > 10);
  }

  /** A call in which 20 % of packets are lost; the redundancy may change at packet 1,000. */
  private static Receiver call(Redundancy first, Redundancy then) throws Exception {
    Receiver receiver = new Receiver(new Vectors.Decoder(), METADATA, 2);
    LossSimulator losses = new LossSimulator(3);
    losses.set(0.2, 1.25);
    Sender sender = new Sender(new FakeEncoder(), METADATA, (number, data, length) -> {
      if (!losses.losesNext()) {
        receiver.deliver(number, data, length);
      }
    });
    float[] frame = new float[HOP];
    for (int i = 0; i < 2_000; i++) {
      sender.setRedundancy(i < 1_000 ? first : then);
      sender.send(frame);
      receiver.play(frame);
    }
    assertTrue(sender.payloadRate().bitsPerSecond() <= 200 * 120);
    return receiver;
  }

  @Test
  public void mostOfWhatIsLostIsRebuilt() throws Exception {
    assertEquals(400, call(Redundancy.OFF, Redundancy.OFF).numConcealed(), 50);
    Receiver light = call(Redundancy.LIGHT, Redundancy.LIGHT);
    assertTrue("" + light.numConcealed(), light.numConcealed() < 60);
    assertTrue("" + light.numRebuilt(), light.numRebuilt() > 300);
    Receiver strong = call(Redundancy.STRONG, Redundancy.STRONG);
    assertTrue("" + strong.numConcealed(), strong.numConcealed() < 25);
  }

  @Test
  public void itIsSwitchedOnAndOffInACall() throws Exception {
    Receiver on = call(Redundancy.OFF, Redundancy.STRONG);
    assertEquals(200, on.numConcealed(), 50);
    assertEquals(8, on.delayFrames());
    Receiver off = call(Redundancy.STRONG, Redundancy.OFF);
    assertEquals(200, off.numConcealed(), 50);
    assertTrue("" + off.delayFrames(), off.delayFrames() < 8);
  }

  @Test
  public void aBitrateTooLowForItIsSentWithout() throws Exception {
    FakeEncoder encoder = new FakeEncoder();
    encoder.next = new int[] {1, 2, 3, 4, 5};
    int[] size = {0};
    Sender sender = new Sender(encoder, METADATA, (number, data, length) -> size[0] = length);
    sender.setRedundancy(Redundancy.STRONG);
    for (int i = 0; i < 10; i++) {
      sender.send(new float[HOP]);
      assertEquals(2 + 4, size[0]);
    }
  }

  @Test
  public void soundThatIsToldOfWholeIsThatWithoutLoss() throws Exception {
    Receiver whole = new Receiver(new Vectors.Decoder(), METADATA, 2);
    Receiver holey = new Receiver(new Vectors.Decoder(), METADATA, 2);
    DatagramCoder coder = new DatagramCoder(6, 1, null);
    Datagram datagram = new Datagram(1);
    Random random = new Random(2);
    int[] before = new int[5];
    byte[] bytes = new byte[100];
    float[] expected = new float[HOP];
    float[] frame = new float[HOP];
    for (int number = 0; number < 60; number++) {
      datagram.set(1, 5, false);
      datagram.addSum(0, 5);
      System.arraycopy(before, 0, datagram.codes(), 0, 5);
      for (int level = 0; level < 5; level++) {
        before[level] = random.nextInt(64);
      }
      System.arraycopy(before, 0, datagram.codes(), 5, 5);
      int length = coder.encode(datagram, bytes);
      whole.deliver(number, bytes, length);
      if (number % 10 != 5) {
        holey.deliver(number, bytes, length);
      }
      whole.play(expected);
      holey.play(frame);
      assertArrayEquals("" + number, expected, frame, 0);
    }
    assertEquals(6, holey.numRebuilt());
    assertEquals(0, holey.numConcealed());
  }

  @Test
  public void itAllocatesNothingPerFrame() throws Exception {
    Receiver receiver = new Receiver(new Vectors.Decoder(), METADATA, 2);
    Sender sender = new Sender(new FakeEncoder(), METADATA, (number, data, length) -> {
      if (number % 5 != 3) {
        receiver.deliver(number, data, length);
      }
    });
    sender.setRedundancy(Redundancy.STRONG);
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
    assertEquals(0, (threads.getThreadAllocatedBytes(thread) - before) / 2_000);
    assertTrue(receiver.numRebuilt() > 500);
  }

  @Test
  public void anyBytesArePlayed() {
    Receiver receiver = new Receiver(new Vectors.Decoder(), METADATA, 1);
    float[] frame = new float[HOP];
    Random random = new Random(4);
    for (int i = 0; i < 200_000; i++) {
      byte[] data = new byte[2 + random.nextInt(20)];
      random.nextBytes(data);
      data[0] = (byte) (data[0] & 128 | 1 + random.nextInt(20));
      data[1] &= (byte) 0xC0;
      receiver.deliver(random.nextInt(50) == 0 ? random.nextInt() : i, data, data.length);
      receiver.play(frame);
      for (float sample : frame) {
        assertTrue(Math.abs(sample) < 100);
      }
    }
  }
}
