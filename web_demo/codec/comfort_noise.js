import {COMFORT_NOISE_BYTES} from '../bitstream/packets.js';
import {Fourier} from './fourier.js';
import {gaussianNumbers} from './random.js';

const BAND_EDGES = [0, 1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 5 / 8, 1];
const SMOOTHING = 0.3; // how far the powers go towards a new description in one frame
const MEMORY_SECONDS = 3; // of recent sound, whose quiet moments tell what the background is
const QUIET_SHARE = 0.1; // of the frames in memory are taken as background
const LOUDEST_BACKGROUND = 1e-4; // mean square, -40 dBFS: speech without a pause is no background

export const noPowers = () => new Float64Array(COMFORT_NOISE_BYTES);

/** Where the bands start, and the last ends, in a spectrum of so many bins. */
const bandBins = (numBins) => BAND_EDGES.map((edge) => Math.round(edge * numBins));

/** Mean squares of the eight bands of frames of one length. */
export class NoiseAnalyzer {
  #hop;
  #fourier;
  #window;
  #bins;

  constructor(hop) {
    this.#hop = hop;
    this.#fourier = new Fourier(hop);
    this.#window = Float64Array.from(
      {length: hop},
      (_, i) => Math.sqrt(8 / 3) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (hop - 1))),
    );
    this.#bins = bandBins(Math.floor(hop / 2) + 1);
  }

  /** Mean over frames float32 [hop] of their band powers: float64 [8]. */
  bandPowers(frames) {
    const powers = noPowers();
    for (const frame of frames) {
      const spectrum = this.#fourier.powers(this.#window.map((w, i) => w * frame[i]));
      for (let band = 0; band < powers.length; band++) {
        for (let bin = this.#bins[band]; bin < this.#bins[band + 1]; bin++) {
          powers[band] += (2 * spectrum[bin]) / this.#hop ** 2 / frames.length;
        }
      }
    }
    return powers;
  }
}

/** The eight bytes of a silence packet for band powers. */
export function describeNoise(powers) {
  return Uint8Array.from(powers, (power) =>
    Math.min(255, Math.max(0, roundHalfEven(-20 * Math.log10(power)))),
  );
}

/** Band powers of such bytes. */
export function powersOf(description) {
  return Float64Array.from(description, (level) => (level === 255 ? 0 : 10 ** (-level / 20)));
}

function roundHalfEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** An endless stream of noise whose colour may change from frame to frame without a click. */
export class NoiseGenerator {
  #hop;
  #fourier;
  #window;
  #bins;
  #gaussian;
  #powers = null;
  #tail;

  constructor(hop, seed = 0) {
    this.#hop = hop;
    this.#fourier = new Fourier(2 * hop);
    // Blocks of two hops overlap by one; the squares of the window sum to one.
    this.#window = Float64Array.from({length: 2 * hop}, (_, i) =>
      Math.sin((Math.PI * (i + 0.5)) / (2 * hop)),
    );
    this.#bins = bandBins(hop + 1);
    this.#gaussian = gaussianNumbers(seed);
    this.#tail = new Float64Array(hop);
  }

  /** float64 [hop]; from the first call on, the powers move smoothly to those asked for. */
  generate(powers) {
    const before = this.#powers ?? powers;
    this.#powers = powers.map((power, band) => before[band] + SMOOTHING * (power - before[band]));
    const total = this.#powers.reduce((sum, power) => sum + power);
    // Below -120 dB there is nothing to hear.
    const block = total > 1e-12 ? this.#coloured(this.#powers) : new Float64Array(2 * this.#hop);
    const out = this.#tail.map((tail, i) => tail + this.#window[i] * block[i]);
    this.#tail = this.#tail.map((_, i) => this.#window[this.#hop + i] * block[this.#hop + i]);
    return out;
  }

  /** A block of noise with these band powers: the transform of random bins. */
  #coloured(powers) {
    const size = 2 * this.#hop;
    const real = new Float64Array(size);
    const imaginary = new Float64Array(size);
    for (let band = 0; band < powers.length; band++) {
      const width = Math.max(1, this.#bins[band + 1] - this.#bins[band]);
      const scale = Math.sqrt((powers[band] * (this.#hop + 1)) / width / size);
      for (let bin = this.#bins[band]; bin < this.#bins[band + 1]; bin++) {
        // Bins 0 and size / 2 have no partner, and only a real part.
        const single = bin === 0 || bin === this.#hop;
        const part = scale * (single ? 1 : Math.SQRT1_2);
        real[bin] = part * this.#gaussian();
        imaginary[bin] = single ? 0 : part * this.#gaussian();
        real[(size - bin) % size] = real[bin];
        imaginary[(size - bin) % size] = -imaginary[bin];
      }
    }
    return this.#fourier.forward(real, imaginary).real;
  }
}

/** What the quiet moments of the last seconds sound like. */
export class Background {
  #memory = [];
  #memoryFrames;
  #analyzer;

  constructor(frameRate, hop) {
    this.#memoryFrames = Math.round(MEMORY_SECONDS * frameRate);
    this.#analyzer = new NoiseAnalyzer(hop);
  }

  /** Takes note of a frame that came from the other side. */
  hear(samples) {
    this.#memory.push(samples.slice());
    if (this.#memory.length > this.#memoryFrames) this.#memory.shift();
  }

  /** Band powers of the quietest frames in memory; zeros before anything was heard. */
  powers() {
    if (this.#memory.length === 0) return noPowers();
    const energies = this.#memory.map((frame) => frame.reduce((sum, x) => sum + x * x, 0));
    const order = [...energies.keys()].sort((a, b) => energies[a] - energies[b]);
    const numQuiet = Math.max(1, Math.floor(QUIET_SHARE * order.length));
    const quiet = order.slice(0, numQuiet).map((index) => this.#memory[index]);
    const powers = this.#analyzer.bandPowers(quiet);
    const total = powers.reduce((sum, power) => sum + power);
    return powers.map(
      (power) => (power * LOUDEST_BACKGROUND) / Math.max(total, LOUDEST_BACKGROUND),
    );
  }
}
