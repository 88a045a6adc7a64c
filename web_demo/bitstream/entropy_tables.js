import {BitstreamError} from './bitstream_error.js';
import {crc32} from './checksums.js';
import {MAX_LEVELS} from './packing.js';
import {RangeDecoder, RangeEncoder, TOTAL} from './range_coder.js';

const TABLES_MAGIC = 'SSET';
const TABLES_VERSION = 1;

/** How likely each code is, given the codes around it: static tables of integers. */
export class EntropyTables {
  #levels; // {past, depth, numDepth, cumulative} of each

  /** Reads `entropy_tables.bin`; BitstreamError if it is none, or damaged. */
  constructor(bytes) {
    if (bytes.length < 10 || String.fromCharCode(...bytes.subarray(0, 4)) !== TABLES_MAGIC) {
      throw new BitstreamError('not a file of entropy tables');
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes[4] > TABLES_VERSION) {
      throw new BitstreamError(`entropy tables of a newer version, ${bytes[4]}`);
    }
    const numLevels = bytes[5];
    const size = view.getUint32(6);
    if (numLevels < 1 || numLevels > MAX_LEVELS || size < 2 || size > TOTAL) {
      throw new BitstreamError(`entropy tables of ${numLevels} levels of ${size} codes`);
    }
    /** Names these tables in a file's header. */
    this.id = crc32(bytes);
    this.codebookSize = size;
    this.#levels = [];
    let position = 10;
    for (let level = 0; level < numLevels; level++) {
      const numPast = bytes[position] ?? 0;
      const numDepth = bytes[position + 1] ?? 0;
      const numRows = numPast * numDepth;
      if (numRows === 0 || bytes.length < position + 2 + 2 * size + 2 * numRows * size) {
        throw new BitstreamError('entropy tables are cut short');
      }
      const past = bytes.subarray(position + 2, position + 2 + size);
      const depth = bytes.subarray(position + 2 + size, position + 2 + 2 * size);
      if (past.some((c) => c >= numPast) || depth.some((c) => c >= numDepth)) {
        throw new BitstreamError('entropy tables name a context that they do not have');
      }
      position += 2 + 2 * size;
      this.#levels.push({
        past,
        depth,
        numDepth,
        cumulative: cumulativeRows(view, position, numRows, size),
      });
      position += 2 * numRows * size;
    }
    if (position !== bytes.length) {
      throw new BitstreamError(`${bytes.length - position} bytes follow the entropy tables`);
    }
  }

  get numLevels() {
    return this.#levels.length;
  }

  /** Codes [frames, channels, levels] to bytes. */
  encode(codes, numChannels, numLevels) {
    const encoder = new RangeEncoder();
    const stride = numChannels * numLevels;
    codes.forEach((code, index) => {
      const level = index % numLevels;
      const {cumulative} = this.#levels[level];
      const before = index < stride ? null : codes[index - stride];
      const above = level === 0 ? null : codes[index - 1];
      const row = this.#row(level, before, above);
      encoder.encode(cumulative[row + code], cumulative[row + code + 1] - cumulative[row + code]);
    });
    return encoder.finish();
  }

  /** Bytes to codes [frames, channels, levels]; BitstreamError if they are damaged. */
  decode(bytes, numFrames, numChannels, numLevels) {
    if (numLevels > this.#levels.length) {
      throw new BitstreamError(`${numLevels} levels, entropy tables have ${this.#levels.length}`);
    }
    const decoder = new RangeDecoder(bytes);
    const stride = numChannels * numLevels;
    const codes = new Int32Array(numFrames * stride);
    for (let index = 0; index < codes.length; index++) {
      const level = index % numLevels;
      const before = index < stride ? null : codes[index - stride];
      const above = level === 0 ? null : codes[index - 1];
      const row = this.#row(level, before, above);
      const {cumulative} = this.#levels[level];
      codes[index] = decoder.decode(cumulative, row, row + this.codebookSize) - row;
    }
    return codes;
  }

  /** Where the row of a level starts that follows these codes in time and in depth. */
  #row(level, before, above) {
    const {past, depth, numDepth} = this.#levels[level];
    const pastContext = before === null ? 0 : past[before];
    const depthContext = above === null ? 0 : depth[above];
    return (pastContext * numDepth + depthContext) * (this.codebookSize + 1);
  }
}

/** Where each interval starts, and the end, of all rows: Uint16Array [rows, codebook + 1]. */
function cumulativeRows(view, position, numRows, size) {
  const cumulative = new Uint16Array(numRows * (size + 1));
  let at = 0;
  for (let row = 0; row < numRows; row++) {
    let sum = 0;
    for (let code = 0; code < size; code++, position += 2) {
      const frequency = view.getUint16(position);
      cumulative[at++] = sum;
      sum += frequency;
      if (frequency < 1 || sum > TOTAL) break;
    }
    if (sum !== TOTAL || at !== row * (size + 1) + size) {
      throw new BitstreamError(`a row of the entropy tables does not sum to ${TOTAL}`);
    }
    cumulative[at++] = sum;
  }
  return cumulative;
}
