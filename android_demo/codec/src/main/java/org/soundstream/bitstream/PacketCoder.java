package org.soundstream.bitstream;

/** Codes to packets and back, for one model. For one thread. */
public final class PacketCoder {
  private final int bitsPerCode;
  private final int numChannels;
  private final EntropyTables tables;
  private byte[] packed = new byte[256];

  /**
   * Prepares a coder.
   *
   * @param bitsPerCode width of a packed code, 1..16
   * @param numChannels independent streams whose codes share a packet
   * @param tables for entropy coding; null packs all codes
   */
  public PacketCoder(int bitsPerCode, int numChannels, EntropyTables tables) {
    this.bitsPerCode = bitsPerCode;
    this.numChannels = numChannels;
    this.tables = tables;
  }

  /**
   * Makes {@code packet} hold integer codes [frames, channels, levels], entropy-coded if shorter.
   *
   * @throws BitstreamException a packet cannot hold so much
   * @throws IllegalArgumentException a code does not fit
   */
  public void encode(int[] codes, int numFrames, int numLevels, boolean denoise, Packet packet)
      throws BitstreamException {
    int numCodes = numFrames * numChannels * numLevels;
    int size = BitPacking.packedSize(numCodes, bitsPerCode);
    if (packed.length < size) {
      packed = new byte[size];
    }
    BitPacking.pack(codes, numCodes, bitsPerCode, packed, 0);
    Packet.Kind kind = Packet.Kind.PACKED;
    byte[] payload = packed;
    if (tables != null) {
      int codedSize = tables.encode(codes, numFrames, numChannels, numLevels);
      if (codedSize < size) {
        kind = Packet.Kind.ENTROPY_CODED;
        payload = tables.bytes();
        size = codedSize;
      }
    }
    packet.set(kind, numFrames, numLevels, denoise, payload, 0, size);
  }

  /** Codes that {@link #decode} will write. */
  public int numCodes(Packet packet) {
    return packet.numFrames() * numChannels * packet.numLevels();
  }

  /**
   * Reads the codes [frames, channels, levels] of a packet that holds codes.
   *
   * @throws BitstreamException the payload is damaged, or entropy-coded and there are no tables
   */
  public void decode(Packet packet, int[] codes) throws BitstreamException {
    int numCodes = numCodes(packet);
    if (packet.kind() == Packet.Kind.PACKED) {
      int size = BitPacking.packedSize(numCodes, bitsPerCode);
      if (packet.payloadBytes() != size) {
        throw new BitstreamException(numCodes + " codes of " + bitsPerCode + " bits take " + size
            + " bytes, got " + packet.payloadBytes());
      }
      BitPacking.unpack(packet.payload(), 0, numCodes, bitsPerCode, codes);
    } else if (packet.kind() == Packet.Kind.ENTROPY_CODED && tables != null) {
      tables.decode(packet.payload(), packet.payloadBytes(), packet.numFrames(), numChannels,
          packet.numLevels(), codes);
    } else {
      throw new BitstreamException(
          "a packet of kind " + packet.kind() + " cannot be read as codes");
    }
  }

  /** Payload bytes of such a packet: exactly if PACKED or END, at most for the others. */
  int payloadBytes(Packet.Kind kind, int numFrames, int numLevels) {
    switch (kind) {
      case END:
        return Packet.END_BYTES;
      case SILENCE:
        return Packet.COMFORT_NOISE_BYTES * numChannels;
      default: // an entropy-coded payload that saves nothing is sent packed
        return BitPacking.packedSize(numFrames * numChannels * numLevels, bitsPerCode);
    }
  }
}
