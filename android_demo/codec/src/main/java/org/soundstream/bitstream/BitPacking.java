package org.soundstream.bitstream;

/**
 * Codes to bytes and back at a fixed number of bits per code.
 *
 * <p>Bits are written most significant first, codes one after the other, and the last byte is
 * filled up with zero bits. Nothing is allocated.
 */
public final class BitPacking {
  public static final int MAX_BITS_PER_CODE = 16;

  private BitPacking() {}

  /** Bytes that {@code numCodes} codes take. */
  public static int packedSize(int numCodes, int bitsPerCode) {
    return (numCodes * bitsPerCode + 7) / 8;
  }

  /**
   * Packs {@code codes[0..numCodes)} into {@code out} from {@code offset} on.
   *
   * @return the bytes written
   * @throws IllegalArgumentException a code does not fit in {@code bitsPerCode} bits
   */
  public static int pack(int[] codes, int numCodes, int bitsPerCode, byte[] out, int offset) {
    checkWidth(bitsPerCode);
    int held = 0; // bits not yet written, the last heldBits of it
    int heldBits = 0;
    int position = offset;
    for (int i = 0; i < numCodes; i++) {
      int code = codes[i];
      if (code >>> bitsPerCode != 0) {
        throw new IllegalArgumentException(
            "code " + code + " at " + i + ", " + bitsPerCode + " bits hold 0.."
                + ((1 << bitsPerCode) - 1));
      }
      held = held << bitsPerCode | code;
      heldBits += bitsPerCode;
      while (heldBits >= 8) {
        heldBits -= 8;
        out[position++] = (byte) (held >>> heldBits);
      }
    }
    if (heldBits > 0) {
      out[position++] = (byte) (held << (8 - heldBits));
    }
    return position - offset;
  }

  /** Reads {@code numCodes} codes from {@code data}; values of fill bits are ignored. */
  public static void unpack(byte[] data, int offset, int numCodes, int bitsPerCode, int[] codes) {
    checkWidth(bitsPerCode);
    int mask = (1 << bitsPerCode) - 1;
    int held = 0;
    int heldBits = 0;
    int position = offset;
    for (int i = 0; i < numCodes; i++) {
      while (heldBits < bitsPerCode) {
        held = held << 8 | data[position++] & 0xFF;
        heldBits += 8;
      }
      heldBits -= bitsPerCode;
      codes[i] = held >>> heldBits & mask;
    }
  }

  private static void checkWidth(int bitsPerCode) {
    if (bitsPerCode < 1 || bitsPerCode > MAX_BITS_PER_CODE) {
      throw new IllegalArgumentException(
          "bitsPerCode must be 1.." + MAX_BITS_PER_CODE + ", got " + bitsPerCode);
    }
  }
}
