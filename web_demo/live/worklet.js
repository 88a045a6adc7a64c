import {PlayQueue} from './play_queue.js';

const BLOCK_SECONDS = 0.02; // that are captured, and asked for, at once
const REPORT_SECONDS = 0.05;

/** The sound card's side: plays what waits in the queue, and captures what comes in. */
class RingProcessor extends AudioWorkletProcessor {
  static parameterDescriptors = [
    // 0 the original ... 1 the decoded signal
    {name: 'mix', defaultValue: 1, minValue: 0, maxValue: 1, automationRate: 'a-rate'},
  ];

  #codec = null;
  #queue = new PlayQueue(sampleRate);
  #block = Math.round(BLOCK_SECONDS * sampleRate);
  #captured = new Float32Array(this.#block);
  #numCaptured = 0;
  #asked = 0; // blocks that are on their way
  #reported = 0; // time of the last report
  #wasDone = false;
  #buffers = [new Float32Array(128), new Float32Array(128)];

  constructor() {
    super();
    this.port.onmessage = ({data: {codec}}) => {
      this.#codec = codec;
      codec.onmessage = ({data}) => this.#receive(data);
    };
  }

  process([[input]], [[output]], {mix}) {
    if (this.#codec === null) return true;
    if (this.#buffers[0].length !== output.length) {
      this.#buffers = [new Float32Array(output.length), new Float32Array(output.length)];
    }
    this.#queue.read(this.#buffers);
    const [original, decoded] = this.#buffers;
    for (let i = 0; i < output.length; i++) {
      const share = mix.length > 1 ? mix[i] : mix[0];
      output[i] = original[i] + share * (decoded[i] - original[i]);
    }
    if (this.#queue.live && input !== undefined) this.#capture(input);
    this.#ask();
    this.#tell();
    return true;
  }

  #receive({signals, position, clear, live, finish}) {
    if (clear) {
      this.#queue.clear();
      this.#queue.live = live ?? this.#queue.live;
      this.#asked = 0;
      this.#idle = live === undefined;
    } else if (finish) {
      this.#queue.finish();
    } else {
      this.#asked = Math.max(0, this.#asked - 1);
      this.#queue.push(signals, position);
    }
  }

  #idle = true; // paused: nothing is asked for

  #capture(input) {
    for (const sample of input) {
      this.#captured[this.#numCaptured++] = sample;
      if (this.#numCaptured === this.#block) {
        this.#codec.postMessage({capture: this.#captured}, [this.#captured.buffer]);
        this.#captured = new Float32Array(this.#block);
        this.#numCaptured = 0;
      }
    }
  }

  #ask() {
    let need = 0;
    while (!this.#idle && this.#queue.wants(this.#asked * this.#block)) {
      this.#asked++;
      need++;
    }
    if (need > 0) this.#codec.postMessage({need});
  }

  #tell() {
    const done = this.#queue.isDone;
    if (currentTime - this.#reported < REPORT_SECONDS && done === this.#wasDone) return;
    this.#reported = currentTime;
    this.#wasDone = done;
    this.port.postMessage({
      position: this.#queue.position,
      queuedSeconds: this.#queue.queuedSeconds,
      underruns: this.#queue.underruns,
      droppedSeconds: this.#queue.droppedSamples / sampleRate,
      done,
    });
  }
}

registerProcessor('ring', RingProcessor);
