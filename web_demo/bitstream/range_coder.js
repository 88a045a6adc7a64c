import {BitstreamError} from './bitstream_error.js';

export const PRECISION_BITS = 15;
export const TOTAL = 1 << PRECISION_BITS;
const TOP = 2 ** 32;
const BOTTOM = 2 ** 24;

/** Symbols of known intervals [start, start + width) of [0, 2^15) to the fewest bytes. */
export class RangeEncoder {
  #low = 0; // its last 32 bits; those before are in #bytes
  #size = TOP - 1;
  #bytes = [];

  encode(start, width) {
    const step = Math.floor(this.#size / TOTAL);
    this.#low += step * start;
    this.#carry();
    this.#size = step * width;
    while (this.#size < BOTTOM) {
      this.#shiftOut();
      this.#size *= 256;
    }
  }

  /** The bytes: as few as still name the interval, for a reader takes what is missing for zeros. */
  finish() {
    // Any number in the interval will do. As its size is 2^24 or more, one ends in 24 zero bits.
    this.#low = Math.ceil(this.#low / BOTTOM) * BOTTOM;
    this.#carry();
    this.#shiftOut();
    let length = this.#bytes.length;
    while (length > 0 && this.#bytes[length - 1] === 0) length--;
    return Uint8Array.from(this.#bytes.slice(0, length));
  }

  #shiftOut() {
    this.#bytes.push(Math.floor(this.#low / BOTTOM));
    this.#low = (this.#low % BOTTOM) * 256;
  }

  /** A carry runs into the bytes that are already out. */
  #carry() {
    if (this.#low < TOP) return;
    this.#low -= TOP;
    let position = this.#bytes.length - 1;
    while (this.#bytes[position] === 255) this.#bytes[position--] = 0;
    this.#bytes[position]++;
  }
}

/** Reads symbols back, one at a time, so that each may choose the table of the next. */
export class RangeDecoder {
  #bytes;
  #position = 0;
  #code = 0;
  #size = TOP - 1;

  constructor(bytes) {
    this.#bytes = bytes;
    for (let i = 0; i < 4; i++) this.#shiftIn();
  }

  /**
   * The next symbol, as the index of its interval in a table.
   *
   * @param {Uint16Array} cumulative many tables, one behind the other
   * @param {number} first cumulative[first] is 0: there the table to use starts
   * @param {number} last cumulative[last] is 2^15: there it ends
   */
  decode(cumulative, first, last) {
    const step = Math.floor(this.#size / TOTAL);
    const value = Math.floor(this.#code / step);
    if (value >= TOTAL) throw new BitstreamError('entropy-coded data is damaged');
    let low = first;
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (cumulative[middle] <= value) low = middle;
      else high = middle;
    }
    this.#code -= step * cumulative[low];
    this.#size = step * (cumulative[low + 1] - cumulative[low]);
    while (this.#size < BOTTOM) {
      this.#shiftIn();
      this.#size *= 256;
    }
    return low;
  }

  #shiftIn() {
    this.#code = this.#code * 256 + (this.#bytes[this.#position++] ?? 0);
  }
}
