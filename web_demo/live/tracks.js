import {mixed} from '../codec/mix.js';
import {Resampler} from '../codec/resampler.js';
import {Spectrum} from './spectrum.js';

/** Two signals that come in pieces of their own lengths and go out in step. */
class Pair {
  #held = [new Float32Array(0), new Float32Array(0)];

  add(which, samples) {
    const all = new Float32Array(this.#held[which].length + samples.length);
    all.set(this.#held[which]);
    all.set(samples, this.#held[which].length);
    this.#held[which] = all;
  }

  take() {
    const count = Math.min(this.#held[0].length, this.#held[1].length);
    const taken = this.#held.map((samples) => samples.slice(0, count));
    this.#held = this.#held.map((samples) => samples.slice(count));
    return taken;
  }
}

/** Pictures of each frame, beside what became of it. */
class FrameReport {
  #spectra;

  constructor(metadata) {
    this.#spectra = [new Spectrum(metadata.sampleRate), new Spectrum(metadata.sampleRate)];
  }

  /** `original` may be null: an .sst file has none. */
  of(original, decoded, facts) {
    return {
      ...facts,
      original: original && this.#spectra[0].column(original),
      decoded: this.#spectra[1].column(decoded),
    };
  }
}

/** Audio through a call: sender, a network that loses packets, receiver. */
export class CallTrack {
  #metadata;
  #sender;
  #receiver;
  #loss;
  #report;
  #toModel;
  #originalToDevice;
  #decodedToDevice;
  #held = new Float32Array(0); // at the model's rate, less than a frame
  #pair = new Pair();

  /**
   * @param {{metadata, sender, receiver, loss}} call
   * @param {number} sourceRate Hz of what is pushed
   * @param {number} deviceRate Hz of what comes out
   */
  constructor({metadata, sender, receiver, loss}, sourceRate, deviceRate) {
    this.#metadata = metadata;
    this.#sender = sender;
    this.#receiver = receiver;
    this.#loss = loss;
    this.#report = new FrameReport(metadata);
    this.#toModel = new Resampler(sourceRate, metadata.sampleRate);
    this.#originalToDevice = new Resampler(sourceRate, deviceRate);
    this.#decodedToDevice = new Resampler(metadata.sampleRate, deviceRate);
  }

  /** Takes samples of the source: {signals: [original, decoded], reports of frames}. */
  push(samples) {
    const {hop} = this.#metadata;
    this.#pair.add(0, this.#originalToDevice.push(samples));
    const coded = this.#toModel.push(samples);
    const all = new Float32Array(this.#held.length + coded.length);
    all.set(this.#held);
    all.set(coded, this.#held.length);
    const reports = [];
    let at = 0;
    for (; at + hop <= all.length; at += hop) reports.push(this.#frame(all.slice(at, at + hop)));
    this.#held = all.slice(at);
    return {signals: this.#pair.take(), reports};
  }

  #frame(samples) {
    const start = performance.now();
    const datagram = this.#sender.send(samples);
    const sent = performance.now();
    const lost = this.#loss.losesNext() && datagram !== null;
    const decoded = this.#receiver.play(lost ? null : datagram);
    const played = performance.now();
    this.#pair.add(1, this.#decodedToDevice.push(decoded));
    let fate = 'sent';
    if (datagram === null) fate = 'pause';
    else if (lost) fate = 'lost';
    const bytes = datagram?.length ?? 0;
    const times = {encodeMs: sent - start, decodeMs: played - sent};
    return this.#report.of(samples, decoded, {bytes, fate, ...times});
  }
}

/** The frames of an .sst file through the same network. */
export class FileTrack {
  #decoder;
  #loss;
  #bytesPerFrame;
  #report;
  #toDevice;

  constructor({metadata, decoder, loss, bytesPerFrame}, deviceRate) {
    this.#decoder = decoder;
    this.#loss = loss;
    this.#bytesPerFrame = bytesPerFrame;
    this.#report = new FrameReport(metadata);
    this.#toDevice = new Resampler(metadata.sampleRate, deviceRate);
  }

  /** Takes {frame} of a FrameSource. Both signals are the decoded one. */
  push({frame}) {
    const start = performance.now();
    const lost = this.#loss.losesNext() || frame === null;
    const decoded = mixed(this.#decoder.decodeFrame(lost ? null : frame));
    const decodeMs = performance.now() - start;
    const signal = this.#toDevice.push(decoded);
    let fate = lost ? 'lost' : 'sent';
    if (!lost && frame.codes === null) fate = 'pause';
    const facts = {bytes: this.#bytesPerFrame, fate, encodeMs: 0, decodeMs};
    return {signals: [signal, signal], reports: [this.#report.of(null, decoded, facts)]};
  }
}
