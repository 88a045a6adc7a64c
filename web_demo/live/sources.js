const CHUNK_SECONDS = 0.02;

/** A recording that is played: chunks of its samples, again and again if asked to. */
export class RecordingSource {
  #chunk = 0;

  /** @param {Float32Array} samples mono */
  constructor(samples, sampleRate) {
    this.samples = samples;
    this.sampleRate = sampleRate;
    this.repeats = true;
  }

  get seconds() {
    return this.samples.length / this.sampleRate;
  }

  seek(seconds) {
    this.#chunk = Math.floor(seconds / CHUNK_SECONDS);
  }

  /** Seconds up to the next chunk. */
  get position() {
    return this.#chunk * CHUNK_SECONDS;
  }

  /** The next 20 ms; null at the end. */
  next() {
    const at = (chunk) => Math.round(chunk * CHUNK_SECONDS * this.sampleRate);
    if (at(this.#chunk) >= this.samples.length) {
      if (!this.repeats) return null;
      this.#chunk = 0;
    }
    this.#chunk++;
    return this.samples.subarray(at(this.#chunk - 1), at(this.#chunk));
  }
}

/** Sound as it comes in, kept for later. */
export class LiveSource {
  #chunks = [];
  #kept = 0;
  #maxSamples;

  constructor(sampleRate, maxSeconds) {
    this.sampleRate = sampleRate;
    this.#maxSamples = maxSeconds * sampleRate;
    this.numSamples = 0;
  }

  get position() {
    return this.numSamples / this.sampleRate;
  }

  add(samples) {
    this.numSamples += samples.length;
    if (this.#kept + samples.length > this.#maxSamples) return;
    this.#chunks.push(samples);
    this.#kept += samples.length;
  }

  /** What was kept, as a recording. */
  recording() {
    const samples = new Float32Array(this.#kept);
    let at = 0;
    for (const chunk of this.#chunks) {
      samples.set(chunk, at);
      at += chunk.length;
    }
    return new RecordingSource(samples, this.sampleRate);
  }
}

/** The frames of an .sst file, as BlockDecoder gives them. */
export class FrameSource {
  #frame = 0;

  constructor(frames, frameRate, seconds, fileBytes) {
    this.frames = frames;
    this.frameRate = frameRate;
    this.seconds = seconds;
    this.bytesPerFrame = fileBytes / Math.max(1, frames.length);
    this.repeats = true;
  }

  seek(seconds) {
    this.#frame = Math.floor(seconds * this.frameRate);
  }

  get position() {
    return this.#frame / this.frameRate;
  }

  /** {frame}, which is null for a gap; null at the end. */
  next() {
    if (this.#frame >= this.frames.length) {
      if (!this.repeats || this.frames.length === 0) return null;
      this.#frame = 0;
    }
    return {frame: this.frames[this.#frame++]};
  }
}
