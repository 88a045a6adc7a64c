/* global ModuleFactory -- of LiteRT's script, which stands before this one */
import {EntropyTables} from '../bitstream/entropy_tables.js';
import {Graph, Runtime} from '../codec/litert.js';
import {Metadata} from '../codec/metadata.js';
import {Session} from './session.js';

const STEP_MS = 5; // of work that is not urgent, between two looks at what is

let runtime = null;
let session = null;

/** What the page may ask for; each gives an answer. */
const methods = {
  async load({wasm, encoder, decoder, tables, metadata}) {
    runtime = await Runtime.load(ModuleFactory, wasm);
    const models = {
      metadata: new Metadata(metadata),
      tables: new EntropyTables(tables),
      encoder: new Graph(runtime, encoder),
      denoisingEncoder: null,
      decoder: new Graph(runtime, decoder),
    };
    session = new Session(models, (report) => postMessage({report}));
    session.warmUp(models.encoder);
  },
  addDenoiser({encoder}) {
    const graph = new Graph(runtime, encoder);
    session.warmUp(graph);
    session.addDenoiser(graph);
  },
  connect: ({port, deviceRate}) => session.connect(port, deviceRate),
  set: (changes) => session.set(changes),
  openRecording: ({samples, sampleRate}) => session.openRecording(samples, sampleRate),
  openStream: ({bytes}) => session.openStream(bytes),
  startLive: () => session.startLive(),
  stopLive: () => session.stopLive(),
  play: ({seconds}) => session.play(seconds),
  pause: () => session.pause(),
  encode: () => finished(session.encode()),
  decode: () => finished(session.decode()),
};

/** Runs a generator to its end, with pauses in which sound goes on. */
async function finished(generator) {
  const {port1, port2} = new MessageChannel();
  for (;;) {
    const started = performance.now();
    do {
      const {value, done} = generator.next();
      if (done) return value;
    } while (performance.now() - started < STEP_MS);
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(null);
    });
  }
}

onmessage = async ({data: {id, method, values}}) => {
  try {
    postMessage({id, result: await methods[method](values)});
  } catch (error) {
    postMessage({id, error: error.message ?? String(error)});
  }
};
