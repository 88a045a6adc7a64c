import {NoiseGenerator} from '../codec/comfort_noise.js';

const HOP_SECONDS = 0.02;
const NOISE_DB = 8; // below the speech
const COLOUR = Float64Array.of(8, 4, 3, 1, 0.7, 0.5, 0.3, 0.2); // of the bands: a fan, a street

/** The same recording in noise, so that there is something to remove. */
export function withNoise({samples, sampleRate}) {
  const hop = Math.round(HOP_SECONDS * sampleRate);
  const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
  const total = COLOUR.reduce((sum, share) => sum + share);
  const scale = (power * 10 ** (-NOISE_DB / 10)) / total;
  const powers = COLOUR.map((share) => scale * share);
  const generator = new NoiseGenerator(hop);
  const noisy = samples.slice();
  for (let start = 0; start < noisy.length; start += hop) {
    const noise = generator.generate(powers);
    const count = Math.min(hop, noisy.length - start);
    for (let i = 0; i < count; i++) noisy[start + i] += noise[i];
  }
  return {samples: noisy, sampleRate};
}
