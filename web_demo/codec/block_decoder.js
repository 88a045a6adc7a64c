import {BitstreamError} from '../bitstream/bitstream_error.js';
import {COMFORT_NOISE_BYTES, Kind} from '../bitstream/packets.js';

/** Blocks of an .sst stream to audio of all channels, frame by frame. */
export class BlockDecoder {
  #coder;
  #metadata;
  #decoders;

  /**
   * BitstreamError if the stream was made with another model or other entropy tables.
   *
   * @param {Header} header
   * @param {Metadata} metadata
   * @param {?EntropyTables} tables
   * @param {function(): ConcealingDecoder} newDecoder called once for each channel
   */
  constructor(header, metadata, tables, newDecoder) {
    if (header.modelId !== metadata.modelId) {
      throw new BitstreamError(
        `made with another model: ${header.modelId}, this one (${metadata.name}) is ` +
          metadata.modelId,
      );
    }
    const claimed = [header.codedRate, header.hop, header.bitsPerCode].join(', ');
    const expected = [metadata.sampleRate, metadata.hop, metadata.bitsPerCode].join(', ');
    if (claimed !== expected) {
      throw new BitstreamError(
        `its rate, hop and bits per code ${claimed} contradict the model's ${expected}`,
      );
    }
    if (header.entropyCoded && tables?.id !== header.tablesId) {
      throw new BitstreamError(`made with other entropy tables: ${header.tablesId.toString(16)}`);
    }
    /** Frames of packets that are intact but hold what the model cannot decode. */
    this.unreadableFrames = 0;
    this.#metadata = metadata;
    this.#coder = header.packetCoder(tables);
    this.#decoders = Array.from({length: header.numChannels}, newDecoder);
  }

  /** Yields one float32 [hop] per channel for each frame of a block. */
  *decode(block) {
    for (const frame of this.frames(block)) yield this.decodeFrame(frame);
  }

  /** What a block has for each frame: {codes, noise} with one entry per channel, or null. */
  *frames(block) {
    const codes = this.#codes(block);
    const numLevels = block.packet?.numLevels ?? 0;
    const pause = block.packet?.kind === Kind.SILENCE;
    const channels = [...this.#decoders.keys()];
    for (let index = 0; index < block.numFrames; index++) {
      if (codes !== null) {
        const start = (channel) => (index * channels.length + channel) * numLevels;
        const own = channels.map((channel) =>
          codes.subarray(start(channel), start(channel) + numLevels),
        );
        yield {codes: own, noise: null};
      } else if (pause) {
        yield {codes: null, noise: channels.map((channel) => noiseOf(block.packet, channel))};
      } else {
        yield null;
      }
    }
  }

  /** Decodes what `frames` gave, or makes up for a frame: null. */
  decodeFrame(frame) {
    return this.#decoders.map((decoder, channel) => {
      if (frame === null) return decoder.conceal();
      if (frame.codes === null) return decoder.pause(frame.noise[channel]);
      return decoder.decode(frame.codes[channel]);
    });
  }

  reset() {
    for (const decoder of this.#decoders) decoder.reset();
  }

  delete() {
    for (const decoder of this.#decoders) decoder.delete();
  }

  /** The codes [frames, channels, levels] of a block; null where there are none. */
  #codes({packet, numFrames}) {
    if (!packet?.holdsCodes) return null;
    const {codebookSize, numQuantizers} = this.#metadata;
    try {
      const codes = this.#coder.decode(packet);
      if (packet.numLevels <= numQuantizers && codes.every((code) => code < codebookSize)) {
        return codes;
      }
    } catch (error) {
      if (!(error instanceof BitstreamError)) throw error;
    }
    this.unreadableFrames += numFrames;
    return null;
  }
}

/** What a silence packet says of one channel's noise; null if it is too short to tell. */
function noiseOf({payload}, channel) {
  const start = channel * COMFORT_NOISE_BYTES;
  const description = payload.subarray(start, start + COMFORT_NOISE_BYTES);
  return description.length === COMFORT_NOISE_BYTES ? description : null;
}
