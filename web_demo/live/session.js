import {ContainerReader} from '../bitstream/container.js';
import {describeDamage} from '../bitstream/info.js';
import {BlockDecoder} from '../codec/block_decoder.js';
import {ConcealingDecoder} from '../codec/concealment.js';
import {decodeAudio, encodeAudio} from '../codec/file_codec.js';
import {StreamingDecoder, StreamingEncoder} from '../codec/streaming.js';
import {writeWav} from '../codec/wav.js';
import {LossSimulator} from './loss_simulator.js';
import {Receiver} from './receiver.js';
import {Sender} from './sender.js';
import {FrameSource, LiveSource, RecordingSource} from './sources.js';
import {CallTrack, FileTrack} from './tracks.js';

export const MAX_SECONDS = 20 * 60; // of a recording or an .sst file; keeps within a phone's memory
const MAX_LIVE_SECONDS = 5 * 60;
const WARM_UP_FRAMES = 20;
const FLUSH_CHUNKS = 5; // of silence after the end, so that the last sound comes out

/** What one page does: one source, played through the codec into the sound card's queue. */
export class Session {
  #models;
  #settings = {bitrateBps: 3000, lossRate: 0, denoise: false, dtx: false, repeats: true};
  #loss = new LossSimulator(1);
  #source = null;
  #sstBytes = null; // of an opened .sst file
  #track = null;
  #call = null; // {sender, receiver} that the track uses
  #fileDecoder = null; // of an opened .sst file
  #flushed = 0;
  #playing = false;
  #deviceRate = null;
  #queue = null;
  #report;

  /**
   * @param {object} models {metadata, tables, encoder, denoisingEncoder (or null), decoder}: graphs
   * @param {function(object)} report told of each frame
   */
  constructor(models, report) {
    this.#models = models;
    this.#report = report;
  }

  /** Plays through `queue`, a port to the sound card, from now on. */
  connect(queue, deviceRate) {
    this.#queue = queue;
    this.#deviceRate = deviceRate;
    queue.onmessage = ({data}) => {
      if (data.capture !== undefined) this.#hear(data.capture);
      else for (let i = 0; i < data.need; i++) this.#advance();
    };
  }

  /** Changes settings: any of bitrateBps, lossRate, denoise, dtx, repeats. */
  set(changes) {
    Object.assign(this.#settings, changes);
    this.#loss.lossRate = this.#settings.lossRate;
    if (this.#source !== null) this.#source.repeats = this.#settings.repeats;
    if (this.#call !== null) {
      this.#call.sender.dtx = this.#settings.dtx;
      this.#call.sender.useGraph(this.#encoderGraph());
      this.#call.sender.setBitrate(this.#settings.bitrateBps);
    }
  }

  /** Runs graphs on silence, because browsers compile well only what has run for a while. */
  warmUp(encoderGraph) {
    const {metadata} = this.#models;
    const encoder = new StreamingEncoder(encoderGraph, metadata, this.#settings.bitrateBps);
    const decoder = new StreamingDecoder(this.#models.decoder, metadata);
    const silence = new Float32Array(metadata.hop);
    for (let i = 0; i < WARM_UP_FRAMES; i++) decoder.decode(encoder.encode(silence));
    encoder.delete();
    decoder.delete();
  }

  addDenoiser(graph) {
    this.#models.denoisingEncoder = graph;
  }

  /** Takes mono samples to play; says how many seconds they are. */
  openRecording(samples, sampleRate) {
    if (samples.length === 0) throw new Error('it holds no sound');
    if (samples.length > MAX_SECONDS * sampleRate) throw new Error(tooLong());
    this.pause();
    this.#sstBytes = null;
    this.#source = new RecordingSource(samples, sampleRate);
    return {seconds: this.#source.seconds};
  }

  /** Takes an .sst file; says what it holds and what is wrong with it. */
  openStream(bytes) {
    const reader = new ContainerReader(bytes);
    const {header} = reader;
    const {metadata, tables} = this.#models;
    const decoder = new BlockDecoder(header, metadata, tables, () => this.#newDecoder());
    const frames = [];
    for (const block of reader) {
      if (block.start > MAX_SECONDS * metadata.frameRate) throw new Error(tooLong());
      frames.push(...decoder.frames(block));
    }
    if (frames.length === 0) throw new Error('it holds no sound');
    this.pause();
    this.#fileDecoder?.delete();
    this.#fileDecoder = decoder;
    this.#sstBytes = bytes;
    const seconds = reader.numSamples / header.sampleRate;
    this.#source = new FrameSource(frames, metadata.frameRate, seconds, bytes.length);
    return {
      seconds,
      numChannels: header.numChannels,
      sampleRate: header.sampleRate,
      nominalBps: header.nominalBps,
      denoise: header.denoise,
      bytes: bytes.length,
      damage: describeDamage(reader),
    };
  }

  /** Codes what the microphone gives from now on. */
  startLive() {
    this.pause();
    this.#sstBytes = null;
    this.#source = new LiveSource(this.#deviceRate, MAX_LIVE_SECONDS);
    this.#start();
  }

  /** What was heard becomes the recording. */
  stopLive() {
    this.pause();
    const {samples, sampleRate} = this.#source.recording();
    return this.openRecording(samples, sampleRate);
  }

  /** Plays from there on. */
  play(seconds) {
    this.pause();
    this.#source.repeats = this.#settings.repeats;
    this.#source.seek(seconds);
    this.#start();
  }

  pause() {
    this.#playing = false;
    this.#queue?.postMessage({clear: true});
  }

  /** The source as an .sst file: a generator that returns its bytes. */
  *encode() {
    if (this.#sstBytes !== null) return this.#sstBytes;
    const {metadata, tables} = this.#models;
    const {bitrateBps, dtx, denoise} = this.#settings;
    const {samples, sampleRate} = this.#source;
    const encoder = new StreamingEncoder(this.#encoderGraph(), metadata, bitrateBps);
    try {
      const options = {bitrateBps, tables, dtx, denoise};
      return yield* encodeAudio(samples, sampleRate, encoder, metadata, options);
    } finally {
      encoder.delete();
    }
  }

  /** The source, coded and decoded, as a wav file: a generator that returns its bytes. */
  *decode() {
    const bytes = yield* this.encode();
    const {metadata, tables} = this.#models;
    const decoded = yield* decodeAudio(bytes, metadata, tables, () => this.#newDecoder());
    return writeWav(decoded.channels, decoded.header.sampleRate);
  }

  #start() {
    const {metadata, tables, decoder} = this.#models;
    this.#loss = new LossSimulator(1);
    this.#loss.lossRate = this.#settings.lossRate;
    if (this.#sstBytes !== null) {
      this.#fileDecoder.reset();
      const {bytesPerFrame} = this.#source;
      const parts = {metadata, decoder: this.#fileDecoder, loss: this.#loss, bytesPerFrame};
      this.#track = new FileTrack(parts, this.#deviceRate);
    } else {
      this.#call?.sender.delete();
      this.#call?.receiver.delete();
      const concealing = new ConcealingDecoder(new StreamingDecoder(decoder, metadata), metadata);
      this.#call = {
        metadata,
        sender: new Sender(this.#encoderGraph(), metadata, tables, this.#settings.bitrateBps),
        receiver: new Receiver(concealing, metadata, tables),
        loss: this.#loss,
      };
      this.#call.sender.dtx = this.#settings.dtx;
      this.#track = new CallTrack(this.#call, this.#source.sampleRate, this.#deviceRate);
    }
    this.#flushed = 0;
    this.#playing = true;
    this.#queue.postMessage({clear: true, live: this.#source instanceof LiveSource});
  }

  /** One step of what is played from memory. */
  #advance() {
    if (!this.#playing) return;
    const chunk = this.#source.next();
    if (chunk !== null) {
      this.#pass(chunk);
    } else if (this.#sstBytes === null && this.#flushed < FLUSH_CHUNKS) {
      this.#flushed++;
      this.#pass(new Float32Array(Math.round(this.#source.sampleRate / 50)));
    } else {
      this.#playing = false;
      this.#queue.postMessage({finish: true});
    }
  }

  /** One piece of what the microphone gives. */
  #hear(samples) {
    if (!this.#playing) return;
    this.#source.add(samples);
    this.#pass(samples);
  }

  #pass(chunk) {
    const {signals, reports} = this.#track.push(chunk);
    const {position} = this.#source;
    this.#queue.postMessage(
      {signals, position},
      signals[0] === signals[1] ? [] : signals.map((s) => s.buffer),
    );
    for (const report of reports) this.#report(report);
  }

  #encoderGraph() {
    const {encoder, denoisingEncoder} = this.#models;
    return this.#settings.denoise ? denoisingEncoder : encoder;
  }

  #newDecoder() {
    const {decoder, metadata} = this.#models;
    return new ConcealingDecoder(new StreamingDecoder(decoder, metadata), metadata);
  }
}

const tooLong = () => `it is longer than ${MAX_SECONDS / 60} minutes: use codec.py for such files`;
