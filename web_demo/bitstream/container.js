import {BitstreamError} from './bitstream_error.js';
import {crc16} from './checksums.js';
import {HEADER_BYTES, Header} from './header.js';
import {END_BYTES, Kind, MAX_PAYLOAD_BYTES, PACKET_HEADER_BYTES, Packet} from './packets.js';

const SYNC = 0xa5;
const PACKED_OVERHEAD_BYTES = 7; // of a packed packet: all but its payload
const FRAME_MODULUS = 1 << 16;
// What crafted frame numbers can make a reader fill: so many frames in all, and 8 for each
// unreadable byte (a packet that holds 64 frames has 8 bytes or more).
const FREE_GAP_FRAMES = 32_768;
const GAP_FRAMES_PER_BYTE = 8;

const isSized = (kind) => kind === Kind.ENTROPY_CODED || kind === Kind.SILENCE;

/** Writes an .sst stream. */
export class ContainerWriter {
  #parts;

  constructor(header) {
    this.header = header;
    this.numFrames = 0;
    this.#parts = [header.toBytes()];
  }

  write(packet) {
    this.#parts.push(stored(packet, this.numFrames));
    this.numFrames += packet.numFrames;
  }

  /** Ends the stream and gives its bytes; `totalSamples` (bigint) are at the audio's rate. */
  finish(totalSamples) {
    const payload = new Uint8Array(END_BYTES);
    new DataView(payload.buffer).setBigUint64(0, totalSamples);
    this.#parts.push(stored(new Packet(Kind.END, 1, 0, payload), this.numFrames));
    return joined(this.#parts);
  }
}

/**
 * Reads an .sst stream: iterating yields blocks {start, numFrames, packet}, in which packet is null
 * for a gap where packets are missing between two intact ones.
 *
 * The attributes tell how far it has come and are final when the iteration ends: numFrames (gaps
 * included), numPackets, lostFrames (in gaps), skippedBytes (that belong to no intact packet),
 * totalSamples (bigint: the exact length per channel; null if unknown), complete (the end packet
 * was seen) and truncated (it ended without one).
 */
export class ContainerReader {
  #bytes;
  #position = HEADER_BYTES;
  #coder;
  #gapAllowance = FREE_GAP_FRAMES;

  /** Reads the header; BitstreamError if it is none, or made by a newer version. */
  constructor(bytes) {
    this.#bytes = bytes;
    this.header = Header.fromBytes(bytes);
    this.#coder = this.header.packetCoder();
    this.numFrames = 0;
    this.numPackets = 0;
    this.lostFrames = 0;
    this.skippedBytes = 0;
    this.totalSamples = this.header.totalSamples;
    this.complete = false;
    this.truncated = false;
  }

  *[Symbol.iterator]() {
    while (!this.complete && this.#position < this.#bytes.length) {
      const size = this.#storedSize();
      const fits = size > 0 && size <= this.#bytes.length - this.#position;
      const blocks = fits ? this.#accept(size) : null;
      if (blocks === null) {
        this.#skip();
      } else {
        this.#position += size;
        yield* blocks;
      }
    }
    this.truncated = !this.complete;
  }

  /** Whether the stated length agrees with the frames read so far. */
  get lengthIsSound() {
    const total = this.totalSamples;
    return total !== null && this.header.numFrames(total) === BigInt(this.numFrames);
  }

  /** Samples per channel read so far; exact at the end of a sound stream. */
  get numSamples() {
    return this.lengthIsSound ? Number(this.totalSamples) : this.header.numSamples(this.numFrames);
  }

  /** Bytes of the packet that may start here, 0 if none can. */
  #storedSize() {
    const bytes = this.#bytes.subarray(this.#position, this.#position + PACKED_OVERHEAD_BYTES);
    if (bytes[0] !== SYNC) return 0;
    if (bytes.length < PACKED_OVERHEAD_BYTES) return PACKED_OVERHEAD_BYTES;
    const kind = bytes[4] >> 6;
    const numFrames = (bytes[4] & 63) + 1;
    if (numFrames > this.header.framesPerPacket) return 0;
    const limit = this.#coder.payloadBytes(kind, numFrames, bytes[3] & 127);
    const written = (bytes[5] << 8) | bytes[6];
    if (limit > MAX_PAYLOAD_BYTES || (isSized(kind) && written > limit)) return 0;
    return PACKED_OVERHEAD_BYTES + (isSized(kind) ? 2 + written : limit);
  }

  /** The blocks up to the end of this packet; null if it is damaged or out of place. */
  #accept(size) {
    const bytes = this.#bytes.subarray(this.#position, this.#position + size);
    if (crc16(bytes.subarray(0, -2)) !== ((bytes[size - 2] << 8) | bytes[size - 1])) return null;
    const packet = packetIn(bytes);
    if (packet === null) return null;
    const first = (bytes[1] << 8) | bytes[2];
    const missing = (((first - this.numFrames) % FRAME_MODULUS) + FRAME_MODULUS) % FRAME_MODULUS;
    if (missing > Math.min(this.#gapAllowance, FRAME_MODULUS / 2)) return null;
    const blocks = [];
    if (missing > 0) {
      blocks.push({start: this.numFrames, numFrames: missing, packet: null});
      this.#gapAllowance -= missing;
      this.lostFrames += missing;
      this.numFrames += missing;
    }
    if (packet.kind === Kind.END) {
      const {buffer, byteOffset} = packet.payload;
      this.totalSamples = new DataView(buffer, byteOffset).getBigUint64(0);
      this.complete = true;
    } else {
      blocks.push({start: this.numFrames, numFrames: packet.numFrames, packet});
      this.numFrames += packet.numFrames;
      this.numPackets++;
    }
    return blocks;
  }

  /** Goes to the next sync byte. */
  #skip() {
    const next = this.#bytes.indexOf(SYNC, this.#position + 1);
    const count = (next < 0 ? this.#bytes.length : next) - this.#position;
    this.#position += count;
    this.skippedBytes += count;
    this.#gapAllowance += GAP_FRAMES_PER_BYTE * count;
  }
}

function packetIn(bytes) {
  const start = isSized(bytes[4] >> 6) ? 7 : 5;
  try {
    return Packet.fromBytes(joined([bytes.subarray(3, 5), bytes.subarray(start, -2)]));
  } catch (error) {
    if (error instanceof BitstreamError) return null;
    throw error;
  }
}

/** The bytes of a packet in a file, `start` being its first frame. */
function stored(packet, start) {
  const size = packet.payload.length;
  const first = start % FRAME_MODULUS;
  const data = joined([
    Uint8Array.of(SYNC, first >> 8, first & 255),
    packet.toBytes().subarray(0, PACKET_HEADER_BYTES),
    isSized(packet.kind) ? Uint8Array.of(size >> 8, size & 255) : new Uint8Array(0),
    packet.payload,
  ]);
  const crc = crc16(data);
  return joined([data, Uint8Array.of(crc >> 8, crc & 255)]);
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
