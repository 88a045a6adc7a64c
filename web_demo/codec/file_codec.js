import {ContainerReader, ContainerWriter} from '../bitstream/container.js';
import {describeDamage} from '../bitstream/info.js';
import {BlockDecoder} from './block_decoder.js';
import {FRAMES_PER_PACKET, PacketEncoder, makeHeader} from './packet_encoder.js';
import {Resampler} from './resampler.js';

/**
 * A mono recording as an .sst file. A generator: yields the share done after each packet, so that
 * other work may go on between, and returns the bytes.
 *
 * @param {Float32Array} samples
 * @param {number} sampleRate Hz
 * @param {StreamingEncoder} encoder with its bitrate set
 * @param {Metadata} metadata
 * @param {{bitrateBps, tables, dtx, denoise}} options
 */
export function* encodeAudio(samples, sampleRate, encoder, metadata, options) {
  const header = makeHeader(metadata, sampleRate, options);
  const packets = new PacketEncoder(encoder, metadata, header, options);
  const writer = new ContainerWriter(header);
  const totalSamples = BigInt(samples.length);
  const coded = resampled(samples, sampleRate, metadata.sampleRate);
  const numFrames = Number(header.numFrames(totalSamples));
  for (let start = 0; start < numFrames; start += FRAMES_PER_PACKET) {
    const count = Math.min(FRAMES_PER_PACKET, numFrames - start);
    const frames = Array.from({length: count}, (_, i) => {
      const frame = new Float32Array(metadata.hop);
      const at = (start + i) * metadata.hop;
      frame.set(coded.subarray(at, at + metadata.hop));
      return frame;
    });
    for (const packet of packets.encode(frames)) writer.write(packet);
    yield (start + count) / numFrames;
  }
  return writer.finish(totalSamples);
}

/**
 * An .sst file as audio. A generator: yields the share of bytes read, and returns
 * {header, channels, damage}: float32 [time] per channel at the audio's rate and its exact length,
 * and one phrase for each thing that was wrong.
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
      for (const frame of decoder.decode(block)) frames.push(frame);
      yield;
    }
  } finally {
    decoder.delete();
  }
  const channels = Array.from({length: header.numChannels}, (_, channel) => {
    const coded = new Float32Array(frames.length * metadata.hop);
    frames.forEach((frame, index) => coded.set(frame[channel], index * metadata.hop));
    const audio = resampled(coded, metadata.sampleRate, header.sampleRate);
    return audio.slice(0, reader.numSamples);
  });
  const damage = describeDamage(reader);
  if (decoder.unreadableFrames > 0) {
    damage.push(`${decoder.unreadableFrames} frames hold codes this model does not have`);
  }
  return {header, channels, damage};
}

/** A whole signal at another rate. */
export function resampled(samples, fromRate, toRate) {
  if (fromRate === toRate) return samples;
  const resampler = new Resampler(fromRate, toRate);
  const first = resampler.push(samples);
  const rest = resampler.flush();
  const all = new Float32Array(first.length + rest.length);
  all.set(first);
  all.set(rest, first.length);
  return all;
}

/** The mean of all channels. */
export function mixed(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map(
    (_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length,
  );
}
