/** The format in JavaScript against the vectors that every implementation must meet. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {ContainerReader, ContainerWriter} from '../../web_demo/bitstream/container.js';
import {EntropyTables} from '../../web_demo/bitstream/entropy_tables.js';
import {Header} from '../../web_demo/bitstream/header.js';
import {Packet} from '../../web_demo/bitstream/packets.js';
import {packCodes, unpackCodes} from '../../web_demo/bitstream/packing.js';
import {RangeDecoder, RangeEncoder, TOTAL} from '../../web_demo/bitstream/range_coder.js';
import {bytesOf, hex, jsonOf, toHex} from './read.js';

const GOLDEN = jsonOf('tests/golden/format.json');
const TABLES = new EntropyTables(hex(GOLDEN.entropy_coding.tables));
const VECTORS = 'android_demo/codec/src/test/resources/vectors';

const linesOf = (name) =>
  Buffer.from(bytesOf(`${VECTORS}/${name}.txt`))
    .toString()
    .trimEnd()
    .split('\n');
const numbers = (text) => (text === '' ? [] : text.split(' ').map(Number));

test('codes are packed and unpacked', () => {
  const short = linesOf('packing').map((line) => line.split('|'));
  const vectors = [
    ...GOLDEN.packing.map((v) => [v.bits_per_code, v.codes.flat(2), v.bytes]),
    ...short.map(([bits, codes, bytes]) => [Number(bits), numbers(codes), bytes]),
  ];
  for (const [bits, codes, bytes] of vectors) {
    assert.equal(toHex(packCodes(codes, bits)), bytes);
    assert.deepEqual([...unpackCodes(hex(bytes), codes.length, bits)], codes);
  }
  assert.throws(() => packCodes([64], 6), /code 64 does not fit into 6 bits/);
});

test('the range coder gives the same bytes, carries and all', () => {
  for (const {starts, frequencies, bytes} of GOLDEN.range_coder) {
    const encoder = new RangeEncoder();
    starts.forEach((start, i) => encoder.encode(start, frequencies[i]));
    assert.equal(toHex(encoder.finish()), bytes);
    const decoder = new RangeDecoder(hex(bytes));
    starts.forEach((start, i) => {
      const inner = [start, start + frequencies[i]];
      const row = Uint16Array.from([...new Set([0, ...inner, TOTAL])]);
      assert.equal(row[decoder.decode(row, 0, row.length - 1)], start);
    });
  }
});

test('entropy tables are read, and code the same', () => {
  assert.equal(TABLES.id, GOLDEN.entropy_coding.id);
  for (const {codes, bytes} of GOLDEN.entropy_coding.coded) {
    const [channels, levels] = [codes[0].length, codes[0][0].length];
    assert.equal(toHex(TABLES.encode(codes.flat(2), channels, levels)), bytes);
    const read = TABLES.decode(hex(bytes), codes.length, channels, levels);
    assert.deepEqual([...read], codes.flat(2));
  }
  const damaged = hex(GOLDEN.entropy_coding.tables);
  damaged[damaged.length - 1] ^= 1;
  assert.throws(() => new EntropyTables(damaged), /does not sum to 32768/);
  assert.throws(() => new EntropyTables(damaged.slice(0, -9)), /cut short/);
});

test('packets are written and read', () => {
  for (const vector of GOLDEN.packets) {
    const packet = Packet.fromBytes(hex(vector.bytes));
    assert.deepEqual(
      [packet.kind, packet.numFrames, packet.numLevels, packet.denoise, toHex(packet.payload)],
      [vector.kind, vector.frames, vector.levels, vector.denoise, vector.payload],
    );
    assert.equal(toHex(packet.toBytes()), vector.bytes);
  }
});

test('a packet is entropy-coded where that is shorter', () => {
  const tables = new EntropyTables(bytesOf(`${VECTORS}/tables.sset`));
  for (const line of linesOf('packets')) {
    const [channels, frames, levels, denoise, coded, codes, bytes] = line.split('|');
    const fields = {
      ...{sampleRate: 4000, codedRate: 4000, hop: 20, numLevels: 6, bitsPerCode: 5},
      ...{modelId: '0'.repeat(16), numChannels: Number(channels)},
    };
    const coder = new Header(fields).packetCoder(coded === '1' ? tables : null);
    const packet = coder.encode(numbers(codes), Number(levels), denoise === '1');
    assert.equal(packet.numFrames, Number(frames));
    assert.equal(toHex(packet.toBytes()), bytes);
    assert.deepEqual([...coder.decode(packet)], numbers(codes));
  }
});

test('headers are put right, or refused in the same words', () => {
  for (const line of linesOf('headers')) {
    const [bytes, expected] = line.split('|');
    let result;
    try {
      result = toHex(Header.fromBytes(hex(bytes)).toBytes());
    } catch (error) {
      result = `error: ${error.message}`;
    }
    // The names of fields are spelt as each language does.
    assert.equal(result, expected.replace('bits_per_code', 'bitsPerCode'));
  }
});

for (const vector of GOLDEN.files) {
  test(`a file is read: ${vector.name}`, () => {
    const reader = new ContainerReader(hex(vector.bytes));
    const coder = reader.header.packetCoder(TABLES);
    const {numChannels} = reader.header;
    const blocks = [...reader].map(({start, numFrames, packet}) => ({
      start,
      frames: numFrames,
      kind: packet?.kind ?? null,
      denoise: packet?.denoise ?? false,
      codes: packet?.holdsCodes
        ? nested(coder.decode(packet), numChannels, packet.numLevels)
        : null,
    }));
    assert.deepEqual(blocks, vector.blocks);
    assert.equal(reader.complete, vector.complete);
    assert.equal(reader.truncated, !vector.complete);
    assert.equal(reader.numSamples, vector.samples);
    for (const [name, value] of Object.entries(vector.header)) {
      const own = reader.header[name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())];
      assert.equal(typeof own === 'bigint' ? Number(own) : own, value, name);
    }
  });
}

test('what is read is written again, byte for byte', () => {
  for (const vector of GOLDEN.files.slice(0, 2)) {
    const reader = new ContainerReader(hex(vector.bytes));
    const writer = new ContainerWriter(reader.header);
    for (const {packet} of reader) writer.write(packet);
    assert.equal(toHex(writer.finish(reader.totalSamples)), vector.bytes);
  }
});

for (const [name, tables] of [
  ['mono', null],
  ['damaged', null],
  ['cut', null],
  ['stereo_coded', new EntropyTables(bytesOf(`${VECTORS}/tables.sset`))],
]) {
  test(`a longer file is read as in Java and Python: ${name}`, () => {
    const reader = new ContainerReader(bytesOf(`${VECTORS}/${name}.sst`));
    const coder = reader.header.packetCoder(tables);
    const kinds = ['PACKED', 'ENTROPY_CODED', 'SILENCE', 'END'];
    const lines = [...reader].map(({start, numFrames, packet}) => {
      if (packet === null) return `${start}|${numFrames}|GAP|0|0|`;
      const codes = packet.holdsCodes ? coder.decode(packet).join(' ') : '';
      const facts = [kinds[packet.kind], packet.numLevels, Number(packet.denoise), codes];
      return [start, numFrames, ...facts].join('|');
    });
    const {numFrames, numPackets, lostFrames, skippedBytes, complete} = reader;
    const total = reader.lengthIsSound ? Number(reader.totalSamples) : -1;
    lines.push(
      [numFrames, numPackets, lostFrames, skippedBytes, Number(complete), total].join('|'),
    );
    assert.deepEqual(lines, linesOf(name));
  });
}

function nested(codes, numChannels, numLevels) {
  const frames = [];
  for (let at = 0; at < codes.length; at += numChannels * numLevels) {
    frames.push(
      Array.from({length: numChannels}, (_, channel) => [
        ...codes.subarray(at + channel * numLevels, at + (channel + 1) * numLevels),
      ]),
    );
  }
  return frames;
}
