import {ContainerReader, ContainerWriter} from '../bitstream/container.js';
import {describeDamage} from '../bitstream/info.js';
import {BlockDecoder} from './block_decoder.js';
import {FRAMES_PER_PACKET, PacketEncoder, makeHeader} from './packet_encoder.js';
import {Resampler} from './resampler.js';

const STEP_SECONDS = 0.1; // that are resampled between two yields

/**
 * A mono recording as an .sst file. A generator: yields after each frame, so that other work may go
 * on between, and returns the bytes.
 *
 * @param {Float32Array} samples
 * @param {number} sampleRate Hz
 * @param {StreamingEncoder} encoder with its bitrate set
 * @param {Metadata} metadata
 * @param {{bitrateBps, tables, dtx, denoise}} options
 */
export function* encodeAudio(samples, sampleRate, encoder, metadata, options) {
  const totalSamples = BigInt(samples.length);
  const header = makeHeader(metadata, sampleRate, totalSamples, options);
  const packets = new PacketEncoder(encoder, metadata, header, options);
  const writer = new ContainerWriter(header);
  const coded = yield* resampling(samples, sampleRate, metadata.sampleRate);
  const numFrames = Number(header.numFrames(totalSamples));
  for (let start = 0; start < numFrames; start += FRAMES_PER_PACKET) {
    const count = Math.min(FRAMES_PER_PACKET, numFrames - start);
    const frames = Array.from({length: count}, (_, i) => {
      const frame = new Float32Array(metadata.hop);
      const at = (start + i) * metadata.hop;
      frame.set(coded.subarray(at, at + metadata.hop));
      return frame;
    });
    for (const packet of yield* packets.encode(frames)) writer.write(packet);
  }
  return writer.finish(totalSamples);
}

/**
 * An .sst file as audio. A generator: yields after each frame, and returns {header, channels,
 * damage}: float32 [time] per channel at the audio's rate and its exact length, and one phrase for
 * each thing that was wrong.
 *
 * @param {Uint8Array} bytes
 * @param {Metadata} metadata
 * @param {?EntropyTables} tables
 * @param {function(): ConcealingDecoder} newDecoder called once for each channel
 */
export function* decodeAudio(bytes, metadata, tables, newDecoder) {
  const reader = new ContainerReader(bytes);
  const {header} = reader;
  const decoder = new BlockDecoder(header, metadata, tables, newDecoder);
  const frames = [];
  try {
    for (const block of reader) {
      for (const frame of decoder.decode(block)) {
        frames.push(frame);
        yield;
      }
    }
  } finally {
    decoder.delete();
  }
  const channels = [];
  for (let channel = 0; channel < header.numChannels; channel++) {
    const coded = new Float32Array(frames.length * metadata.hop);
    frames.forEach((frame, index) => coded.set(frame[channel], index * metadata.hop));
    const audio = yield* resampling(coded, metadata.sampleRate, header.sampleRate);
    channels.push(audio.slice(0, reader.numSamples));
  }
  const damage = describeDamage(reader);
  if (decoder.unreadableFrames > 0) {
    damage.push(`${decoder.unreadableFrames} frames hold codes this model does not have`);
  }
  return {header, channels, damage};
}

/** A whole signal at another rate: a generator that yields now and then. */
export function* resampling(samples, fromRate, toRate) {
  if (fromRate === toRate) return samples;
  const resampler = new Resampler(fromRate, toRate);
  const step = Math.ceil(STEP_SECONDS * fromRate);
  const pieces = [];
  for (let start = 0; start < samples.length; start += step) {
    pieces.push(resampler.push(samples.subarray(start, start + step)));
    yield;
  }
  pieces.push(resampler.flush());
  const all = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
