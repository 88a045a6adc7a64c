import {BitstreamError} from './bitstream_error.js';
import {MAX_LEVELS, packCodes, packedSize, unpackCodes} from './packing.js';

export const PACKET_HEADER_BYTES = 2;
export const MAX_FRAMES = 64;
export const MAX_PAYLOAD_BYTES = 16_384;
export const COMFORT_NOISE_BYTES = 8; // per channel, in a silence packet that has any
export const END_BYTES = 8;

/** What a packet's payload is. */
export const Kind = Object.freeze({PACKED: 0, ENTROPY_CODED: 1, SILENCE: 2, END: 3});

/** A few frames of all channels, which say themselves how they are to be read. */
export class Packet {
  /**
   * @param {number} kind one of Kind
   * @param {number} numFrames 1..64
   * @param {number} numLevels 1..127 for the kinds that hold codes, else 0
   * @param {Uint8Array} payload at most 16,384 bytes
   * @param {boolean} denoise whether the encoder was told to remove noise
   */
  constructor(kind, numFrames, numLevels, payload, denoise = false) {
    const holdsCodes = kind === Kind.PACKED || kind === Kind.ENTROPY_CODED;
    if (holdsCodes !== numLevels > 0 || numLevels > MAX_LEVELS) {
      throw new BitstreamError(`a packet of kind ${kind} with ${numLevels} levels`);
    }
    if (numFrames < 1 || numFrames > MAX_FRAMES) {
      throw new BitstreamError(`a packet has 1..${MAX_FRAMES} frames, got ${numFrames}`);
    }
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new BitstreamError(
        `a payload has at most ${MAX_PAYLOAD_BYTES} bytes, got ${payload.length}`,
      );
    }
    Object.assign(this, {kind, numFrames, numLevels, payload, denoise});
  }

  get holdsCodes() {
    return this.numLevels > 0;
  }

  /** Header and payload: a whole datagram. */
  toBytes() {
    const bytes = new Uint8Array(PACKET_HEADER_BYTES + this.payload.length);
    bytes[0] = (Number(this.denoise) << 7) | this.numLevels;
    bytes[1] = (this.kind << 6) | (this.numFrames - 1);
    bytes.set(this.payload, PACKET_HEADER_BYTES);
    return bytes;
  }

  static fromBytes(bytes) {
    if (bytes.length < PACKET_HEADER_BYTES) {
      throw new BitstreamError(
        `a packet has ${PACKET_HEADER_BYTES} bytes or more, got ${bytes.length}`,
      );
    }
    return new Packet(
      bytes[1] >> 6,
      (bytes[1] & 63) + 1,
      bytes[0] & 127,
      bytes.slice(PACKET_HEADER_BYTES),
      bytes[0] >> 7 === 1,
    );
  }
}

/** Codes <-> packets for one model. */
export class PacketCoder {
  /**
   * @param {number} bitsPerCode width of a packed code, 1..16
   * @param {number} numChannels streams whose codes share a packet
   * @param {?EntropyTables} tables null packs all codes
   */
  constructor(bitsPerCode, numChannels = 1, tables = null) {
    Object.assign(this, {bitsPerCode, numChannels, tables});
  }

  /** Makes a packet of codes [frames, channels, levels], entropy-coded if that is shorter. */
  encode(codes, numLevels, denoise = false) {
    const numFrames = codes.length / (this.numChannels * numLevels);
    const packed = packCodes(codes, this.bitsPerCode);
    const coded = this.tables?.encode(codes, this.numChannels, numLevels) ?? null;
    return coded !== null && coded.length < packed.length
      ? new Packet(Kind.ENTROPY_CODED, numFrames, numLevels, coded, denoise)
      : new Packet(Kind.PACKED, numFrames, numLevels, packed, denoise);
  }

  /** The codes [frames, channels, levels] of a packet; BitstreamError if there are none. */
  decode({kind, numFrames, numLevels, payload}) {
    if (kind === Kind.PACKED) {
      return unpackCodes(payload, numFrames * this.numChannels * numLevels, this.bitsPerCode);
    }
    if (kind === Kind.ENTROPY_CODED && this.tables !== null) {
      return this.tables.decode(payload, numFrames, this.numChannels, numLevels);
    }
    throw new BitstreamError(`a packet of kind ${kind} cannot be read as codes`);
  }

  /** Payload bytes of such a packet: exactly for PACKED and END, at most for the others. */
  payloadBytes(kind, numFrames, numLevels) {
    if (kind === Kind.END) return END_BYTES;
    if (kind === Kind.SILENCE) return COMFORT_NOISE_BYTES * this.numChannels;
    return packedSize(numFrames * this.numChannels * numLevels, this.bitsPerCode);
  }
}
