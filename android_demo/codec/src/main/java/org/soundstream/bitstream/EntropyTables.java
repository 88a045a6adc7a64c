package org.soundstream.bitstream;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * Static tables for entropy coding: how likely each code is, given the codes around it.
 *
 * <p>Integers alone, shipped with a model, so every machine writes and reads the same bytes. No
 * packet needs another one: its first frame is coded without a past. For one thread.
 */
public final class EntropyTables {
  private static final int MAGIC = 0x53534554; // "SSET"
  private static final int VERSION = 1;

  /** The tables of one level. */
  private static final class Level {
    final byte[] pastContext; // after each code of the frame before, same level and channel
    final byte[] depthContext; // under each code of the level above, same frame and channel
    final int numDepth;
    final char[] cumulative; // [past, depth, codebook + 1]

    Level(ByteBuffer data, int codebookSize) throws BitstreamException {
      int numPast = data.get() & 0xFF;
      numDepth = data.get() & 0xFF;
      pastContext = contexts(data, codebookSize, numPast);
      depthContext = contexts(data, codebookSize, numDepth);
      if ((long) numPast * numDepth * codebookSize > data.remaining() / 2) {
        throw new BufferUnderflowException();
      }
      cumulative = new char[numPast * numDepth * (codebookSize + 1)];
      for (int at = 0; at < cumulative.length; at++) {
        int sum = 0;
        for (int code = 0; code < codebookSize; code++, at++) {
          int frequency = data.getChar();
          sum = frequency == 0 ? RangeEncoder.TOTAL + 1 : sum + frequency; // each is 1 or more
          cumulative[at + 1] = (char) sum;
        }
        if (sum != RangeEncoder.TOTAL) {
          throw new BitstreamException(
              "a row of the entropy tables does not sum to " + RangeEncoder.TOTAL);
        }
      }
    }

    private static byte[] contexts(ByteBuffer data, int codebookSize, int number)
        throws BitstreamException {
      byte[] contexts = new byte[codebookSize];
      data.get(contexts);
      for (byte context : contexts) {
        if ((context & 0xFF) >= number) {
          throw new BitstreamException("entropy tables name a context that they do not have");
        }
      }
      return contexts;
    }
  }

  private final Level[] levels;
  private final int codebookSize;
  private final int id;
  private final RangeEncoder encoder = new RangeEncoder();
  private final RangeDecoder decoder = new RangeDecoder();

  /**
   * Reads tables from their file's bytes.
   *
   * @throws BitstreamException they are no entropy tables, or damaged
   */
  public EntropyTables(byte[] file) throws BitstreamException {
    ByteBuffer data = ByteBuffer.wrap(file);
    try {
      if (data.getInt() != MAGIC) {
        throw new BitstreamException("not a file of entropy tables");
      }
      int version = data.get() & 0xFF;
      if (version > VERSION) {
        throw new BitstreamException("entropy tables of a newer version, " + version);
      }
      int numLevels = data.get() & 0xFF;
      codebookSize = data.getInt();
      if (numLevels < 1 || numLevels > Packet.MAX_LEVELS || codebookSize < 2
          || codebookSize > RangeEncoder.TOTAL) {
        throw new BitstreamException(
            "entropy tables of " + numLevels + " levels of " + codebookSize + " codes");
      }
      levels = new Level[numLevels];
      for (int level = 0; level < numLevels; level++) {
        levels[level] = new Level(data, codebookSize);
      }
    } catch (BufferUnderflowException error) {
      throw new BitstreamException("entropy tables are cut short");
    }
    if (data.hasRemaining()) {
      throw new BitstreamException(data.remaining() + " bytes follow the entropy tables");
    }
    CRC32 crc = new CRC32();
    crc.update(file);
    id = (int) crc.getValue();
  }

  /** Names these tables in a file's header: the CRC-32 of their bytes. */
  public int id() {
    return id;
  }

  /**
   * Codes [frames, channels, levels] to bytes, which {@link #bytes} then holds.
   *
   * @return how many there are
   * @throws IllegalArgumentException a code or the number of levels is beyond the tables
   */
  int encode(int[] codes, int numFrames, int numChannels, int numLevels) {
    begin();
    append(codes, 0, numFrames, numChannels, numLevels);
    return finish();
  }

  /** Begins to encode; {@link #append} and {@link #appendUniform} go on, {@link #finish} ends. */
  void begin() {
    encoder.reset();
  }

  /**
   * Encodes codes [frames, channels, levels] from {@code offset} on.
   *
   * @throws IllegalArgumentException a code or the number of levels is beyond the tables
   */
  void append(int[] codes, int offset, int numFrames, int numChannels, int numLevels) {
    if (numLevels > levels.length) {
      throw new IllegalArgumentException(
          numLevels + " levels, entropy tables have " + levels.length);
    }
    int frameCodes = numChannels * numLevels;
    for (int i = 0; i < numFrames * frameCodes; i++) {
      int code = codes[offset + i];
      if (code < 0 || code >= codebookSize) {
        throw new IllegalArgumentException("code " + code + ", entropy tables have 0.."
            + (codebookSize - 1));
      }
      int level = i % numLevels;
      int first = row(codes, offset, i, level, frameCodes) + code;
      char[] cumulative = levels[level].cumulative;
      encoder.encode(cumulative[first], cumulative[first + 1] - cumulative[first]);
    }
  }

  /** Encodes so many codes of {@code bits} bits that are all equally likely. */
  void appendUniform(int[] codes, int offset, int count, int bits) {
    int width = RangeEncoder.TOTAL >>> bits;
    for (int i = offset; i < offset + count; i++) {
      encoder.encode(codes[i] * width, width);
    }
  }

  /** Ends; returns how many bytes there are in all. */
  int finish() {
    return encoder.finish();
  }

  /** What the last {@link #encode} wrote. */
  byte[] bytes() {
    return encoder.bytes();
  }

  /**
   * Bytes to codes [frames, channels, levels].
   *
   * @throws BitstreamException the bytes are damaged, or there are more levels than tables
   */
  void decode(byte[] data, int length, int numFrames, int numChannels, int numLevels, int[] codes)
      throws BitstreamException {
    begin(data, 0, length);
    read(codes, 0, numFrames, numChannels, numLevels);
  }

  /** Begins to decode; {@link #read} and {@link #readUniform} go on. */
  void begin(byte[] data, int offset, int length) {
    decoder.reset(data, offset, length);
  }

  /**
   * Decodes codes [frames, channels, levels], to be written from {@code offset} on.
   *
   * @throws BitstreamException the bytes are damaged, or there are more levels than tables
   */
  void read(int[] codes, int offset, int numFrames, int numChannels, int numLevels)
      throws BitstreamException {
    if (numLevels > levels.length) {
      throw new BitstreamException(numLevels + " levels, entropy tables have " + levels.length);
    }
    int frameCodes = numChannels * numLevels;
    for (int i = 0; i < numFrames * frameCodes; i++) {
      int level = i % numLevels;
      int first = row(codes, offset, i, level, frameCodes);
      codes[offset + i] = decoder.decode(levels[level].cumulative, first, codebookSize);
    }
  }

  /** Decodes so many codes that were all equally likely. */
  void readUniform(int[] codes, int offset, int count, int bits) throws BitstreamException {
    for (int i = offset; i < offset + count; i++) {
      codes[i] = decoder.decodeUniform(bits);
    }
  }

  /** Where the row for code {@code i} from {@code offset} starts; it depends on those before. */
  private int row(int[] codes, int offset, int i, int level, int frameCodes) {
    Level table = levels[level];
    int at = offset + i;
    int past = i < frameCodes ? 0 : table.pastContext[codes[at - frameCodes]] & 0xFF;
    int depth = level == 0 ? 0 : table.depthContext[codes[at - 1]] & 0xFF;
    return (past * table.numDepth + depth) * (codebookSize + 1);
  }
}
