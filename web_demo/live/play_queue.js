const START_SECONDS = 0.06; // held before play begins
const TARGET_SECONDS = 0.08; // asked for, and kept after a drop
const LIMIT_SECONDS = 0.1; // above it, what is live has drifted
const FADE_SECONDS = 0.005; // where something is left out
const CAPACITY_SECONDS = 1;
const DECAY = 0.995; // per sample, of the last value where sound breaks off: no click

/**
 * Sound that waits for the sound card: pairs of signals, the original and the decoded, which stay
 * in step. What is live and comes faster than it is played is dropped, so that the delay stays.
 */
export class PlayQueue {
  #sampleRate;
  #rings;
  #capacity;
  #first = 0; // number of the next sample to be played
  #end = 0; // number after the last one that is there
  #lastValues = [0, 0];
  #started = false;
  #ended = false;
  #endPosition = 0;

  constructor(sampleRate) {
    this.#sampleRate = sampleRate;
    this.#capacity = Math.round(CAPACITY_SECONDS * sampleRate);
    this.#rings = [new Float32Array(this.#capacity), new Float32Array(this.#capacity)];
    this.underruns = 0;
    this.droppedSamples = 0;
    /** Whether sound comes at its own pace and cannot be asked for. */
    this.live = false;
  }

  get queuedSeconds() {
    return (this.#end - this.#first) / this.#sampleRate;
  }

  /** Whether more should be asked for, beside so many samples that are on their way. */
  wants(samplesOnTheirWay) {
    const held = this.#end - this.#first + samplesOnTheirWay;
    return !this.live && !this.#ended && held < TARGET_SECONDS * this.#sampleRate;
  }

  /** Where in the recording the sound is that is played now, in seconds. */
  get position() {
    return this.#endPosition - this.queuedSeconds;
  }

  /** Whether all was played up to the end. */
  get isDone() {
    return this.#ended && this.#first === this.#end;
  }

  /** Appends both signals; `position` is that of their end, in seconds. */
  push(signals, position) {
    const count = Math.min(signals[0].length, this.#capacity - (this.#end - this.#first));
    this.#rings.forEach((ring, which) => {
      for (let i = 0; i < count; i++) ring[(this.#end + i) % this.#capacity] = signals[which][i];
    });
    this.#end += count;
    this.#endPosition = position;
    if (this.live && this.queuedSeconds > LIMIT_SECONDS) this.#drop();
  }

  /** Nothing follows. */
  finish() {
    this.#ended = true;
  }

  /** Forgets what waits, and begins anew. */
  clear() {
    this.#first = this.#end;
    this.#started = false;
    this.#ended = false;
  }

  /** Fills both arrays; silence while there is nothing to play. */
  read(outputs) {
    if (!this.#started) {
      const full = this.queuedSeconds >= START_SECONDS;
      this.#started = full || (this.#ended && this.#end > this.#first);
    }
    const wanted = outputs[0].length;
    const count = this.#started ? Math.min(wanted, this.#end - this.#first) : 0;
    this.#rings.forEach((ring, which) => {
      const output = outputs[which];
      for (let i = 0; i < count; i++) output[i] = ring[(this.#first + i) % this.#capacity];
      let value = count > 0 ? output[count - 1] : this.#lastValues[which];
      for (let i = count; i < wanted; i++) output[i] = value *= DECAY;
      this.#lastValues[which] = Math.abs(value) < 1e-6 ? 0 : value;
    });
    this.#first += count;
    if (this.#started && count < wanted) {
      this.#started = false;
      if (!this.#ended) this.underruns++;
    }
  }

  /** Leaves out the oldest sound, down to the target, and fades over. */
  #drop() {
    const count = this.#end - this.#first - Math.round(TARGET_SECONDS * this.#sampleRate);
    const fade = Math.round(FADE_SECONDS * this.#sampleRate);
    for (const ring of this.#rings) {
      for (let i = 0; i < fade; i++) {
        const to = (this.#first + count + i) % this.#capacity;
        const from = ring[(this.#first + i) % this.#capacity];
        ring[to] = from + (i / fade) * (ring[to] - from);
      }
    }
    this.#first += count;
    this.droppedSamples += count;
  }
}
