import {Stateful} from './litert.js';

const NOT_SENT = -1; // stands for no code: the levels above the stream's rate

/** Audio to codes, frame by frame. */
export class StreamingEncoder {
  #metadata;
  #stateful;
  #numLevels;
  #searched; // codes of all levels that the signature searches
  #switch;

  /**
   * @param {Graph} graph may serve other streams too
   * @param {Metadata} metadata
   * @param {number} bitrateBps may be changed at any time
   */
  constructor(graph, metadata, bitrateBps) {
    this.#metadata = metadata;
    this.#stateful = new Stateful(graph, metadata.signatureFor(bitrateBps));
    this.#switch = this.#stateful.takes('denoise') ? {denoise: Float32Array.of(1)} : {};
    this.setBitrate(bitrateBps);
  }

  /** Whether it removes noise: the graph that can do so always does. */
  get denoises() {
    return 'denoise' in this.#switch;
  }

  setBitrate(bitrateBps) {
    const key = this.#metadata.signatureFor(bitrateBps);
    this.#stateful.use(key);
    this.#numLevels = this.#metadata.numQuantizersFor(bitrateBps);
    this.#searched = new Int32Array(this.#metadata.numQuantizersFor(Number(key.slice(-5))));
  }

  /** float32 [hop] in [-1, 1] to codes int32 [levels]. */
  encode(samples) {
    this.#stateful.step({audio: samples, ...this.#switch}, {codes: this.#searched});
    return this.#searched.slice(0, this.#numLevels);
  }

  reset() {
    this.#stateful.reset();
  }

  delete() {
    this.#stateful.delete();
  }
}

/** Codes to audio, frame by frame. */
export class StreamingDecoder {
  #metadata;
  #stateful;
  #codes;

  constructor(graph, metadata) {
    this.#metadata = metadata;
    this.#stateful = new Stateful(graph, 'decode');
    this.#codes = new Int32Array(metadata.numQuantizers);
  }

  /** Codes int32 [levels], any number of them, to float32 [hop]. */
  decode(codes) {
    this.#codes.fill(NOT_SENT);
    this.#codes.set(codes);
    const audio = new Float32Array(this.#metadata.hop);
    this.#stateful.step({codes: this.#codes}, {audio});
    return audio;
  }

  reset() {
    this.#stateful.reset();
  }

  delete() {
    this.#stateful.delete();
  }
}
