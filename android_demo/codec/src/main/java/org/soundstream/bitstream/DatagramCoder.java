package org.soundstream.bitstream;

/**
 * Datagrams to bytes and back, for one model. For one thread; nothing is allocated per packet.
 *
 * <p>Without sums the bytes are those of a packet. With sums:
 *
 * <pre>
 * byte 0   as in a packet
 * byte 1   as in a packet, its kind 2 for packed codes, 3 for entropy-coded ones
 * then     a byte for each sum: bit 7 another follows; 6..4 which packets; 3..0 levels - 1
 * then     the sums' codes, and the packet's own, in one run of bits or of the range coder
 * </pre>
 */
public final class DatagramCoder {
  private static final int MORE = 128;
  private static final int WITH_SUMS = 128; // in byte 1: kinds 2 and 3 have no levels otherwise

  private final int bitsPerCode;
  private final int numChannels;
  private final EntropyTables tables;
  private final PacketCoder packets;
  private final Packet packet = new Packet(256);
  private byte[] payload = new byte[256];

  /**
   * Prepares a coder.
   *
   * @param bitsPerCode width of a packed code, 1..16
   * @param numChannels independent streams whose codes share a packet
   * @param tables for entropy coding; null packs all codes
   */
  public DatagramCoder(int bitsPerCode, int numChannels, EntropyTables tables) {
    this.bitsPerCode = bitsPerCode;
    this.numChannels = numChannels;
    this.tables = tables;
    packets = new PacketCoder(bitsPerCode, numChannels, tables);
  }

  /** Bytes of the largest datagram of one frame. */
  public static int maxBytes(int bitsPerCode, int numChannels, int numLevels) {
    int levels = numLevels + Datagram.MAX_SUMS * Datagram.MAX_SUM_LEVELS;
    return Packet.HEADER_BYTES + Datagram.MAX_SUMS
        + BitPacking.packedSize(numChannels * levels, bitsPerCode);
  }

  /**
   * Writes {@code datagram}, entropy-coded if that is shorter; returns its bytes.
   *
   * @throws BitstreamException a packet cannot hold so much
   * @throws IllegalArgumentException a code does not fit
   */
  public int encode(Datagram datagram, byte[] out) throws BitstreamException {
    int numFrames = datagram.numFrames();
    if (datagram.numSums() == 0) {
      packets.encode(datagram.codes(), numFrames, datagram.numLevels(), datagram.denoise(), packet);
      return packet.write(out, 0);
    }
    int numSums = datagram.numSums();
    int size = BitPacking.packedSize(datagram.numCodes(), bitsPerCode);
    if (payload.length < numSums + size) {
      payload = new byte[numSums + size];
    }
    for (int i = 0; i < numSums; i++) {
      payload[i] = (byte) ((i + 1 < numSums ? MORE : 0) | datagram.row(i) << 4
          | datagram.sumLevels(i) - 1);
    }
    BitPacking.pack(datagram.codes(), datagram.numCodes(), bitsPerCode, payload, numSums);
    Packet.Kind kind = Packet.Kind.PACKED;
    if (tables != null) {
      int codedSize = entropyCode(datagram);
      if (codedSize < size) {
        kind = Packet.Kind.ENTROPY_CODED;
        size = codedSize;
        System.arraycopy(tables.bytes(), 0, payload, numSums, size);
      }
    }
    packet.set(kind, numFrames, datagram.numLevels(), datagram.denoise(), payload, 0,
        numSums + size);
    packet.write(out, 0);
    out[1] |= (byte) WITH_SUMS;
    return packet.size();
  }

  /**
   * Reads the datagram in {@code data[0..length)}, one that holds codes.
   *
   * @throws BitstreamException it is damaged, needs tables that are not there, or is a pause
   */
  public void decode(byte[] data, int length, Datagram datagram) throws BitstreamException {
    if (length < Packet.HEADER_BYTES || (data[0] & 127) == 0 || (data[1] & WITH_SUMS) == 0) {
      packet.read(data, 0, length);
      datagram.set(packet.numFrames(), packet.numLevels(), packet.denoise());
      packets.decode(packet, datagram.codes());
      return;
    }
    datagram.set((data[1] & 63) + 1, data[0] & 127, data[0] < 0);
    int at = Packet.HEADER_BYTES;
    int head;
    do {
      if (at == length || datagram.numSums() == Datagram.MAX_SUMS) {
        throw new BitstreamException("more than " + Datagram.MAX_SUMS
            + " sums, or cut within what says which");
      }
      head = data[at++];
      datagram.addSum(head >> 4 & 7, (head & 15) + 1);
    } while ((head & MORE) != 0);
    int numCodes = datagram.numCodes();
    int size = BitPacking.packedSize(numCodes, bitsPerCode);
    if (length - Packet.HEADER_BYTES > Packet.MAX_PAYLOAD_BYTES) {
      throw new BitstreamException("a payload has at most " + Packet.MAX_PAYLOAD_BYTES
          + " bytes, got " + (length - Packet.HEADER_BYTES));
    }
    if ((data[1] & 64) != 0) {
      if (tables == null) {
        throw new BitstreamException("a datagram is entropy-coded, and there are no tables");
      }
      if (length - at >= size) {
        throw new BitstreamException(
            (length - at) + " bytes are entropy-coded, packed they were " + size);
      }
      entropyDecode(data, at, length - at, datagram);
    } else if (length - at != size) {
      throw new BitstreamException(numCodes + " codes of " + bitsPerCode + " bits take " + size
          + " bytes, got " + (length - at));
    } else {
      BitPacking.unpack(data, at, numCodes, bitsPerCode, datagram.codes());
    }
  }

  private int entropyCode(Datagram datagram) {
    int frames = datagram.numFrames();
    tables.begin();
    for (int sum = 0; sum < datagram.numSums(); sum++) {
      int offset = datagram.sumOffset(sum);
      int levels = datagram.sumLevels(sum);
      if (datagram.distances(sum).length == 1) {
        tables.append(datagram.codes(), offset, frames, numChannels, levels);
      } else { // as good as random, whatever the codes are
        tables.appendUniform(datagram.codes(), offset, frames * numChannels * levels, bitsPerCode);
      }
    }
    tables.append(datagram.codes(), datagram.ownOffset(), frames, numChannels,
        datagram.numLevels());
    return tables.finish();
  }

  private void entropyDecode(byte[] data, int from, int length, Datagram datagram)
      throws BitstreamException {
    int frames = datagram.numFrames();
    tables.begin(data, from, length);
    for (int sum = 0; sum < datagram.numSums(); sum++) {
      int offset = datagram.sumOffset(sum);
      int levels = datagram.sumLevels(sum);
      if (datagram.distances(sum).length == 1) {
        tables.read(datagram.codes(), offset, frames, numChannels, levels);
      } else {
        tables.readUniform(datagram.codes(), offset, frames * numChannels * levels, bitsPerCode);
      }
    }
    tables.read(datagram.codes(), datagram.ownOffset(), frames, numChannels, datagram.numLevels());
  }
}
