package org.soundstream.bitstream;

/**
 * A few consecutive frames of all channels, in bytes that say themselves how they are to be read.
 *
 * <pre>
 * byte 0   bit 7: denoised by the encoder; bits 6..0: number of levels, 0..127
 * byte 1   bits 7..6: kind; bits 5..0: number of frames - 1
 * then     the payload: codes [frames, channels, levels], frame by frame
 * </pre>
 *
 * <p>These bytes are also the payload for RTP or any datagram. An object is meant to be used again
 * and again, so that a live stream allocates nothing per frame.
 */
public final class Packet {
  /** What a payload is. */
  public enum Kind {
    /** Codes at a fixed number of bits each. */
    PACKED,
    /** Codes from the range coder. */
    ENTROPY_CODED,
    /** No codes: nothing, or eight bytes per channel that describe the background noise. */
    SILENCE,
    /** Last packet of a file: its payload is the number of samples per channel. */
    END;

    private static final Kind[] ALL = values();

    static Kind of(int number) {
      return ALL[number];
    }

    boolean holdsCodes() {
      return this == PACKED || this == ENTROPY_CODED;
    }

    /** Whether a file states the payload's size; that of the others follows from the header. */
    boolean isSized() {
      return this == ENTROPY_CODED || this == SILENCE;
    }
  }

  public static final int HEADER_BYTES = 2;
  public static final int MAX_FRAMES = 64;
  public static final int MAX_LEVELS = 127;
  public static final int MAX_PAYLOAD_BYTES = 16_384;
  public static final int COMFORT_NOISE_BYTES = 8;
  static final int END_BYTES = 8;

  private Kind kind = Kind.SILENCE;
  private int numFrames = 1;
  private int numLevels;
  private boolean denoise;
  private byte[] payload;
  private int payloadBytes;

  /** An empty packet; a payload above {@code capacity} makes it allocate memory. */
  public Packet(int capacity) {
    payload = new byte[capacity];
  }

  public Kind kind() {
    return kind;
  }

  /** 1..64. */
  public int numFrames() {
    return numFrames;
  }

  /** Quantizers of each frame, 1..127 for the kinds that hold codes, else 0. */
  public int numLevels() {
    return numLevels;
  }

  /** Whether the encoder was told to remove noise. */
  public boolean denoise() {
    return denoise;
  }

  /** The payload; the first {@link #payloadBytes} bytes are valid until the packet is set again. */
  public byte[] payload() {
    return payload;
  }

  public int payloadBytes() {
    return payloadBytes;
  }

  /** Header and payload. */
  public int size() {
    return HEADER_BYTES + payloadBytes;
  }

  /**
   * Becomes a packet with a copy of the given payload.
   *
   * @throws BitstreamException it breaks a rule above
   */
  public void set(Kind kind, int numFrames, int numLevels, boolean denoise, byte[] data, int offset,
      int length) throws BitstreamException {
    if (kind.holdsCodes() && (numLevels < 1 || numLevels > MAX_LEVELS)) {
      throw new BitstreamException("a packet has 1.." + MAX_LEVELS + " levels, got " + numLevels);
    }
    if (!kind.holdsCodes() && numLevels != 0) {
      throw new BitstreamException("a " + kind + " packet has no levels, got " + numLevels);
    }
    if (numFrames < 1 || numFrames > MAX_FRAMES) {
      throw new BitstreamException("a packet has 1.." + MAX_FRAMES + " frames, got " + numFrames);
    }
    if (length > MAX_PAYLOAD_BYTES) {
      throw new BitstreamException(
          "a payload has at most " + MAX_PAYLOAD_BYTES + " bytes, got " + length);
    }
    this.kind = kind;
    this.numFrames = numFrames;
    this.numLevels = numLevels;
    this.denoise = denoise;
    if (payload.length < length) {
      payload = new byte[length];
    }
    System.arraycopy(data, offset, payload, 0, length);
    payloadBytes = length;
  }

  /**
   * Reads the packet in {@code data[offset..offset + length)}, a whole datagram.
   *
   * @throws BitstreamException it is too short or breaks a rule above
   */
  public void read(byte[] data, int offset, int length) throws BitstreamException {
    if (length < HEADER_BYTES) {
      throw new BitstreamException(
          "a packet has " + HEADER_BYTES + " bytes or more, got " + length);
    }
    int first = data[offset];
    int second = data[offset + 1];
    set(Kind.of(second >> 6 & 3), (second & 63) + 1, first & 127, first < 0, data,
        offset + HEADER_BYTES, length - HEADER_BYTES);
  }

  /** Writes header and payload; returns {@link #size}. */
  public int write(byte[] out, int offset) {
    writeHeader(out, offset);
    System.arraycopy(payload, 0, out, offset + HEADER_BYTES, payloadBytes);
    return size();
  }

  void writeHeader(byte[] out, int offset) {
    out[offset] = (byte) ((denoise ? 128 : 0) | numLevels);
    out[offset + 1] = (byte) (kind.ordinal() << 6 | numFrames - 1);
  }
}
