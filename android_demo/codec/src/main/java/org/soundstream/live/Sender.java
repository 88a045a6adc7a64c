package org.soundstream.live;

import org.soundstream.bitstream.BitstreamException;
import org.soundstream.bitstream.Datagram;
import org.soundstream.bitstream.DatagramCoder;
import org.soundstream.bitstream.Packet;
import org.soundstream.codec.FrameEncoder;
import org.soundstream.codec.ModelMetadata;

/**
 * The sending half of a call: audio frames to datagrams, one each. For one thread; nothing is
 * allocated per frame.
 */
public final class Sender {
  /** Where datagrams go. */
  public interface Network {
    /** Sends {@code datagram[0..length)}, which changes after the call. */
    void send(int number, byte[] datagram, int length);
  }

  /** Also gets the codes, to write them to a file for instance. */
  public interface CodesListener {
    /** The codes of one frame, which change after the call, and whether noise was removed. */
    void onCodes(int[] codes, int numLevels, boolean denoise);
  }

  private static final int METER_FRAMES = 50;

  private final FrameEncoder encoder;
  private final DatagramCoder coder;
  private final Network network;
  private final Datagram datagram = new Datagram(1);
  private final int bitsPerCode;
  private final int[] codes;
  private final int[][] past; // what was sent of the last packets, by their number
  private final int[] pastLevels = new int[Datagram.FARTHEST];
  private final byte[] bytes;
  private final FrameTimes times = new FrameTimes(500);
  private final RateMeter payloadRate;
  private final RateMeter datagramRate;
  private volatile CodesListener listener;
  private volatile boolean denoise;
  private volatile Redundancy redundancy = Redundancy.OFF;
  private int number;

  public Sender(FrameEncoder encoder, ModelMetadata metadata, Network network) {
    this.encoder = encoder;
    this.network = network;
    bitsPerCode = metadata.bitsPerCode();
    coder = new DatagramCoder(bitsPerCode, 1, null);
    codes = new int[metadata.numQuantizers];
    past = new int[Datagram.FARTHEST][metadata.numQuantizers];
    bytes = new byte[maxDatagramBytes(metadata)];
    payloadRate = new RateMeter(metadata.frameRate(), METER_FRAMES);
    datagramRate = new RateMeter(metadata.frameRate(), METER_FRAMES);
  }

  /** Size of the largest datagram that one frame can take. */
  public static int maxDatagramBytes(ModelMetadata metadata) {
    return DatagramCoder.maxBytes(metadata.bitsPerCode(), 1, metadata.numQuantizers);
  }

  /** Null for none. */
  public void setCodesListener(CodesListener listener) {
    this.listener = listener;
  }

  /** What packets say of the encoder's denoising switch. */
  public void setDenoise(boolean denoise) {
    this.denoise = denoise;
  }

  /**
   * How much of each packet protects those before it, from now on. The bitrate stays; where it is
   * too low for that, packets are sent without.
   */
  public void setRedundancy(Redundancy redundancy) {
    this.redundancy = redundancy;
  }

  /** Encodes and sends the next hop of audio. */
  public void send(float[] samples) throws BitstreamException {
    long start = System.nanoTime();
    int numLevels = encoder.encode(samples, codes);
    boolean denoised = denoise;
    fill(numLevels, denoised, redundancy);
    int length = coder.encode(datagram, bytes);
    times.add(System.nanoTime() - start);
    payloadRate.add(length - Packet.HEADER_BYTES);
    datagramRate.add(length);
    CodesListener current = listener;
    if (current != null) {
      current.onCodes(codes, numLevels, denoised);
    }
    network.send(number++, bytes, length);
  }

  /** Shares the bits of {@code numLevels} levels out to the packet and those before it. */
  private void fill(int numLevels, boolean denoised, Redundancy wanted) {
    int own = wanted.ownLevels(numLevels, bitsPerCode);
    Redundancy used = own == 0 ? Redundancy.OFF : wanted;
    datagram.set(1, own == 0 ? numLevels : own, denoised);
    for (int sum = 0; sum < used.numSums(); sum++) {
      addSum(used.row(sum), used.sumLevels(sum, numLevels, bitsPerCode));
    }
    System.arraycopy(codes, 0, datagram.codes(), datagram.ownOffset(), datagram.numLevels());
    int slot = number & Datagram.FARTHEST - 1;
    System.arraycopy(codes, 0, past[slot], 0, datagram.numLevels());
    pastLevels[slot] = datagram.numLevels();
  }

  /** Nothing where a packet of the sum would be before the first one. */
  private void addSum(int row, int wantedLevels) {
    int levels = wantedLevels;
    for (int distance : Datagram.distancesOf(row)) {
      levels = Math.min(levels, pastLevels[number - distance & Datagram.FARTHEST - 1]);
    }
    if (levels == 0) {
      return;
    }
    datagram.addSum(row, levels);
    int offset = datagram.sumOffset(datagram.numSums() - 1);
    for (int level = 0; level < levels; level++) {
      int code = 0;
      for (int distance : Datagram.distancesOf(row)) {
        code ^= past[number - distance & Datagram.FARTHEST - 1][level];
      }
      datagram.codes()[offset + level] = code;
    }
  }

  /** Time per frame. */
  public FrameTimes times() {
    return times;
  }

  /** Bits per second of codes alone. */
  public RateMeter payloadRate() {
    return payloadRate;
  }

  /** Bits per second of whole datagrams. */
  public RateMeter datagramRate() {
    return datagramRate;
  }
}
