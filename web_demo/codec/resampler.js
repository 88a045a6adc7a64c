const HALF_WIDTH = 24; // zero crossings of the kernel on each side
const ROLLOFF = 0.95; // of half the lower rate is kept
const BETA = 9; // of the Kaiser window: about 90 dB
const MAX_PHASES = 1024; // kernels that are computed; rates with more share the nearest one

/**
 * Changes the sampling rate of a stream, band-limited (windowed sinc) and without delay: sample i
 * that comes out is at the time i / toRate of what went in.
 */
export class Resampler {
  #step; // input samples per output sample: a fraction, so that no error adds up
  #divisor;
  #kernels = new Map();
  #half; // input samples on each side that one output sample needs
  #cutoff; // of the kernel, as a share of the input's rate
  #held = new Float32Array(0);
  #start = 0; // number of the first held input sample
  #numOut = 0;
  #numIn = 0;

  constructor(fromRate, toRate) {
    const common = greatestCommonDivisor(fromRate, toRate);
    this.#step = fromRate / common;
    this.#divisor = toRate / common;
    this.#cutoff = fromRate === toRate ? 1 : ROLLOFF * Math.min(1, toRate / fromRate);
    this.#half = fromRate === toRate ? 0 : Math.ceil(HALF_WIDTH / this.#cutoff);
    this.#hold(new Float32Array(this.#half)); // silence before the first sample
    this.#start = -this.#half;
    this.#numIn = 0;
  }

  /** Takes samples and gives all that can be computed from those up to now. */
  push(samples) {
    if (this.#step === this.#divisor) return samples;
    this.#hold(samples);
    this.#numIn += samples.length;
    return this.#outputs(
      Math.floor(((this.#numIn - this.#half - 1) * this.#divisor) / this.#step) + 1,
    );
  }

  /** The rest, as if silence followed: in all, one sample for every 1 / toRate of the input. */
  flush() {
    if (this.#step === this.#divisor) return new Float32Array(0);
    this.#hold(new Float32Array(this.#half + 1));
    return this.#outputs(Math.ceil((this.#numIn * this.#divisor) / this.#step));
  }

  #hold(samples) {
    const held = new Float32Array(this.#held.length + samples.length);
    held.set(this.#held);
    held.set(samples, this.#held.length);
    this.#held = held;
  }

  #outputs(end) {
    const out = new Float32Array(Math.max(0, end - this.#numOut));
    for (let i = 0; i < out.length; i++, this.#numOut++) {
      const position = this.#numOut * this.#step;
      const whole = Math.floor(position / this.#divisor);
      const kernel = this.#kernel(position % this.#divisor);
      const from = whole - this.#half + 1 - this.#start;
      let sum = 0;
      for (let tap = 0; tap < kernel.length; tap++) sum += kernel[tap] * this.#held[from + tap];
      out[i] = sum;
    }
    const next = Math.floor((this.#numOut * this.#step) / this.#divisor) - this.#half;
    const done = Math.min(this.#held.length, Math.max(0, next - this.#start));
    this.#held = this.#held.slice(done);
    this.#start += done;
    return out;
  }

  /** The weights of the inputs around a point that lies remainder / divisor behind one of them. */
  #kernel(remainder) {
    const phases = Math.min(this.#divisor, MAX_PHASES);
    const phase = Math.round((remainder * phases) / this.#divisor);
    if (!this.#kernels.has(phase)) {
      const kernel = new Float32Array(2 * this.#half);
      for (let tap = 0; tap < kernel.length; tap++) {
        const distance = tap - this.#half + 1 - phase / phases;
        const window = kaiser(distance / this.#half);
        kernel[tap] = this.#cutoff * sinc(this.#cutoff * distance) * window;
      }
      this.#kernels.set(phase, kernel);
    }
    return this.#kernels.get(phase);
  }
}

const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const kaiser = (x) => (Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA));

/** The modified Bessel function of order 0. */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
