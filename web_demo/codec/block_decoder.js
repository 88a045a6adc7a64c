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
    const codes = this.#codes(block);
    const numLevels = block.packet?.numLevels ?? 0;
    const pause = block.packet?.kind === Kind.SILENCE;
    const numChannels = this.#decoders.length;
    for (let frame = 0; frame < block.numFrames; frame++) {
      yield this.#decoders.map((decoder, channel) => {
        const start = (frame * numChannels + channel) * numLevels;
        if (codes !== null) return decoder.decode(codes.subarray(start, start + numLevels));
        return pause ? decoder.pause(noiseOf(block.packet, channel)) : decoder.conceal();
      });
    }
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
