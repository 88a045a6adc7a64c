package org.soundstream.live;

import org.soundstream.bitstream.BitstreamException;
import org.soundstream.bitstream.Packet;
import org.soundstream.bitstream.PacketCoder;
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
  private final PacketCoder coder;
  private final Network network;
  private final Packet packet;
  private final int[] codes;
  private final byte[] datagram;
  private final FrameTimes times = new FrameTimes(500);
  private final RateMeter payloadRate;
  private final RateMeter datagramRate;
  private volatile CodesListener listener;
  private volatile boolean denoise;
  private int number;

  public Sender(FrameEncoder encoder, ModelMetadata metadata, Network network) {
    this.encoder = encoder;
    this.network = network;
    coder = new PacketCoder(metadata.bitsPerCode(), 1, null);
    packet = new Packet(maxDatagramBytes(metadata));
    codes = new int[metadata.numQuantizers];
    datagram = new byte[maxDatagramBytes(metadata)];
    payloadRate = new RateMeter(metadata.frameRate(), METER_FRAMES);
    datagramRate = new RateMeter(metadata.frameRate(), METER_FRAMES);
  }

  /** Size of the largest datagram that one frame can take. */
  public static int maxDatagramBytes(ModelMetadata metadata) {
    return Packet.HEADER_BYTES + (metadata.numQuantizers * metadata.bitsPerCode() + 7) / 8;
  }

  /** Null for none. */
  public void setCodesListener(CodesListener listener) {
    this.listener = listener;
  }

  /** What packets say of the encoder's denoising switch. */
  public void setDenoise(boolean denoise) {
    this.denoise = denoise;
  }

  /** Encodes and sends the next hop of audio. */
  public void send(float[] samples) throws BitstreamException {
    long start = System.nanoTime();
    int numLevels = encoder.encode(samples, codes);
    boolean denoised = denoise;
    coder.encode(codes, 1, numLevels, denoised, packet);
    int length = packet.write(datagram, 0);
    times.add(System.nanoTime() - start);
    payloadRate.add(packet.payloadBytes());
    datagramRate.add(length);
    CodesListener current = listener;
    if (current != null) {
      current.onCodes(codes, numLevels, denoised);
    }
    network.send(number++, datagram, length);
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
