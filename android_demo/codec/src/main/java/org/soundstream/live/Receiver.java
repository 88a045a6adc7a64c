package org.soundstream.live;

import java.util.Arrays;
import org.soundstream.bitstream.BitstreamException;
import org.soundstream.bitstream.Datagram;
import org.soundstream.bitstream.DatagramCoder;
import org.soundstream.codec.ConcealingDecoder;
import org.soundstream.codec.FrameDecoder;
import org.soundstream.codec.ModelMetadata;

/**
 * The receiving half of a call: datagrams of one frame each, as they come, to steady audio. What is
 * lost is rebuilt from what others tell of it, or concealed; datagrams that tell of others are held
 * back for so long. One thread may deliver while another one plays; nothing is allocated per frame.
 */
public final class Receiver {
  private static final int CAPACITY_FRAMES = 64;

  private final JitterBuffer buffer;
  private final ConcealingDecoder decoder;
  private final ModelMetadata metadata;
  private final DatagramCoder coder;
  private final Datagram datagram = new Datagram(1); // the thread's that delivers
  private final Repair repair; // its lock is held while it is used
  private final int maxBytes;
  private final byte[] taken;
  private final int[] codes;
  private final FrameTimes times = new FrameTimes(500);
  private volatile long numPlayed;
  private volatile long numConcealed;
  private volatile long numRebuilt;

  /** Holds back {@code delayFrames} frames at least, and more where the network needs it. */
  public Receiver(FrameDecoder decoder, ModelMetadata metadata, int delayFrames) {
    maxBytes = Sender.maxDatagramBytes(metadata);
    this.metadata = metadata;
    this.decoder = new ConcealingDecoder(decoder, metadata);
    buffer = new JitterBuffer(delayFrames, CAPACITY_FRAMES, maxBytes);
    coder = new DatagramCoder(metadata.bitsPerCode(), 1, null);
    repair = new Repair(metadata.numQuantizers);
    taken = new byte[maxBytes];
    codes = new int[metadata.numQuantizers];
  }

  /**
   * Takes in a datagram; what is too long to be one is dropped, what cannot be read counts as lost.
   * That its bytes are right is the transport's business: UDP drops what was damaged.
   */
  public void deliver(int number, byte[] data, int length) {
    if (length > maxBytes) {
      return;
    }
    if (read(data, length)) {
      buffer.holdBack(datagram.farthest() + 1);
      synchronized (repair) {
        repair.add(number, datagram);
      }
    }
    buffer.put(number, data, length);
  }

  /** Gives the next hop of audio. */
  public void play(float[] samples) {
    int length = buffer.take(taken);
    if (length == JitterBuffer.FILLING) {
      Arrays.fill(samples, 0f);
      return;
    }
    long start = System.nanoTime();
    numPlayed++;
    if (length == JitterBuffer.WAITING || !decode(buffer.lastTaken(), samples)) {
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

  /** Frames of which nothing was known: they did not come, came too late, or were damaged. */
  public long numConcealed() {
    return numConcealed;
  }

  /** Frames that did not come, but were told of by others. */
  public long numRebuilt() {
    return numRebuilt;
  }

  /** Frames held back for the sake of late packets. */
  public int delayFrames() {
    return buffer.delayFrames();
  }

  /** Reads a datagram; false if it is damaged, or none of this model's. */
  private boolean read(byte[] data, int length) {
    try {
      coder.decode(data, length, datagram);
    } catch (BitstreamException damaged) {
      return false;
    }
    boolean fits = datagram.numFrames() == 1 && datagram.numLevels() <= metadata.numQuantizers;
    for (int sum = 0; sum < datagram.numSums(); sum++) {
      fits &= datagram.sumLevels(sum) <= metadata.numQuantizers;
    }
    return fits && fits(datagram.codes(), datagram.ownOffset(), datagram.numLevels());
  }

  /** Decodes what came of a packet, or what others tell of it; false if that is nothing. */
  private boolean decode(int number, float[] samples) {
    int numLevels;
    boolean came;
    synchronized (repair) {
      numLevels = repair.find(number, codes);
      came = repair.came(number);
    }
    if (numLevels == 0 || !fits(codes, 0, numLevels)) {
      return false;
    }
    numRebuilt += came ? 0 : 1;
    decoder.decode(codes, numLevels, samples);
    return true;
  }

  private boolean fits(int[] values, int offset, int count) {
    for (int i = offset; i < offset + count; i++) {
      if (values[i] >= metadata.codebookSize) {
        return false;
      }
    }
    return true;
  }
}
