package org.soundstream.bitstream;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32;

/**
 * The header of an .sst file: 44 bytes, big-endian, all integers.
 *
 * <pre>
 * offset  bytes  field
 * 0       4      magic "SST" 0x1A
 * 4       1      format version, 1
 * 5       1      flags: 1 entropy-coded packets, 2 denoised, 4 silence packets; others 0
 * 6       1      channels, 1..255
 * 7       1      bits per packed code, 1..16
 * 8       1      levels the file was asked for, 1..127 (every packet has its own)
 * 9       1      most frames in a packet, 1..64
 * 10      2      hop: coded samples per frame, from 1
 * 12      4      sample rate of the audio in Hz, 1,000..1,000,000
 * 16      4      sample rate the model codes at in Hz, the same range
 * 20      8      samples per channel at the audio's rate; 2^64 - 1: not known when it was written
 * 28      8      model id
 * 36      4      id of the entropy tables; 0 without them
 * 40      4      CRC-32 of bytes 0..39
 * </pre>
 */
public final class Header {
  public static final int BYTES = 44;
  public static final long UNKNOWN_LENGTH = -1;

  private static final int MAGIC = 0x5353541A;
  private static final int VERSION = 1;
  private static final int CHECKED_BYTES = 40;
  private static final int MIN_RATE = 1_000;
  private static final int MAX_RATE = 1_000_000;
  private static final int ENTROPY_CODED = 1;
  private static final int DENOISE = 2;
  private static final int SILENCE = 4;

  /** Of the original audio, Hz. */
  public final int sampleRate;
  /** Of the model, Hz. */
  public final int codedRate;
  /** Coded samples per frame. */
  public final int hop;
  /** Independent mono streams. */
  public final int numChannels;
  /** Quantizers the file was asked for. */
  public final int numLevels;
  /** Width of a packed code. */
  public final int bitsPerCode;
  /** No packet has more frames. */
  public final int framesPerPacket;
  /** Names the model's weights. */
  public final long modelId;
  /** Samples per channel at {@code sampleRate}, or {@link #UNKNOWN_LENGTH}. */
  public final long totalSamples;
  /** Whether such packets may follow. */
  public final boolean entropyCoded;
  /** Whether the encoder removed noise. */
  public final boolean denoise;
  /** Whether SILENCE packets may follow. */
  public final boolean silence;
  /** Names the entropy tables, 0 without them. */
  public final int tablesId;

  private Header(Builder builder) throws BitstreamException {
    sampleRate = checked("sampleRate", builder.sampleRate, MIN_RATE, MAX_RATE);
    codedRate = checked("codedRate", builder.codedRate, MIN_RATE, MAX_RATE);
    hop = checked("hop", builder.hop, 1, 0xFFFF);
    numChannels = checked("numChannels", builder.numChannels, 1, 255);
    numLevels = checked("numLevels", builder.numLevels, 1, Packet.MAX_LEVELS);
    bitsPerCode = checked("bitsPerCode", builder.bitsPerCode, 1, BitPacking.MAX_BITS_PER_CODE);
    framesPerPacket = checked("framesPerPacket", builder.framesPerPacket, 1, Packet.MAX_FRAMES);
    modelId = builder.modelId;
    totalSamples = builder.totalSamples;
    entropyCoded = builder.entropyCoded;
    denoise = builder.denoise;
    silence = builder.silence;
    tablesId = builder.tablesId;
  }

  /** Collects the fields; the rates, hop, levels and bits have no defaults. */
  public static final class Builder {
    private int sampleRate;
    private int codedRate;
    private int hop;
    private int numChannels = 1;
    private int numLevels;
    private int bitsPerCode;
    private int framesPerPacket = 50;
    private long modelId;
    private long totalSamples = UNKNOWN_LENGTH;
    private boolean entropyCoded;
    private boolean denoise;
    private boolean silence;
    private int tablesId;

    /** Rates of the original audio and of the model, Hz. */
    public Builder rates(int sampleRate, int codedRate) {
      this.sampleRate = sampleRate;
      this.codedRate = codedRate;
      return this;
    }

    public Builder hop(int hop) {
      this.hop = hop;
      return this;
    }

    public Builder channels(int numChannels) {
      this.numChannels = numChannels;
      return this;
    }

    public Builder codes(int numLevels, int bitsPerCode) {
      this.numLevels = numLevels;
      this.bitsPerCode = bitsPerCode;
      return this;
    }

    public Builder framesPerPacket(int framesPerPacket) {
      this.framesPerPacket = framesPerPacket;
      return this;
    }

    public Builder modelId(long modelId) {
      this.modelId = modelId;
      return this;
    }

    public Builder totalSamples(long totalSamples) {
      this.totalSamples = totalSamples;
      return this;
    }

    /** Entropy-coded packets may follow, written with these tables. */
    public Builder tables(int tablesId) {
      entropyCoded = true;
      this.tablesId = tablesId;
      return this;
    }

    public Builder denoise(boolean denoise) {
      this.denoise = denoise;
      return this;
    }

    public Builder silence(boolean silence) {
      this.silence = silence;
      return this;
    }

    /** The header; throws where a field is out of range. */
    public Header build() throws BitstreamException {
      return new Header(this);
    }
  }

  /** Bits per second of all channels, as asked for: without headers and entropy coding. */
  public double nominalBps() {
    return (double) numChannels * numLevels * bitsPerCode * codedRate / hop;
  }

  /** Frames per second. */
  public double frameRate() {
    return (double) codedRate / hop;
  }

  /** Whether {@code numFrames} frames are what {@code totalSamples} samples per channel take. */
  public boolean agrees(long totalSamples, long numFrames) {
    if (totalSamples < 0) {
      return false; // unknown, or beyond what any stream holds
    }
    BigInteger divisor = BigInteger.valueOf((long) sampleRate * hop);
    BigInteger coded = BigInteger.valueOf(totalSamples).multiply(BigInteger.valueOf(codedRate));
    BigInteger needed = coded.add(divisor.subtract(BigInteger.ONE)).divide(divisor);
    return needed.equals(BigInteger.valueOf(numFrames));
  }

  /** The 44 bytes. */
  public byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(BYTES);
    out.putInt(MAGIC).put((byte) VERSION);
    out.put((byte) ((entropyCoded ? ENTROPY_CODED : 0) | (denoise ? DENOISE : 0)
        | (silence ? SILENCE : 0)));
    out.put((byte) numChannels).put((byte) bitsPerCode).put((byte) numLevels);
    out.put((byte) framesPerPacket).putShort((short) hop).putInt(sampleRate).putInt(codedRate);
    out.putLong(totalSamples).putLong(modelId).putInt(tablesId);
    out.putInt(crc32(out.array()));
    return out.array();
  }

  /**
   * Reads a header; any one damaged byte is put right by its checksum.
   *
   * @param data 44 bytes, or fewer where the file ends before
   * @throws BitstreamException not an .sst file, damaged, cut, or made by a newer version
   */
  public static Header fromBytes(byte[] data) throws BitstreamException {
    if (data.length == 0) {
      throw new BitstreamException("not an .sst file: it is empty");
    }
    if (data.length >= BYTES) {
      data = corrected(data);
    } else if (startsLikeOne(data)) {
      throw new BitstreamException("cut within its header: " + data.length + " of " + BYTES
          + " bytes");
    }
    if (data.length < BYTES || ByteBuffer.wrap(data).getInt() != MAGIC) {
      throw new BitstreamException("not an .sst file");
    }
    if ((data[4] & 0xFF) > VERSION) {
      throw new BitstreamException("made by a newer version: format " + (data[4] & 0xFF)
          + ", this one reads up to " + VERSION);
    }
    if (crc32(data) != ByteBuffer.wrap(data).getInt(CHECKED_BYTES)) {
      throw new BitstreamException("its header is damaged beyond repair");
    }
    return parse(ByteBuffer.wrap(data));
  }

  private static boolean startsLikeOne(byte[] data) {
    for (int i = 0; i < Math.min(4, data.length); i++) {
      if (data[i] != (byte) (MAGIC >>> 24 - 8 * i)) {
        return false;
      }
    }
    return true;
  }

  private static Header parse(ByteBuffer data) throws BitstreamException {
    int version = data.get(4);
    int flags = data.get(5) & 0xFF;
    if (version != VERSION || (flags & ~(ENTROPY_CODED | DENOISE | SILENCE)) != 0) {
      throw new BitstreamException("its header has version " + version + " and flags " + flags);
    }
    Builder builder = new Builder()
        .channels(data.get(6) & 0xFF)
        .codes(data.get(8) & 0xFF, data.get(7) & 0xFF)
        .framesPerPacket(data.get(9) & 0xFF)
        .hop(data.getChar(10))
        .rates(data.getInt(12), data.getInt(16))
        .totalSamples(data.getLong(20))
        .modelId(data.getLong(28))
        .denoise((flags & DENOISE) != 0)
        .silence((flags & SILENCE) != 0);
    builder.tablesId = data.getInt(36);
    builder.entropyCoded = (flags & ENTROPY_CODED) != 0;
    return builder.build();
  }

  /**
   * The one valid header that differs from {@code data} in at most one byte, if there is one, else
   * {@code data}. CRC-32 tells all single-byte errors of so short a message apart.
   */
  private static byte[] corrected(byte[] data) {
    byte[] header = Arrays.copyOf(data, BYTES);
    ByteBuffer view = ByteBuffer.wrap(header);
    if (crc32(header) == view.getInt(CHECKED_BYTES)) {
      return header;
    }
    for (int position = 0; position < BYTES; position++) {
      for (int flip = 1; flip < 256; flip++) {
        header[position] ^= (byte) flip;
        if (crc32(header) == view.getInt(CHECKED_BYTES)) {
          return header;
        }
        header[position] ^= (byte) flip;
      }
    }
    return header;
  }

  private static int crc32(byte[] data) {
    CRC32 crc = new CRC32();
    crc.update(data, 0, CHECKED_BYTES);
    return (int) crc.getValue();
  }

  private static int checked(String name, int value, int low, int high) throws BitstreamException {
    if (value < low || value > high) {
      throw new BitstreamException(name + " must be " + low + ".." + high + ", got " + value);
    }
    return value;
  }
}
