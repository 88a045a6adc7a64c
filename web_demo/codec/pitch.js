const WINDOW_SECONDS = 0.02; // of the end of the sound that is looked for in what came before
const SHORTEST_SECONDS = 0.0025; // pitch periods: 400 Hz
const LONGEST_SECONDS = 0.025; // to 40 Hz
export const PAST_SECONDS = WINDOW_SECONDS + 1.25 * LONGEST_SECONDS; // how much of the past is used

/** Samples after which the end of `past` repeats best (normalised correlation). */
export function pitchPeriod(past, sampleRate) {
  const window = Math.round(WINDOW_SECONDS * sampleRate);
  const shortest = Math.round(SHORTEST_SECONDS * sampleRate);
  const longest = Math.round(LONGEST_SECONDS * sampleRate);
  const start = past.length - window; // of the end of the sound
  let best = shortest;
  let highest = -Infinity;
  for (let lag = shortest; lag <= longest; lag++) {
    let similarity = 0;
    let energy = 0;
    for (let i = start; i < past.length; i++) {
      similarity += past[i] * past[i - lag];
      energy += past[i - lag] ** 2;
    }
    const normalised = similarity / Math.sqrt(energy + 1e-9);
    if (normalised > highest) {
      highest = normalised;
      best = lag;
    }
  }
  return best;
}

/**
 * Goes on with a sound: its last period again and again. A quarter of it is blended with the sound
 * one period before, so that it has no seam where it starts anew.
 *
 * @param {Float32Array} past at least PAST_SECONDS
 * @returns {Float32Array} [numSamples]
 */
export function extend(past, numSamples, sampleRate) {
  const period = pitchPeriod(past, sampleRate);
  const cycle = past.slice(-period);
  const seam = Math.floor(period / 4);
  for (let i = 0; i < seam; i++) {
    const at = period - seam + i;
    const before = past[past.length - period - seam + i];
    cycle[at] += ((i + 1) / (seam + 1)) * (before - cycle[at]);
  }
  return Float32Array.from({length: numSamples}, (_, i) => cycle[i % period]);
}
