/** The shipped models on LiteRT's wasm, in Node. LITERT_DIR has the script and the wasm. */
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {EntropyTables} from '../../web_demo/bitstream/entropy_tables.js';
import {Graph, Runtime} from '../../web_demo/codec/litert.js';
import {Metadata} from '../../web_demo/codec/metadata.js';
import {bytesOf, jsonOf} from './read.js';

const NAME = 'litert_wasm_compat_internal';

export const metadata = new Metadata(jsonOf('pretrained/speech/metadata.json'));
export const tables = new EntropyTables(bytesOf('pretrained/speech/entropy_tables.bin'));

let runtime = null;

export async function graph(model, part) {
  const folder = path.resolve(process.env.LITERT_DIR);
  if (runtime === null) {
    // A script, not a module: beside it there is a package.json that says so.
    const moduleFactory = createRequire(import.meta.url)(path.join(folder, `${NAME}.js`));
    const wasm = new Uint8Array(readFileSync(path.join(folder, `${NAME}.wasm`)));
    runtime = await Runtime.load(moduleFactory, wasm);
  }
  return new Graph(runtime, bytesOf(`pretrained/${model}/${part}_dynamic_int8.tflite`));
}
