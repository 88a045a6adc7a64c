/**
 * Codes a file as the page does, in Node:
 *
 *   LITERT_DIR=... node tests/web/code_file.js encode IN.wav OUT.sst BITRATE_BPS DTX
 *   LITERT_DIR=... node tests/web/code_file.js decode IN.sst OUT.wav
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {ConcealingDecoder} from '../../web_demo/codec/concealment.js';
import {decodeAudio, encodeAudio} from '../../web_demo/codec/file_codec.js';
import {StreamingDecoder, StreamingEncoder} from '../../web_demo/codec/streaming.js';
import {readWav, writeWav} from '../../web_demo/codec/wav.js';
import {graph, metadata, tables} from './shipped.js';

function finished(generator) {
  let step = generator.next();
  while (!step.done) step = generator.next();
  return step.value;
}

const commands = {
  async encode(bytes, bitrate, dtx) {
    const {channels, sampleRate} = readWav(bytes);
    const options = {bitrateBps: Number(bitrate), tables, dtx: dtx === 'true', denoise: false};
    const encoder = new StreamingEncoder(
      await graph('speech', 'encoder'),
      metadata,
      options.bitrateBps,
    );
    return finished(encodeAudio(channels[0], sampleRate, encoder, metadata, options));
  },
  async decode(bytes) {
    const decoder = await graph('speech', 'decoder');
    const newDecoder = () =>
      new ConcealingDecoder(new StreamingDecoder(decoder, metadata), metadata);
    const {channels, header} = finished(decodeAudio(bytes, metadata, tables, newDecoder));
    return writeWav(channels, header.sampleRate);
  },
};

const [command, source, target, ...options] = process.argv.slice(2);
writeFileSync(target, await commands[command](new Uint8Array(readFileSync(source)), ...options));
