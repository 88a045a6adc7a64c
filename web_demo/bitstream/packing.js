import {BitstreamError} from './bitstream_error.js';

export const MAX_BITS_PER_CODE = 16;
export const MAX_LEVELS = 127; // of a frame, in all that is written

/** Bytes that so many codes take. */
export function packedSize(numCodes, bitsPerCode) {
  return Math.floor((numCodes * bitsPerCode + 7) / 8);
}

/** Codes to bytes, most significant bit first, without gaps; RangeError if a code is too large. */
export function packCodes(codes, bitsPerCode) {
  const bytes = new Uint8Array(packedSize(codes.length, bitsPerCode));
  let held = 0;
  let numHeld = 0;
  let position = 0;
  for (const code of codes) {
    if (code < 0 || code >= 1 << bitsPerCode) {
      throw new RangeError(`code ${code} does not fit into ${bitsPerCode} bits`);
    }
    held = (held << bitsPerCode) | code;
    numHeld += bitsPerCode;
    while (numHeld >= 8) {
      numHeld -= 8;
      bytes[position++] = held >>> numHeld;
      held &= (1 << numHeld) - 1;
    }
  }
  if (numHeld > 0) bytes[position] = held << (8 - numHeld);
  return bytes;
}

/** The codes that packCodes wrote; the fill bits are ignored. */
export function unpackCodes(bytes, numCodes, bitsPerCode) {
  const size = packedSize(numCodes, bitsPerCode);
  if (bytes.length !== size) {
    throw new BitstreamError(
      `${numCodes} codes of ${bitsPerCode} bits take ${size} bytes, got ${bytes.length}`,
    );
  }
  const codes = new Int32Array(numCodes);
  let held = 0;
  let numHeld = 0;
  let position = 0;
  for (let i = 0; i < numCodes; i++) {
    while (numHeld < bitsPerCode) {
      held = (held << 8) | bytes[position++];
      numHeld += 8;
    }
    numHeld -= bitsPerCode;
    codes[i] = held >>> numHeld;
    held &= (1 << numHeld) - 1;
  }
  return codes;
}
