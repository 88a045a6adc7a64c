package org.soundstream.bitstream;

/** CRC-16/IBM-3740: polynomial 0x1021, start 0xFFFF, not reflected. */
final class Crc16 {
  private static final char[] TABLE = new char[256];

  static {
    for (int i = 0; i < TABLE.length; i++) {
      int crc = i << 8;
      for (int bit = 0; bit < 8; bit++) {
        crc = crc << 1 ^ ((crc & 0x8000) == 0 ? 0 : 0x1021);
      }
      TABLE[i] = (char) crc;
    }
  }

  private Crc16() {}

  static int of(byte[] data, int offset, int length) {
    int crc = 0xFFFF;
    for (int i = offset; i < offset + length; i++) {
      crc = crc << 8 & 0xFFFF ^ TABLE[crc >>> 8 ^ data[i] & 0xFF];
    }
    return crc;
  }
}
