import {Background, NoiseGenerator, noPowers, powersOf} from './comfort_noise.js';
import {PAST_SECONDS, extend} from './pitch.js';

const FADE_SECONDS = 0.1; // in which a loss fades to noise
const RAMP_SECONDS = 0.005; // in which the decoder's voice comes back

/**
 * A decoder that also makes up for frames that did not come, or were not sent in a pause.
 *
 * A loss goes on with the last pitch period, which fades; after about 100 ms only noise like that
 * of the recording's quiet moments is left. What comes next is faded in, so neither end clicks.
 */
export class ConcealingDecoder {
  #decoder;
  #metadata;
  #ramp;
  #fadeFrames;
  #noise;
  #powers; // of that noise
  #background;
  #past; // what was heard, whatever it was
  #extension; // how the sound before a loss goes on
  #gain; // of the extension; 1 where nothing is missing

  /** @param {{decode, reset, delete}} decoder of frames; in the page a StreamingDecoder */
  constructor(decoder, metadata) {
    this.#decoder = decoder;
    this.#metadata = metadata;
    this.#ramp = Math.min(metadata.hop, Math.round(RAMP_SECONDS * metadata.sampleRate));
    this.#fadeFrames = Math.max(1, Math.round(FADE_SECONDS * metadata.frameRate));
    this.#start();
  }

  /** Starts a new stream. */
  reset() {
    this.#decoder.reset();
    this.#start();
  }

  #start() {
    const {hop, frameRate, sampleRate} = this.#metadata;
    this.#noise = new NoiseGenerator(hop);
    this.#powers = noPowers();
    this.#background = new Background(frameRate, hop);
    this.#past = new Float32Array(Math.round(PAST_SECONDS * sampleRate) + 1);
    this.#extension = new Float32Array(0);
    this.#gain = 1;
  }

  /** Codes int32 [levels] to float32 [hop]. */
  decode(codes) {
    const samples = this.#decoder.decode(codes);
    this.#background.hear(samples);
    if (this.#gain < 1) {
      const missing = this.#fill(this.#fadeFrames);
      for (let i = 0; i < this.#ramp; i++) {
        samples[i] = missing[i] + (i / this.#ramp) * (samples[i] - missing[i]);
      }
      this.#gain = 1;
    }
    return this.#heard(samples);
  }

  /** Makes up for a lost frame: float32 [hop]. */
  conceal() {
    if (this.#gain === 1) this.#powers = this.#background.powers();
    return this.#heard(this.#fill(this.#fadeFrames));
  }

  /**
   * Fills a frame of a pause that was not sent: float32 [hop].
   *
   * @param {?Uint8Array} description eight bytes that say what it sounds like; null: like the
   *   recording's quiet moments, or like the pause up to here
   */
  pause(description) {
    if (description !== null) this.#powers = powersOf(description);
    else if (this.#gain === 1) this.#powers = this.#background.powers();
    return this.#heard(this.#fill(1));
  }

  delete() {
    this.#decoder.delete();
  }

  #heard(samples) {
    this.#past.copyWithin(0, samples.length);
    const kept = Math.min(samples.length, this.#past.length);
    this.#past.set(samples.subarray(samples.length - kept), this.#past.length - kept);
    return samples;
  }

  /**
   * Goes on with the last sound, whose gain falls to 0 in a straight line over so many frames, then
   * with noise, which fills up to the same power.
   */
  #fill(fadeFrames) {
    const {hop, sampleRate} = this.#metadata;
    if (this.#gain === 1) {
      this.#extension = extend(this.#past, (this.#fadeFrames + 1) * hop, sampleRate);
    }
    const noise = this.#noise.generate(this.#powers);
    const samples = new Float32Array(hop);
    let gain = this.#gain;
    for (let i = 0; i < hop; i++) {
      gain = Math.max(0, this.#gain - (i + 1) / (fadeFrames * hop));
      samples[i] = (this.#extension[i] ?? 0) * gain + noise[i] * Math.sqrt(1 - gain * gain);
    }
    this.#gain = gain;
    this.#extension = this.#extension.subarray(hop);
    return samples;
  }
}
