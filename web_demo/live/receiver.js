import {BitstreamError} from '../bitstream/bitstream_error.js';
import {Kind, Packet, PacketCoder} from '../bitstream/packets.js';

/** The receiving half of a call: datagrams of one frame each to steady audio. */
export class Receiver {
  #decoder;
  #metadata;
  #coder;
  #inPause = false;

  /** @param {ConcealingDecoder} decoder */
  constructor(decoder, metadata, tables) {
    this.#decoder = decoder;
    this.#metadata = metadata;
    this.#coder = new PacketCoder(metadata.bitsPerCode, 1, tables);
  }

  /**
   * Gives the next float32 [hop].
   *
   * @param {?Uint8Array} datagram null if none came: it was lost, or the pause goes on
   */
  play(datagram) {
    const packet = datagram === null ? null : this.#packetIn(datagram);
    if (packet === null) return this.#inPause ? this.#decoder.pause(null) : this.#decoder.conceal();
    this.#inPause = packet.kind === Kind.SILENCE;
    return this.#inPause ? this.#decoder.pause(packet.payload) : this.#decoder.decode(packet.codes);
  }

  /** Starts a new signal. */
  reset() {
    this.#decoder.reset();
    this.#inPause = false;
  }

  delete() {
    this.#decoder.delete();
  }

  /** {kind, payload, codes}, or null if the datagram is damaged. */
  #packetIn(datagram) {
    try {
      const packet = Packet.fromBytes(datagram);
      const {kind, payload} = packet;
      if (kind === Kind.SILENCE) return {kind, payload, codes: null};
      const codes = this.#coder.decode(packet);
      const {numQuantizers, codebookSize} = this.#metadata;
      const known = packet.numFrames === 1 && packet.numLevels <= numQuantizers;
      return known && codes.every((code) => code < codebookSize) ? {kind, payload, codes} : null;
    } catch (error) {
      if (error instanceof BitstreamError) return null;
      throw error;
    }
  }
}
