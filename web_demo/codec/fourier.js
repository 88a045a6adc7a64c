/** Fourier transforms of one length, best a product of small numbers (Cooley and Tukey, 1965). */
export class Fourier {
  #size;
  #factors;
  #cosines;
  #sines;

  constructor(size) {
    this.#size = size;
    this.#factors = factorsOf(size);
    this.#cosines = Float64Array.from({length: size}, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.#sines = Float64Array.from({length: size}, (_, i) => Math.sin((2 * Math.PI * i) / size));
  }

  /** X[k] = sum of x[n] exp(-2 pi i k n / size): {real, imaginary}, arrays of the size. */
  forward(real, imaginary) {
    const out = {
      real: new Float64Array(this.#size),
      imaginary: new Float64Array(this.#size),
    };
    this.#part(real, imaginary, 0, 1, out, 0, this.#size, 0);
    return out;
  }

  /** The power of bins 0 to size / 2 of a real signal: float64 [size / 2 + 1]. */
  powers(samples) {
    const {real, imaginary} = this.forward(samples, new Float64Array(this.#size));
    const numBins = Math.floor(this.#size / 2) + 1;
    return Float64Array.from({length: numBins}, (_, k) => real[k] ** 2 + imaginary[k] ** 2);
  }

  /** Transforms every `stride`th sample from `from` on into out[to .. to + size). */
  #part(real, imaginary, from, stride, out, to, size, depth) {
    if (size === 1) {
      out.real[to] = real[from];
      out.imaginary[to] = imaginary[from];
      return;
    }
    const factor = this.#factors[depth];
    const length = size / factor;
    for (let i = 0; i < factor; i++) {
      const start = from + i * stride;
      this.#part(real, imaginary, start, stride * factor, out, to + i * length, length, depth + 1);
    }
    const partsReal = new Float64Array(factor);
    const partsImaginary = new Float64Array(factor);
    for (let k = 0; k < length; k++) {
      for (let i = 0; i < factor; i++) {
        partsReal[i] = out.real[to + i * length + k];
        partsImaginary[i] = out.imaginary[to + i * length + k];
      }
      for (let j = 0; j < factor; j++) {
        let sumReal = 0;
        let sumImaginary = 0;
        for (let i = 0; i < factor; i++) {
          const turn = (i * (k + j * length) * stride) % this.#size;
          const [c, s] = [this.#cosines[turn], this.#sines[turn]];
          sumReal += partsReal[i] * c + partsImaginary[i] * s;
          sumImaginary += partsImaginary[i] * c - partsReal[i] * s;
        }
        out.real[to + j * length + k] = sumReal;
        out.imaginary[to + j * length + k] = sumImaginary;
      }
    }
  }
}

function factorsOf(size) {
  const factors = [];
  for (let factor = 2; size > 1; factor++) {
    for (; size % factor === 0; size /= factor) factors.push(factor);
  }
  return factors;
}
