/** What surrounds the model: concealment, pauses, resampling, wav. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {EntropyTables} from '../../web_demo/bitstream/entropy_tables.js';
import {
  NoiseAnalyzer,
  NoiseGenerator,
  describeNoise,
  powersOf,
} from '../../web_demo/codec/comfort_noise.js';
import {ConcealingDecoder} from '../../web_demo/codec/concealment.js';
import {decodeAudio, encodeAudio, resampling} from '../../web_demo/codec/file_codec.js';
import {Fourier} from '../../web_demo/codec/fourier.js';
import {Metadata} from '../../web_demo/codec/metadata.js';
import {gaussianNumbers} from '../../web_demo/codec/random.js';
import {Resampler} from '../../web_demo/codec/resampler.js';
import {VoiceActivityDetector} from '../../web_demo/codec/voice_activity.js';
import {isWav, readWav, writeWav} from '../../web_demo/codec/wav.js';
import {bytesOf} from './read.js';

const VECTORS = 'android_demo/codec/src/test/resources/vectors';
const METADATA = new Metadata({
  ...{name: 'vectors', model_id: '00c0ffee12345678', sample_rate: 4000, hop: 20},
  ...{frames_per_call: 1, streams_per_call: 1, format_version: 1, codebook_size: 32},
  ...{num_quantizers: 6, bitrates_bps: [2000, 6000]},
});

/** A decoder with a state that any language can write in three lines. */
class VectorDecoder {
  constructor() {
    this.reset();
  }

  reset() {
    this.state = 0;
    this.numFrames = 0;
  }

  decode(codes) {
    const drive = codes.reduce((sum, code, level) => sum + code * (level + 1), 0);
    this.state = drive && 0.5 * this.state + drive;
    this.numFrames++;
    return Float32Array.from(
      {length: METADATA.hop},
      (_, i) => (this.state * (((37 * i + 11 * this.numFrames) % 64) - 31.5)) / 32768,
    );
  }

  delete() {}
}

const newDecoder = () => new ConcealingDecoder(new VectorDecoder(), METADATA);

function run(generator) {
  let step = generator.next();
  while (!step.done) step = generator.next();
  return step.value;
}

const rms = (samples) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);

for (const [name, tables] of [
  ['damaged', null],
  ['stereo_coded', new EntropyTables(bytesOf(`${VECTORS}/tables.sset`))],
]) {
  test(`losses and pauses sound as on the Python side: ${name}`, () => {
    const bytes = bytesOf(`${VECTORS}/${name}.sst`);
    const {channels} = run(decodeAudio(bytes, METADATA, tables, newDecoder));
    const expected = Buffer.from(bytesOf(`${VECTORS}/${name}.s16`));
    assert.equal(expected.length, 2 * channels.length * channels[0].length);
    for (let i = 0; i < channels[0].length; i++) {
      channels.forEach((channel, c) => {
        const wanted = expected.readInt16BE(2 * (i * channels.length + c));
        assert.ok(Math.abs(32768 * channel[i] - wanted) <= 0.51, `sample ${i} of channel ${c}`);
      });
    }
  });
}

test('files that cannot be decoded are refused in one line', () => {
  const decode = (bytes, tables = null) => run(decodeAudio(bytes, METADATA, tables, newDecoder));
  const coded = bytesOf(`${VECTORS}/stereo_coded.sst`);
  assert.throws(() => decode(coded), /made with other entropy tables/);
  assert.throws(() => decode(new Uint8Array(0)), /not an .sst file: it is empty/);
  assert.throws(() => decode(bytesOf('README.md')), /not an .sst file: it starts with/);
  const other = Object.assign(Object.create(METADATA), {modelId: '0123456789abcdef'});
  const mono = bytesOf(`${VECTORS}/mono.sst`);
  assert.throws(() => run(decodeAudio(mono, other, null, newDecoder)), /made with another model/);
});

test('a cut file gives all before the cut, and says so', () => {
  const {channels, damage} = run(
    decodeAudio(bytesOf(`${VECTORS}/cut.sst`), METADATA, null, newDecoder),
  );
  assert.ok(channels[0].length > 8000);
  assert.match(damage[0], /^truncated: it ends after/);
});

test('a loss fades to the background, and a silent one to silence', () => {
  const decoder = newDecoder();
  for (let i = 0; i < 60; i++) decoder.decode(Int32Array.of(9, 9, 9));
  const before = rms(decoder.decode(Int32Array.of(9, 9, 9)));
  const gains = Array.from({length: 40}, () => rms(decoder.conceal()) / before);
  assert.ok(gains[0] > 0.5 && gains[39] < 0.7 * gains[0], String(gains));
  decoder.reset();
  assert.equal(rms(decoder.conceal()), 0);
});

test('the transform finds a tone, whatever the factors of its length', () => {
  for (const size of [320, 512, 60, 7]) {
    const bin = 3;
    const tone = Float64Array.from({length: size}, (_, i) =>
      Math.cos((2 * Math.PI * bin * i) / size),
    );
    const powers = new Fourier(size).powers(tone);
    powers.forEach((power, k) => {
      assert.ok(Math.abs(power - (k === bin ? (size / 2) ** 2 : 0)) < 1e-6, `${size}, bin ${k}`);
    });
  }
});

test('noise is described in half decibels and made again', () => {
  const powers = powersOf(Uint8Array.of(60, 70, 80, 90, 100, 110, 120, 255));
  assert.deepEqual([...describeNoise(powers)], [60, 70, 80, 90, 100, 110, 120, 255]);
  const generator = new NoiseGenerator(320);
  const frames = Array.from({length: 400}, () => generator.generate(powers)).slice(1);
  const measured = new NoiseAnalyzer(320).bandPowers(frames);
  powers.slice(0, 4).forEach((power, band) => {
    const db = 10 * Math.log10(measured[band] / power);
    assert.ok(Math.abs(db) < 1, `band ${band} is ${db} dB off`);
  });
});

test('speech is told from a pause', () => {
  const detector = new VoiceActivityDetector(50);
  const gaussian = gaussianNumbers(1);
  const frame = (level) => Float32Array.from({length: 320}, () => level * gaussian());
  for (let i = 0; i < 400; i++) detector.isActive(frame(0.001));
  assert.ok(!detector.isActive(frame(0.001)));
  assert.ok(detector.isActive(frame(0.03)));
  const after = Array.from({length: 12}, () => detector.isActive(frame(0.001)));
  assert.deepEqual(
    after,
    Array.from({length: 12}, (_, i) => i < 9),
  );
});

for (const [from, to] of [
  [48000, 16000],
  [44100, 16000],
  [16000, 44100],
  [16000, 48000],
  [22050, 16000],
  [16000, 11025],
]) {
  test(`${from} to ${to} Hz keeps a tone, its place and the length, in pieces as whole`, () => {
    const tone = (rate, hz) =>
      Float32Array.from({length: rate}, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
    const whole = run(resampling(tone(from, 1000), from, to));
    assert.equal(whole.length, to);
    const wanted = tone(to, 1000);
    const inner = whole.slice(100, -100).map((x, i) => x - wanted[i + 100]);
    assert.ok(rms(inner) < 1e-3, `error ${rms(inner)}`);

    const resampler = new Resampler(from, to);
    const source = tone(from, 1000);
    const pieces = [];
    for (let at = 0, size = 1; at < source.length; at += size, size = (size * 7) % 1009) {
      pieces.push(...resampler.push(source.subarray(at, at + size)));
    }
    pieces.push(...resampler.flush());
    assert.deepEqual(Float32Array.from(pieces), whole);

    if (to < from) {
      const above = run(resampling(tone(from, 0.6 * to), from, to)).slice(100, -100);
      assert.ok(rms(above) < 1e-3, `alias of ${rms(above)}`);
    }
  });
}

test('wav is read as it is, and written in 16 bits', () => {
  const channels = [Float32Array.of(0, 0.5, -1), Float32Array.of(1, -0.25, 2 ** -15)];
  const bytes = writeWav(channels, 22050);
  assert.ok(isWav(bytes));
  const read = readWav(bytes);
  assert.equal(read.sampleRate, 22050);
  assert.deepEqual(read.channels[0], channels[0]);
  assert.deepEqual([...read.channels[1]], [32767 / 32768, -0.25, 2 ** -15]);
  assert.throws(() => readWav(bytes.subarray(0, 36)), /without sound/);
  const odd = bytes.slice();
  odd[34] = 12;
  assert.throws(() => readWav(odd), /format 1 with 12 bits/);
});

test('a recording of any length and rate comes back with them', () => {
  const encoder = {
    denoises: false,
    encode: (frame) => Int32Array.from([4, 2], (x) => (frame.some((y) => y !== 0) ? x : 0)),
  };
  for (const [length, rate] of [
    [1, 4000],
    [12_345, 11_025],
    [0, 8000],
  ]) {
    const samples = new Float32Array(length).fill(0.1);
    const options = {bitrateBps: 2000, tables: null, dtx: false, denoise: false};
    const bytes = run(encodeAudio(samples, rate, encoder, METADATA, options));
    const {header, channels, damage} = run(decodeAudio(bytes, METADATA, null, newDecoder));
    assert.deepEqual([header.sampleRate, channels[0].length, damage.length], [rate, length, 0]);
  }
});
