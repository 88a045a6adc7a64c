/** What plays: the queue, the network that loses packets, the call, the session. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {ContainerReader} from '../../web_demo/bitstream/container.js';
import {PacketCoder} from '../../web_demo/bitstream/packets.js';
import {gaussianNumbers} from '../../web_demo/codec/random.js';
import {isWav, readWav} from '../../web_demo/codec/wav.js';
import {LossSimulator} from '../../web_demo/live/loss_simulator.js';
import {PlayQueue} from '../../web_demo/live/play_queue.js';
import {Sender} from '../../web_demo/live/sender.js';
import {Session} from '../../web_demo/live/session.js';
import {NUM_ROWS, Spectrum} from '../../web_demo/live/spectrum.js';
import {abxTrials, guessProbability} from '../../web_demo/page/abx.js';
import {graph, metadata, tables} from './shipped.js';

const RATE = 48_000;
const FRAME = RATE / 50;

const ramp = (from, count) => Float32Array.from({length: count}, (_, i) => from + i);
const read = (queue, count) => {
  const outputs = [new Float32Array(count), new Float32Array(count)];
  queue.read(outputs);
  return outputs;
};

test('the queue waits for 60 ms, keeps both signals in step and counts underruns', () => {
  const queue = new PlayQueue(RATE);
  for (let i = 0; i < 2; i++) {
    queue.push([ramp(1 + i * FRAME, FRAME), ramp(-1 - i * FRAME, FRAME)], (i + 1) / 50);
  }
  assert.deepEqual(read(queue, 128)[0], new Float32Array(128));
  queue.push([ramp(1 + 2 * FRAME, FRAME), ramp(-1 - 2 * FRAME, FRAME)], 3 / 50);
  const [original, decoded] = read(queue, 2 * FRAME);
  assert.deepEqual(original, ramp(1, 2 * FRAME));
  assert.ok(Math.abs(queue.position - 2 / 50) < 1e-9);
  assert.equal(decoded[0], -1);
  const tail = read(queue, FRAME + 1000)[0];
  assert.equal(queue.underruns, 1);
  assert.ok(tail[FRAME] < tail[FRAME - 1] && tail[FRAME + 999] < 0.01 * tail[FRAME - 1]);
  read(queue, 128);
  assert.equal(queue.underruns, 1, 'waiting is not another underrun');
});

test('what is asked for stays at 80 ms, and the end is no underrun', () => {
  const queue = new PlayQueue(RATE);
  let asked = 0;
  while (queue.wants(asked * FRAME)) asked++;
  assert.equal(asked, 4);
  queue.push([ramp(0, 3 * FRAME), ramp(0, 3 * FRAME)], 0.06);
  queue.finish();
  assert.ok(!queue.wants(0) && !queue.isDone);
  read(queue, 4 * FRAME);
  assert.ok(queue.isDone);
  assert.equal(queue.underruns, 0);
  queue.clear();
  assert.ok(queue.wants(0));
});

test('live sound that drifts is dropped down to 80 ms, without a click', () => {
  const queue = new PlayQueue(RATE);
  queue.live = true;
  const constant = new Float32Array(FRAME).fill(0.5);
  for (let i = 0; i < 6; i++) queue.push([constant, constant], (i + 1) / 50);
  assert.equal(queue.droppedSamples, 2 * FRAME);
  assert.ok(Math.abs(queue.queuedSeconds - 0.08) < 1e-9);
  assert.deepEqual(read(queue, FRAME)[0], constant);
  assert.ok(!queue.wants(0));
});

test('losses come at the rate asked for, in bursts', () => {
  for (const rate of [0, 0.05, 0.3]) {
    const loss = new LossSimulator(3);
    loss.lossRate = rate;
    const lost = Array.from({length: 50_000}, () => loss.losesNext());
    const count = lost.filter(Boolean).length;
    assert.ok(Math.abs(count / lost.length - rate) < 0.02, String(count));
    const bursts = lost.filter((now, i) => now && !lost[i - 1]).length;
    if (rate > 0) assert.ok(Math.abs(count / bursts - 2) < 0.2, String(count / bursts));
  }
});

test('a tone is where it belongs in the picture', () => {
  const spectrum = new Spectrum(16_000);
  const tone = (hz) =>
    Float32Array.from({length: 960}, (_, i) => Math.sin((2 * Math.PI * hz * i) / 16_000));
  const loudest = (hz) => {
    for (let at = 0; at < 640; at += 320) spectrum.column(tone(hz).subarray(at, at + 320));
    const column = spectrum.column(tone(hz).subarray(640));
    return column.indexOf(Math.max(...column));
  };
  const rows = [300, 1000, 4000, 7900].map(loudest);
  assert.deepEqual(
    rows,
    [...rows].sort((a, b) => a - b),
  );
  assert.ok(rows[0] > 5 && rows[3] >= NUM_ROWS - 2, String(rows));
});

test('an A/B/X test shows both orders, and knows what guessing gives', () => {
  const random = (() => {
    const numbers = [0.1, 0.9, 0.9, 0.1, 0.2, 0.3];
    return () => numbers.shift();
  })();
  assert.deepEqual(abxTrials(3, random), [
    {a: 'original', b: 'decoded', x: 'b'},
    {a: 'decoded', b: 'original', x: 'a'},
    {a: 'original', b: 'decoded', x: 'a'},
  ]);
  assert.equal(guessProbability(0, 5), 1);
  assert.equal(guessProbability(5, 5), 1 / 32);
  assert.equal(guessProbability(4, 5), 6 / 32);
});

/** A second of noise that comes and goes: float32 at 16 kHz. */
function speech(seconds) {
  const gaussian = gaussianNumbers(5);
  return Float32Array.from({length: 16_000 * seconds}, (_, i) => {
    const loud = Math.floor(i / 16_000) % 2 === 0;
    return (loud ? 0.1 * Math.sin(i * i * 1e-6) : 0) + 0.0003 * gaussian();
  });
}

test('in pauses one small packet is sent every 400 ms', async () => {
  const sender = new Sender(await graph('speech', 'encoder'), metadata, null, 3000);
  sender.dtx = true;
  const samples = speech(6);
  const sizes = [];
  for (let at = 0; at < samples.length; at += 320) {
    sizes.push(sender.send(samples.slice(at, at + 320))?.length ?? 0);
  }
  assert.deepEqual(new Set(sizes), new Set([0, 10]));
  const pauses = sizes.filter((size) => size === 0).length;
  assert.ok(pauses > 60 && pauses < 130, String(pauses));
  const runs = sizes
    .join(' ')
    .match(/(?:\b0 ?)+/g)
    .map((run) => run.trim().split(' ').length);
  assert.ok(Math.max(...runs) <= 19, String(runs));
});

/** A session with a port in place of the sound card. */
async function session() {
  const [encoder, decoder] = [await graph('speech', 'encoder'), await graph('speech', 'decoder')];
  const models = {metadata, tables, encoder, denoisingEncoder: null, decoder};
  const reports = [];
  const own = new Session(models, (report) => reports.push(report));
  const messages = [];
  const port = {postMessage: (message) => messages.push(structuredClone(message))};
  own.connect(port, RATE);
  const finished = (generator) => {
    let step = generator.next();
    while (!step.done) step = generator.next();
    return step.value;
  };
  const need = (count) => port.onmessage({data: {need: count}});
  return {own, messages, reports, port, finished, need};
}

test('a recording is played to its end, in step, at the rate that is set meanwhile', async () => {
  const {own, messages, reports, need} = await session();
  own.set({repeats: false, bitrateBps: 900});
  const {seconds} = own.openRecording(speech(1), 16_000);
  assert.equal(seconds, 1);
  own.play(0);
  need(25);
  own.set({bitrateBps: 18_000, lossRate: 0.3});
  need(40);
  assert.deepEqual(messages.at(-1), {finish: true});
  const pairs = messages.filter(({signals}) => signals !== undefined);
  for (const {signals} of pairs) assert.equal(signals[0].length, signals[1].length);
  const length = pairs.reduce((sum, {signals}) => sum + signals[0].length, 0);
  assert.ok(length >= RATE && length < 1.1 * RATE, String(length));
  const sizes = reports.slice(0, 50).map(({bytes}) => bytes);
  assert.ok(
    sizes.slice(0, 25).every((size) => size >= 3 && size <= 5),
    String(sizes),
  );
  assert.ok(
    sizes.slice(25).every((size) => size > 20 && size <= 47),
    String(sizes),
  );
  assert.ok(reports.slice(0, 25).every(({fate}) => fate === 'sent'));
  assert.ok(reports.slice(25).some(({fate}) => fate === 'lost'));
});

test('a recording is saved, opened again and decoded; what is no sound is refused', async () => {
  const {own, messages, need, finished} = await session();
  assert.throws(() => own.openRecording(new Float32Array(0), 16_000), /it holds no sound/);
  assert.throws(() => own.openRecording(new Float32Array(13e6), 8000), /longer than 20 minutes/);
  own.openRecording(speech(2).subarray(0, 20_001), 16_000);
  own.set({bitrateBps: 6000, dtx: true});
  const bytes = finished(own.encode());
  const reader = new ContainerReader(bytes);
  const coder = new PacketCoder(metadata.bitsPerCode, 1, tables);
  for (const {packet} of reader) {
    if (packet.holdsCodes) assert.equal(coder.decode(packet).length, packet.numFrames * 20);
  }
  const facts = own.openStream(bytes);
  assert.deepEqual([facts.seconds, facts.nominalBps, facts.damage], [20_001 / 16_000, 6000, []]);
  own.set({repeats: false});
  own.play(0.5);
  need(100);
  assert.deepEqual(messages.at(-1), {finish: true});
  const wav = finished(own.decode());
  assert.ok(isWav(wav));
  assert.equal(readWav(wav).channels[0].length, 20_001);
  assert.deepEqual(finished(own.encode()), bytes);
  assert.throws(() => own.openStream(bytes.subarray(0, 44)), /it holds no sound/);
  assert.throws(() => own.openStream(bytes.subarray(0, 20)), /cut within its header/);
});

test('what the microphone gave is a recording afterwards', async () => {
  const {own, port, messages} = await session();
  own.startLive();
  assert.equal(messages.at(-1).live, true);
  for (let i = 0; i < 50; i++) port.onmessage({data: {capture: new Float32Array(FRAME).fill(0.1)}});
  assert.ok(messages.filter(({signals}) => signals !== undefined).length === 50);
  assert.equal(own.stopLive().seconds, 1);
  own.play(0);
  assert.equal(messages.at(-1).live, false);
});
