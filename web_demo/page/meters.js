import {query} from './dom.js';

const SHOW_MS = 250; // between two readings: slow enough to be read
const FRAME_MS = 20;
const WINDOW_FRAMES = 50; // one second

/** The last values. */
class RecentValues {
  #values = [];

  add(value) {
    this.#values.push(value);
    if (this.#values.length > WINDOW_FRAMES) this.#values.shift();
  }

  get mean() {
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length;
  }

  get median() {
    const sorted = [...this.#values].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }
}

/** What the call takes, in numbers: bits as a mean, times as medians of the last second. */
export class MeterView {
  #shown = 0;
  #bytes = new RecentValues();
  #encodeMs = new RecentValues();
  #decodeMs = new RecentValues();

  addFrame({bytes, encodeMs, decodeMs}) {
    this.#bytes.add(bytes);
    this.#encodeMs.add(encodeMs);
    this.#decodeMs.add(decodeMs);
    const now = performance.now();
    if (now - this.#shown < SHOW_MS) return;
    this.#shown = now;
    const [encoder, decoder] = [this.#encodeMs.median, this.#decodeMs.median];
    query('#sent').textContent = `${((8 * this.#bytes.mean) / FRAME_MS).toFixed(1)} kbps`;
    query('#encode-time').textContent = encoder > 0 ? `${encoder.toFixed(1)} ms` : '–';
    query('#decode-time').textContent = `${decoder.toFixed(1)} ms`;
    query('#factor').textContent = ((encoder + decoder) / FRAME_MS).toFixed(3);
  }

  update({queuedSeconds, underruns, droppedSeconds}) {
    query('#queued').textContent = `${Math.round(1000 * queuedSeconds)} ms`;
    const dropped = droppedSeconds > 0 ? `, ${Math.round(1000 * droppedSeconds)} ms dropped` : '';
    query('#underruns').textContent = `${underruns}${dropped}`;
  }
}
