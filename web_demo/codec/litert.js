/** LiteRT's wasm module, which all graphs of one thread share. */
export class Runtime {
  /**
   * @param {function} moduleFactory of LiteRT's own script
   * @param {Uint8Array} wasmBinary
   */
  static async load(moduleFactory, wasmBinary) {
    const quiet = {print() {}, printErr() {}};
    const wasm = await moduleFactory({wasmBinary, ...quiet});
    wasm.setupLogging();
    return new Runtime(wasm);
  }

  constructor(wasm) {
    this.wasm = wasm;
    this.environment = wasm.LiteRtEnvironment.create(null);
  }
}

/** One .tflite file. Serves any number of streams. */
export class Graph {
  #runtime;
  #model;
  #compiled;
  #signatures = new Map();

  constructor(runtime, bytes) {
    const {wasm, environment} = runtime;
    this.#runtime = runtime;
    const pointer = wasm._malloc(bytes.byteLength); // stays: the graph reads its weights there
    wasm.HEAPU8.set(bytes, pointer);
    this.#model = wasm.loadModel(environment, pointer, bytes.byteLength);
    this.#compiled = wasm.compileModel(environment, this.#model, {
      environment: {liteRtEnvironment: environment},
      accelerator: 'wasm',
      cpuOptions: {numThreads: 1},
      gpuOptions: {},
      webNNOptions: {},
    });
    for (let index = 0; index < this.#model.getNumSignatures(); index++) {
      const signature = this.#model.getSignature(index);
      const inputs = listOf(signature.inputNames());
      const outputs = listOf(signature.outputNames());
      this.#signatures.set(signature.key(), {index, inputs, outputs});
      signature.delete();
    }
  }

  signature(key) {
    const signature = this.#signatures.get(key);
    if (signature === undefined) throw new Error(`the model has no signature ${key}`);
    return signature;
  }

  /** A tensor of zeros for an input. */
  zeros({index, inputs}, name) {
    const {wasm, environment} = this.#runtime;
    const type = this.#model.getInputTensorType(index, inputs.indexOf(name));
    const tensor = wasm.LiteRtTensorBuffer.createManaged(
      environment,
      wasm.LiteRtTensorBufferType.HOST_MEMORY,
      type,
      type.bytes(),
    );
    type.delete();
    this.access(tensor, wasm.LiteRtTensorBufferLockMode.WRITE, (memory) => memory.fill(0));
    return tensor;
  }

  run(signature, tensors) {
    return this.#compiled.run(signature.index, tensors);
  }

  write(tensor, array) {
    const mode = this.#runtime.wasm.LiteRtTensorBufferLockMode.WRITE;
    this.access(tensor, mode, (memory) => memory.set(bytesOf(array)));
  }

  read(tensor, array) {
    const mode = this.#runtime.wasm.LiteRtTensorBufferLockMode.READ;
    this.access(tensor, mode, (memory) => bytesOf(array).set(memory.subarray(0, array.byteLength)));
  }

  access(tensor, mode, use) {
    const start = tensor.lock(mode);
    use(this.#runtime.wasm.HEAPU8.subarray(start, start + tensor.packedSize()));
    tensor.unlock();
  }
}

/** A graph with the state of one signal. Any signature with the same states may continue it. */
export class Stateful {
  #graph;
  #signature;
  #tensors = new Map(); // of the inputs, states included

  constructor(graph, key) {
    this.#graph = graph;
    this.use(key);
    this.reset();
  }

  use(key) {
    this.#signature = this.#graph.signature(key);
  }

  /** Whether the graph has this input. */
  takes(name) {
    return this.#signature.inputs.includes(name);
  }

  /** Forgets the past: the next frame is the first of a new signal. */
  reset() {
    this.delete();
    for (const name of this.#signature.inputs) {
      this.#tensors.set(name, this.#graph.zeros(this.#signature, name));
    }
  }

  /** One call: takes {name: typed array}, and fills the typed arrays of `outputs`. */
  step(inputs, outputs) {
    for (const [name, array] of Object.entries(inputs)) {
      this.#graph.write(this.#tensors.get(name), array);
    }
    const given = this.#signature.inputs.map((name) => this.#tensors.get(name));
    const results = this.#graph.run(this.#signature, given);
    this.#signature.outputs.forEach((name, index) => {
      const result = results[index];
      if (this.#tensors.has(name)) {
        // A state: the next call takes it as it is, without a copy.
        this.#tensors.get(name).delete();
        this.#tensors.set(name, result);
      } else {
        this.#graph.read(result, outputs[name]);
        result.delete();
      }
    });
  }

  delete() {
    for (const tensor of this.#tensors.values()) tensor.delete();
    this.#tensors.clear();
  }
}

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** A list of the wasm module as an array. */
function listOf(vector) {
  const array = Array.from({length: vector.size()}, (_, index) => vector.get(index));
  vector.delete();
  return array;
}
