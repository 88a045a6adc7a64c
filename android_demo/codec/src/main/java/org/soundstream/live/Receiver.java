package org.soundstream.live;

import java.util.Arrays;
import org.soundstream.bitstream.BitstreamException;
import org.soundstream.bitstream.Packet;
import org.soundstream.bitstream.PacketCoder;
import org.soundstream.codec.ConcealingDecoder;
import org.soundstream.codec.FrameDecoder;
import org.soundstream.codec.ModelMetadata;

/**
 * The receiving half of a call: datagrams of one frame each, as they come, to steady audio. One
 * thread may deliver while another one plays; nothing is allocated per frame.
 */
public final class Receiver {
  private static final int CAPACITY_FRAMES = 64;

  private final JitterBuffer buffer;
  private final ConcealingDecoder decoder;
  private final ModelMetadata metadata;
  private final PacketCoder coder;
  private final Packet packet;
  private final byte[] datagram;
  private final int[] codes;
  private final FrameTimes times = new FrameTimes(500);
  private volatile long numPlayed;
  private volatile long numConcealed;

  /** Holds back {@code delayFrames} frames at least, and more where the network needs it. */
  public Receiver(FrameDecoder decoder, ModelMetadata metadata, int delayFrames) {
    int maxBytes = Sender.maxDatagramBytes(metadata);
    this.metadata = metadata;
    this.decoder = new ConcealingDecoder(decoder, metadata);
    buffer = new JitterBuffer(delayFrames, CAPACITY_FRAMES, maxBytes);
    coder = new PacketCoder(metadata.bitsPerCode(), 1, null);
    packet = new Packet(maxBytes);
    datagram = new byte[maxBytes];
    codes = new int[metadata.numQuantizers];
  }

  /** Takes in a datagram; what is too long to be one is dropped. */
  public void deliver(int number, byte[] data, int length) {
    if (length <= datagram.length) {
      buffer.put(number, data, length);
    }
  }

  /** Gives the next hop of audio. */
  public void play(float[] samples) {
    int length = buffer.take(datagram);
    if (length == JitterBuffer.FILLING) {
      Arrays.fill(samples, 0f);
      return;
    }
    long start = System.nanoTime();
    numPlayed++;
    if (length == JitterBuffer.MISSING || !decode(length, samples)) {
      numConcealed++;
      decoder.conceal(samples);
    }
    times.add(System.nanoTime() - start);
  }

  /** Time per frame. */
  public FrameTimes times() {
    return times;
  }

  /** Frames since the start, concealed ones included. */
  public long numPlayed() {
    return numPlayed;
  }

  /** Frames that did not come, came too late, or were damaged. */
  public long numConcealed() {
    return numConcealed;
  }

  /** Frames held back for the sake of late packets. */
  public int delayFrames() {
    return buffer.delayFrames();
  }

  private boolean decode(int length, float[] samples) {
    try {
      packet.read(datagram, 0, length);
      if (packet.numFrames() != 1 || packet.numLevels() > metadata.numQuantizers) {
        return false;
      }
      coder.decode(packet, codes);
    } catch (BitstreamException damaged) {
      return false;
    }
    for (int level = 0; level < packet.numLevels(); level++) {
      if (codes[level] >= metadata.codebookSize) {
        return false;
      }
    }
    decoder.decode(codes, packet.numLevels(), samples);
    return true;
  }
}
