const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;

/** Whether bytes start as a wav file does. */
export const isWav = (bytes) => text(bytes, 0) === 'RIFF' && text(bytes, 8) === 'WAVE';

/**
 * Reads a wav file of 8, 16, 24 or 32 bit integers or of 32 bit floats: exactly what it holds, at
 * its own rate, which a browser's decoder does not give.
 *
 * @returns {{sampleRate: number, channels: Float32Array[]}}; Error with one line if it cannot
 */
export function readWav(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = text(bytes, at);
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (name === 'fmt ' && start + 16 <= bytes.length) {
      const tag = view.getUint16(start, true);
      format = {
        tag: tag === FORMAT_EXTENSIBLE && size >= 26 ? view.getUint16(start + 24, true) : tag,
        numChannels: view.getUint16(start + 2, true),
        sampleRate: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      };
    } else if (name === 'data' && format !== null) {
      const length = Math.min(size, bytes.length - start);
      return {sampleRate: format.sampleRate, channels: readSamples(view, start, length, format)};
    }
    at = start + size + (size % 2);
  }
  throw new Error('a wav file without sound');
}

function readSamples(view, start, length, {tag, numChannels, bits}) {
  const readers = {
    [`${FORMAT_PCM}/8`]: (at) => (view.getUint8(at) - 128) / 128,
    [`${FORMAT_PCM}/16`]: (at) => view.getInt16(at, true) / 2 ** 15,
    [`${FORMAT_PCM}/24`]: (at) =>
      ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23,
    [`${FORMAT_PCM}/32`]: (at) => view.getInt32(at, true) / 2 ** 31,
    [`${FORMAT_FLOAT}/32`]: (at) => view.getFloat32(at, true),
  };
  const read = readers[`${tag}/${bits}`];
  if (read === undefined || numChannels === 0) {
    throw new Error(`a wav file of format ${tag} with ${bits} bits, which this page cannot read`);
  }
  const sampleBytes = bits / 8;
  const numSamples = Math.floor(length / (sampleBytes * numChannels));
  return Array.from({length: numChannels}, (_, channel) => {
    const samples = new Float32Array(numSamples);
    for (let i = 0; i < numSamples; i++) {
      const value = read(start + (i * numChannels + channel) * sampleBytes);
      samples[i] = Number.isFinite(value) ? value : 0;
    }
    return samples;
  });
}

/** Channels float32 [time] as a wav file of 16 bits, clipped to full scale. */
export function writeWav(channels, sampleRate) {
  const numChannels = channels.length;
  const dataBytes = 2 * numChannels * channels[0].length;
  const bytes = new Uint8Array(44 + dataBytes);
  const view = new DataView(bytes.buffer);
  const write = (at, word) =>
    bytes.set(
      [...word].map((c) => c.charCodeAt(0)),
      at,
    );
  write(0, 'RIFF');
  view.setUint32(4, 36 + dataBytes, true);
  write(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, numChannels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * numChannels * sampleRate, true);
  view.setUint16(32, 2 * numChannels, true);
  view.setUint16(34, 16, true);
  write(36, 'data');
  view.setUint32(40, dataBytes, true);
  channels.forEach((samples, channel) => {
    samples.forEach((sample, i) => {
      const value = Math.round(Math.min(32767, Math.max(-32768, 32768 * sample)));
      view.setInt16(44 + 2 * (i * numChannels + channel), value, true);
    });
  });
  return bytes;
}

function text(bytes, at) {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
