import {Fourier} from '../codec/fourier.js';

const SIZE = 512;
export const NUM_ROWS = 96;
const QUIETEST_DB = -85;
const LOUDEST_DB = -20;

const mel = (hz) => 1127 * Math.log(1 + hz / 700);
const fromMel = (value) => 700 * (Math.exp(value / 1127) - 1);

/** A running spectrogram on the mel scale: one column for each frame. */
export class Spectrum {
  #fourier = new Fourier(SIZE);
  #window = Float64Array.from(
    {length: SIZE},
    (_, i) => (1 - Math.cos((2 * Math.PI * (i + 0.5)) / SIZE)) / SIZE,
  );
  #past = new Float32Array(SIZE);
  #edges; // in bins, of the rows

  constructor(sampleRate) {
    const top = mel(sampleRate / 2);
    this.#edges = Array.from(
      {length: NUM_ROWS + 1},
      (_, row) => (fromMel((top * row) / NUM_ROWS) * SIZE) / sampleRate,
    );
  }

  /** Takes the next samples; gives uint8 [rows], from low to high pitch, 255 being loud. */
  column(samples) {
    this.#past.copyWithin(0, samples.length);
    this.#past.set(samples, SIZE - samples.length);
    const powers = this.#fourier.powers(this.#window.map((w, i) => w * this.#past[i]));
    return Uint8Array.from({length: NUM_ROWS}, (_, row) => {
      const first = Math.round(this.#edges[row]);
      const last = Math.max(first, Math.round(this.#edges[row + 1]) - 1);
      let power = 1e-12;
      for (let bin = first; bin <= last; bin++) power = Math.max(power, powers[bin]);
      const level = (10 * Math.log10(power) - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB);
      return 255 * Math.min(1, Math.max(0, level));
    });
  }
}
