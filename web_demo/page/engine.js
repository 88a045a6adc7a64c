import {asset, textAsset, workerAddress, workletAddress} from './assets.js';

const MIX_SECONDS = 0.01; // time constant of the crossfade

/** The codec in its Worker and the sound card, as the page sees them. */
export class Engine {
  #worker = null;
  #waiting = new Map(); // {resolve, reject} of the answers to come
  #nextId = 0;
  #context = null;
  #node = null;
  #loading = null;
  #starting = null;
  #denoiser = null;

  /**
   * @param {function(object)} onFrame told of each frame
   * @param {function(object)} onPlayer told where the sound is, twenty times a second
   */
  constructor(onFrame, onPlayer) {
    this.onFrame = onFrame;
    this.onPlayer = onPlayer;
  }

  /** Loads the codec; at most once. */
  load() {
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = null; // may be tried again
      throw error;
    });
    return this.#loading;
  }

  async #load() {
    const names = ['litert.wasm.gz', 'encoder.tflite.gz', 'decoder.tflite.gz', 'tables.bin.gz'];
    const [wasm, encoder, decoder, tables] = await Promise.all(names.map(asset));
    const metadata = JSON.parse(await textAsset('metadata.json'));
    this.#worker?.terminate();
    this.#worker = new Worker(await workerAddress('worker.js'));
    this.#worker.onmessage = ({data}) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = `the codec stopped: ${event.message ?? 'its script could not be started'}`;
      for (const {reject} of this.#waiting.values()) reject(new Error(reason));
      this.#waiting.clear();
    };
    await this.ask('load', {wasm, encoder, decoder, tables, metadata});
  }

  /** Whether browsers let the page sound: only after a click or a key. */
  get maySound() {
    return navigator.userActivation?.hasBeenActive ?? true;
  }

  /** Opens the sound card, at its own rate; to be called first from a click. */
  start() {
    this.#starting ??= this.#start().catch((error) => {
      this.#starting = null;
      throw error;
    });
    this.#context?.resume();
    return this.#starting;
  }

  async #start() {
    if (!('audioWorklet' in AudioContext.prototype)) {
      throw new Error('sound needs https, or localhost: this address is not safe enough');
    }
    const context = new AudioContext({latencyHint: 'interactive'});
    this.#context = context;
    await Promise.all([
      this.load(),
      context.audioWorklet.addModule(await workletAddress('worklet.js')),
    ]);
    const shape = {numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [1]};
    const mono = {channelCount: 1, channelCountMode: 'explicit'};
    this.#node = new AudioWorkletNode(context, 'ring', {...shape, ...mono});
    this.#node.port.onmessage = ({data}) => this.onPlayer(data);
    this.#node.connect(context.destination);
    const {port1, port2} = new MessageChannel();
    this.#node.port.postMessage({codec: port1}, [port1]);
    await this.ask('connect', {port: port2, deviceRate: context.sampleRate}, [port2]);
  }

  /** 0 the original ... 1 the decoded sound. */
  setMix(mix) {
    this.#node?.parameters.get('mix').setTargetAtTime(mix, this.#context.currentTime, MIX_SECONDS);
  }

  /** Sends a microphone's stream through the codec. */
  async connectMicrophone(stream) {
    const source = this.#context.createMediaStreamSource(stream);
    source.connect(this.#node);
    await this.ask('startLive');
    return () => source.disconnect();
  }

  /** Loads the encoder that removes noise; at most once. */
  loadDenoiser() {
    this.#denoiser ??= asset('denoiser.tflite.gz')
      .then((encoder) => this.ask('addDenoiser', {encoder}))
      .catch((error) => {
        this.#denoiser = null;
        throw error;
      });
    return this.#denoiser;
  }

  /** Asks the Worker for something: what it answers, or an Error with its one line. */
  ask(method, values = {}, transferred = []) {
    const id = this.#nextId++;
    this.#worker.postMessage({id, method, values}, transferred);
    return new Promise((resolve, reject) => this.#waiting.set(id, {resolve, reject}));
  }

  #receive({report, id, result, error}) {
    if (report !== undefined) {
      this.onFrame(report);
      return;
    }
    const {resolve, reject} = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  }
}
