import {Header} from '../bitstream/header.js';
import {Kind, Packet} from '../bitstream/packets.js';
import {NoiseAnalyzer, describeNoise} from './comfort_noise.js';
import {VoiceActivityDetector} from './voice_activity.js';

export const FRAMES_PER_PACKET = 50; // a damaged byte costs one second
const NOISE_UPDATE_SECONDS = 0.4; // how long one description of a pause stands
const LEAD_IN_FRAMES = 2; // sent before speech starts, so that the decoder has settled when it does

export const pauseFrames = (metadata) =>
  Math.max(1, Math.round(NOISE_UPDATE_SECONDS * metadata.frameRate));

/** The header of a mono stream of so many samples (bigint) that is about to be encoded. */
export function makeHeader(metadata, sampleRate, totalSamples, options) {
  const {bitrateBps, tables, dtx, denoise} = options;
  return new Header({
    sampleRate,
    codedRate: metadata.sampleRate,
    hop: metadata.hop,
    numChannels: 1,
    numLevels: metadata.numQuantizersFor(bitrateBps),
    bitsPerCode: metadata.bitsPerCode,
    modelId: metadata.modelId,
    framesPerPacket: FRAMES_PER_PACKET,
    totalSamples,
    entropyCoded: tables !== null,
    tablesId: tables?.id ?? 0,
    denoise,
    silence: dtx,
  });
}

/** Encodes one mono stream in order: frames of audio to packets. */
export class PacketEncoder {
  #encoder;
  #coder;
  #dtx;
  #detector;
  #analyzer;
  #pauseFrames;

  /**
   * @param {StreamingEncoder} encoder
   * @param {{tables: ?EntropyTables, dtx: boolean}} options
   */
  constructor(encoder, metadata, header, {tables, dtx}) {
    this.#encoder = encoder;
    this.#coder = header.packetCoder(tables);
    this.#dtx = dtx;
    this.#detector = new VoiceActivityDetector(metadata.frameRate);
    this.#analyzer = new NoiseAnalyzer(metadata.hop);
    this.#pauseFrames = pauseFrames(metadata);
  }

  /**
   * At most one packet of frames, float32 [hop] each, to packets in order: a generator that yields
   * after each frame and returns them.
   */
  *encode(frames) {
    const codes = [];
    for (const frame of frames) {
      codes.push(this.#encoder.encode(frame));
      yield;
    }
    const active = frames.map((frame) => !this.#dtx || this.#detector.isActive(frame));
    return this.#runs(active).map(([start, stop]) =>
      active[start] ? this.#speech(codes.slice(start, stop)) : this.#pause(frames, start, stop),
    );
  }

  #speech(codes) {
    const numLevels = codes[0].length;
    const all = new Int32Array(codes.length * numLevels);
    codes.forEach((frame, index) => all.set(frame, index * numLevels));
    return this.#coder.encode(all, numLevels, this.#encoder.denoises);
  }

  #pause(frames, start, stop) {
    const powers = this.#analyzer.bandPowers(frames.slice(start, stop));
    return new Packet(Kind.SILENCE, stop - start, 0, describeNoise(powers));
  }

  /** Where stretches of speech, and of pause, start and stop; widens `active` in place. */
  #runs(active) {
    for (let time = 0; time < LEAD_IN_FRAMES; time++) {
      for (let i = 0; i + 1 < active.length; i++) active[i] ||= active[i + 1];
    }
    const runs = [];
    for (let start = 0; start < active.length;) {
      const longest = active[start] ? active.length : this.#pauseFrames;
      let stop = start + 1;
      while (stop < active.length && active[stop] === active[start] && stop - start < longest) {
        stop++;
      }
      runs.push([start, stop]);
      start = stop;
    }
    return runs;
  }
}
