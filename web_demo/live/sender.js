import {Kind, Packet, PacketCoder} from '../bitstream/packets.js';
import {NoiseAnalyzer, describeNoise} from '../codec/comfort_noise.js';
import {pauseFrames} from '../codec/packet_encoder.js';
import {StreamingEncoder} from '../codec/streaming.js';
import {VoiceActivityDetector} from '../codec/voice_activity.js';

const HANDOVER_FRAMES = 12; // of the past, which an encoder hears before it takes over

/** The sending half of a call: audio frames to datagrams, one each, or none in a pause. */
export class Sender {
  #metadata;
  #coder;
  #detector;
  #analyzer;
  #pauseFrames;
  #bitrateBps;
  #graph;
  #encoder;
  #recent = []; // frames that were heard last
  #pause = []; // frames of the pause that no datagram has described yet
  #inPause = false;

  /**
   * @param {Graph} graph of the encoder
   * @param {Metadata} metadata
   * @param {?EntropyTables} tables
   * @param {number} bitrateBps
   */
  constructor(graph, metadata, tables, bitrateBps) {
    this.#metadata = metadata;
    this.#coder = new PacketCoder(metadata.bitsPerCode, 1, tables);
    this.#analyzer = new NoiseAnalyzer(metadata.hop);
    this.#pauseFrames = pauseFrames(metadata);
    this.#detector = new VoiceActivityDetector(metadata.frameRate);
    this.#bitrateBps = bitrateBps;
    this.#graph = graph;
    this.#encoder = new StreamingEncoder(graph, metadata, bitrateBps);
    /** Whether pauses are described instead of coded (discontinuous transmission). */
    this.dtx = false;
  }

  setBitrate(bitrateBps) {
    this.#bitrateBps = bitrateBps;
    this.#encoder.setBitrate(bitrateBps);
  }

  /** Goes on with another encoder, for instance one that removes noise, without a seam. */
  useGraph(graph) {
    if (graph === this.#graph) return;
    this.#graph = graph;
    this.#encoder.delete();
    this.#encoder = new StreamingEncoder(graph, this.#metadata, this.#bitrateBps);
    for (const frame of this.#recent) this.#encoder.encode(frame);
  }

  /** Encodes float32 [hop]: a datagram, or null where nothing is to be sent. */
  send(samples) {
    this.#recent.push(samples);
    if (this.#recent.length > HANDOVER_FRAMES) this.#recent.shift();
    const active = this.#detector.isActive(samples) || !this.dtx;
    const codes = this.#encoder.encode(samples); // in pauses too, so that it knows the past
    if (active) {
      this.#inPause = false;
      return this.#coder.encode(codes, codes.length, this.#encoder.denoises).toBytes();
    }
    if (!this.#inPause) this.#pause = [];
    this.#pause.push(samples);
    const describes = !this.#inPause || this.#pause.length === this.#pauseFrames;
    this.#inPause = true;
    if (!describes) return null;
    const noise = describeNoise(this.#analyzer.bandPowers(this.#pause));
    this.#pause = [];
    return new Packet(Kind.SILENCE, 1, 0, noise).toBytes();
  }

  /** Starts a new signal. */
  reset() {
    this.#encoder.reset();
    this.#detector = new VoiceActivityDetector(this.#metadata.frameRate);
    this.#recent = [];
    this.#inPause = false;
  }

  delete() {
    this.#encoder.delete();
  }
}
