/** The shipped models in JavaScript against what Python made of the same signal. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {Packet, PacketCoder} from '../../web_demo/bitstream/packets.js';
import {StreamingDecoder, StreamingEncoder} from '../../web_demo/codec/streaming.js';
import {hex, jsonOf} from './read.js';
import {graph, metadata} from './shipped.js';

const NUM_FRAMES = 25;

/** A gliding triangle wave and noise in integer arithmetic, as make_model_vectors.py has it. */
function signal(numSamples) {
  let state = 1n;
  return Float32Array.from({length: numSamples}, (_, n) => {
    const half = 60 + Math.floor(n / 200);
    state = (state * 1103515245n + 12345n) % (1n << 31n);
    const triangle = 2 * Math.abs((n % (2 * half)) - half) - half;
    return (Math.floor((6000 * triangle) / half) + (Number(state >> 16n) % 1001) - 500) / 32768;
  });
}

const SAMPLES = signal(NUM_FRAMES * metadata.hop);
const int8 = (vectors) => vectors.filter(({flavour}) => flavour === 'dynamic_int8');

function snrDb(samples, wanted) {
  let error = 0;
  let power = 0;
  samples.forEach((sample, i) => {
    error += (32768 * sample - wanted[i]) ** 2;
    power += wanted[i] ** 2;
  });
  return 10 * Math.log10(power / error);
}

function decoded(decoder, codes) {
  return codes.flatMap((frame) => [...decoder.decode(Int32Array.from(frame))]);
}

test('the plain model gives the codes and the audio of Python', async () => {
  const encoderGraph = await graph('speech', 'encoder');
  const decoderGraph = await graph('speech', 'decoder');
  for (const vector of int8(jsonOf('tests/golden/model_speech.json').vectors)) {
    const encoder = new StreamingEncoder(encoderGraph, metadata, vector.bitrate_bps);
    const codes = vector.codes.map((_, frame) =>
      encoder.encode(SAMPLES.subarray(frame * metadata.hop, (frame + 1) * metadata.hop)),
    );
    assert.deepEqual(
      codes.map((frame) => [...frame]),
      vector.codes,
    );
    const packet = Packet.fromBytes(hex(vector.packet));
    const read = new PacketCoder(metadata.bitsPerCode).decode(packet);
    assert.deepEqual([...read], vector.codes.flat());
    const audio = decoded(new StreamingDecoder(decoderGraph, metadata), vector.codes);
    const snr = snrDb(audio, vector.audio);
    console.log(`${vector.bitrate_bps} bps: audio as in Python to ${snr.toFixed(1)} dB`);
    assert.ok(snr > 40, `${snr} dB`);
  }
});

test('the bitrate may change at every frame, and the codes stay those of each rate', async () => {
  const encoderGraph = await graph('speech', 'encoder');
  const byRate = Object.fromEntries(
    int8(jsonOf('tests/golden/model_speech.json').vectors).map((v) => [v.bitrate_bps, v.codes]),
  );
  const encoder = new StreamingEncoder(encoderGraph, metadata, 900);
  for (let frame = 0; frame < NUM_FRAMES; frame++) {
    const rate = [900, 3000, 12000][frame % 3];
    encoder.setBitrate(rate);
    const codes = encoder.encode(
      SAMPLES.subarray(frame * metadata.hop, (frame + 1) * metadata.hop),
    );
    const levels = metadata.numQuantizersFor(rate);
    assert.deepEqual([...codes], (byRate[rate] ?? byRate[3000])[frame].slice(0, levels));
  }
  assert.throws(() => encoder.setBitrate(1000), /bitrate 1000 bps is not possible/);
});

test('the denoising encoder gives nearly the audio of Python', async () => {
  const encoderGraph = await graph('speech_denoise', 'encoder');
  const decoderGraph = await graph('speech', 'decoder');
  for (const vector of int8(jsonOf('tests/golden/model_speech_denoise.json').vectors)) {
    const encoder = new StreamingEncoder(encoderGraph, metadata, vector.bitrate_bps);
    assert.ok(encoder.denoises);
    const codes = vector.codes.map((_, frame) =>
      encoder.encode(SAMPLES.subarray(frame * metadata.hop, (frame + 1) * metadata.hop)),
    );
    const audio = decoded(
      new StreamingDecoder(decoderGraph, metadata),
      codes.map((c) => [...c]),
    );
    const snr = snrDb(audio, vector.audio);
    console.log(`${vector.bitrate_bps} bps, denoised: as in Python to ${snr.toFixed(1)} dB`);
    // The codes differ in places, so only what is heard is compared, and loosely.
    assert.ok(snr > 6, `${snr} dB`);
  }
});
