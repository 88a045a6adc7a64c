package org.soundstream.bitstream;

/** Reads symbols back, one at a time, so that each may choose the table of the next. */
final class RangeDecoder {
  private byte[] data;
  private int position;
  private int end;
  private long code;
  private long size;

  /** Begins with {@code data[offset..offset + length)}; beyond it zeros are read. */
  void reset(byte[] data, int offset, int length) {
    this.data = data;
    position = offset;
    end = offset + length;
    code = 0;
    for (int i = 0; i < 4; i++) {
      code = code << 8 | next();
    }
    size = 0xFFFFFFFFL;
  }

  /**
   * The symbol whose interval comes next.
   *
   * @param cumulative holds many tables, one behind the other: where each symbol's interval starts,
   *     from 0, and at the end 2^15
   * @param first where the table to use starts
   * @param numSymbols of that table
   * @throws BitstreamException no encoder writes such bytes
   */
  int decode(char[] cumulative, int first, int numSymbols) throws BitstreamException {
    int value = value();
    int low = 0; // cumulative[first + low] <= value < cumulative[first + high]
    int high = numSymbols;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (cumulative[first + middle] <= value) {
        low = middle;
      } else {
        high = middle;
      }
    }
    int start = cumulative[first + low];
    take(start, cumulative[first + low + 1] - start);
    return low;
  }

  /**
   * The next of symbols that are all equally likely: a number of so many bits, 1..15.
   *
   * @throws BitstreamException no encoder writes such bytes
   */
  int decodeUniform(int bits) throws BitstreamException {
    int shift = RangeEncoder.PRECISION_BITS - bits;
    int symbol = value() >>> shift;
    take(symbol << shift, 1 << shift);
    return symbol;
  }

  /** In which of 2^15 equal parts of the interval the next symbol lies. */
  private int value() throws BitstreamException {
    long value = code / (size >>> RangeEncoder.PRECISION_BITS);
    if (value >= RangeEncoder.TOTAL) {
      throw new BitstreamException("entropy-coded data is damaged");
    }
    return (int) value;
  }

  /** Narrows the interval to a symbol's parts of it. */
  private void take(int start, int width) {
    long step = size >>> RangeEncoder.PRECISION_BITS;
    code -= step * start;
    size = step * width;
    while (size < RangeEncoder.BOTTOM) {
      code = code << 8 | next();
      size <<= 8;
    }
  }

  private int next() {
    return position < end ? data[position++] & 0xFF : 0;
  }
}
