import {BitstreamError} from './bitstream_error.js';
import {crc32} from './checksums.js';
import {MAX_FRAMES, PacketCoder} from './packets.js';
import {MAX_BITS_PER_CODE, MAX_LEVELS} from './packing.js';

export const HEADER_BYTES = 44;
export const FORMAT_VERSION = 1;
const HEADER_MAGIC = [0x53, 0x53, 0x54, 0x1a]; // "SST" and control-Z
const UNKNOWN_LENGTH = (1n << 64n) - 1n;
const RANGES = {
  sampleRate: [1_000, 1_000_000],
  codedRate: [1_000, 1_000_000],
  hop: [1, 65_535],
  numChannels: [1, 255],
  numLevels: [1, MAX_LEVELS],
  bitsPerCode: [1, MAX_BITS_PER_CODE],
  framesPerPacket: [1, MAX_FRAMES],
};

/** What a reader must know before the first packet; claims, until packets bear them out. */
export class Header {
  /**
   * @param {object} fields
   * @param {number} fields.sampleRate of the original audio, Hz
   * @param {number} fields.codedRate of the model, Hz
   * @param {number} fields.hop coded samples per frame
   * @param {number} fields.numChannels independent mono streams
   * @param {number} fields.numLevels quantizers the file was asked for
   * @param {number} fields.bitsPerCode width of a packed code
   * @param {string} fields.modelId 16 hexadecimal digits
   * @param {number} fields.framesPerPacket no packet has more frames
   * @param {?bigint} fields.totalSamples per channel at sampleRate; null if not known yet
   * @param {boolean} fields.entropyCoded such packets may follow; so for denoise and silence
   * @param {number} fields.tablesId names the entropy tables, 0 without them
   */
  constructor(fields) {
    const defaults = {
      framesPerPacket: 50,
      totalSamples: null,
      entropyCoded: false,
      denoise: false,
      silence: false,
      tablesId: 0,
    };
    Object.assign(this, defaults, fields);
    for (const [name, [low, high]] of Object.entries(RANGES)) {
      if (!(this[name] >= low && this[name] <= high)) {
        throw new BitstreamError(`${name} must be ${low}..${high}, got ${this[name]}`);
      }
    }
  }

  /** Bits per second of all channels as asked for, without headers and entropy coding. */
  get nominalBps() {
    return (this.numChannels * this.numLevels * this.bitsPerCode * this.codedRate) / this.hop;
  }

  packetCoder(tables = null) {
    return new PacketCoder(this.bitsPerCode, this.numChannels, tables);
  }

  /** Frames that hold so many samples at the audio's rate: bigint to bigint. */
  numFrames(numSamples) {
    const perFrame = BigInt(this.sampleRate) * BigInt(this.hop);
    return (numSamples * BigInt(this.codedRate) + perFrame - 1n) / perFrame;
  }

  /** Samples at the audio's rate that so many frames fill completely. */
  numSamples(numFrames) {
    const coded = BigInt(numFrames) * BigInt(this.hop);
    return Number((coded * BigInt(this.sampleRate)) / BigInt(this.codedRate));
  }

  toBytes() {
    const bytes = new Uint8Array(HEADER_BYTES);
    const view = new DataView(bytes.buffer);
    bytes.set(HEADER_MAGIC);
    bytes[4] = FORMAT_VERSION;
    bytes[5] =
      Number(this.entropyCoded) | (Number(this.denoise) << 1) | (Number(this.silence) << 2);
    bytes.set([this.numChannels, this.bitsPerCode, this.numLevels, this.framesPerPacket], 6);
    view.setUint16(10, this.hop);
    view.setUint32(12, this.sampleRate);
    view.setUint32(16, this.codedRate);
    view.setBigUint64(20, this.totalSamples ?? UNKNOWN_LENGTH);
    view.setBigUint64(28, BigInt(`0x${this.modelId}`));
    view.setUint32(36, this.tablesId);
    view.setUint32(40, crc32(bytes.subarray(0, 40)));
    return bytes;
  }

  /** Reads a header; its checksum puts any one damaged byte right. */
  static fromBytes(given) {
    if (given.length === 0) throw new BitstreamError('not an .sst file: it is empty');
    const startsRight = HEADER_MAGIC.slice(0, given.length).every((byte, i) => byte === given[i]);
    if (given.length < HEADER_BYTES && startsRight) {
      throw new BitstreamError(`cut within its header: ${given.length} of ${HEADER_BYTES} bytes`);
    }
    const bytes = corrected(given) ?? given;
    if (HEADER_MAGIC.some((byte, i) => byte !== bytes[i])) {
      const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0'));
      throw new BitstreamError(`not an .sst file: it starts with ${start.join(' ')}`);
    }
    if (bytes[4] > FORMAT_VERSION) {
      throw new BitstreamError(
        `made by a newer version: format ${bytes[4]}, this one reads up to ${FORMAT_VERSION}`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (crc32(bytes.subarray(0, 40)) !== view.getUint32(40)) {
      throw new BitstreamError('its header is damaged beyond repair');
    }
    if (bytes[4] !== FORMAT_VERSION || bytes[5] > 7) {
      throw new BitstreamError(
        `its header has version ${bytes[4]} and flags 0x${bytes[5].toString(16)}`,
      );
    }
    const total = view.getBigUint64(20);
    return new Header({
      sampleRate: view.getUint32(12),
      codedRate: view.getUint32(16),
      hop: view.getUint16(10),
      numChannels: bytes[6],
      numLevels: bytes[8],
      bitsPerCode: bytes[7],
      modelId: view.getBigUint64(28).toString(16).padStart(16, '0'),
      framesPerPacket: bytes[9],
      totalSamples: total === UNKNOWN_LENGTH ? null : total,
      entropyCoded: (bytes[5] & 1) !== 0,
      denoise: (bytes[5] & 2) !== 0,
      silence: (bytes[5] & 4) !== 0,
      tablesId: view.getUint32(36),
    });
  }
}

/**
 * The one valid header that differs from `given` in at most one byte, or null.
 *
 * CRC-32 tells all 44 * 255 single-byte errors apart, so there is no doubt which byte it was.
 */
function corrected(given) {
  if (given.length < HEADER_BYTES) return null;
  const bytes = given.slice(0, HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const syndrome = (crc32(bytes.subarray(0, 40)) ^ view.getUint32(40)) >>> 0;
  if (syndrome === 0) return bytes;
  const error = singleByteErrors().get(syndrome);
  if (error === undefined) return null;
  bytes[error.position] ^= error.flip;
  return bytes;
}

let knownErrors = null;

/** Difference between computed and stored CRC: which byte is wrong, and by what bits. */
function singleByteErrors() {
  if (knownErrors !== null) return knownErrors;
  knownErrors = new Map();
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const base = crc32(bytes.subarray(0, 40));
  for (let position = 0; position < HEADER_BYTES; position++) {
    for (let flip = 1; flip < 256; flip++) {
      bytes[position] = flip;
      const syndrome = (crc32(bytes.subarray(0, 40)) ^ base ^ view.getUint32(40)) >>> 0;
      knownErrors.set(syndrome, {position, flip});
    }
    bytes[position] = 0;
  }
  return knownErrors;
}
