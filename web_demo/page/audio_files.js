import {mixed} from '../codec/mix.js';
import {isWav, readWav} from '../codec/wav.js';

const MAX_BYTES = 200e6;
const OTHER_RATE = 48_000; // of formats that do not say theirs where it is easily found

/** Whether a file is of our own format, by what it holds or else by its name. */
export const isSst = (name, bytes) =>
  startsWith(bytes, 'SST') || name.toLowerCase().endsWith('.sst');

/** Any sound file as mono: {samples, sampleRate}; Error with one line if it is none. */
export async function readAudio(bytes) {
  if (bytes.length === 0) throw new Error('it is empty');
  if (bytes.length > MAX_BYTES) throw new Error('it is too large for a page: use codec.py');
  if (isWav(bytes)) {
    const {channels, sampleRate} = readWav(bytes);
    if (sampleRate < 1_000 || sampleRate > 1_000_000) {
      throw new Error(`its sampling rate is ${sampleRate} Hz`);
    }
    return {samples: mixed(channels), sampleRate};
  }
  const sampleRate = rateOf(bytes);
  let audio;
  try {
    const context = new OfflineAudioContext(1, 1, sampleRate);
    audio = await context.decodeAudioData(bytes.slice().buffer);
  } catch {
    throw new Error('it is not a sound that this browser can read');
  }
  const channels = Array.from({length: audio.numberOfChannels}, (_, i) => audio.getChannelData(i));
  return {samples: mixed(channels), sampleRate};
}

/** The rate to decode at: the file's own, so that nothing is resampled. */
function rateOf(bytes) {
  if (!startsWith(bytes, 'fLaC') || bytes.length < 22) return OTHER_RATE;
  const rate = (bytes[18] << 12) | (bytes[19] << 4) | (bytes[20] >> 4);
  return rate >= 8_000 && rate <= 96_000 ? rate : OTHER_RATE; // what every browser takes
}

function startsWith(bytes, text) {
  return [...text].every((character, i) => bytes[i] === character.charCodeAt(0));
}
