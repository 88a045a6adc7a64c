/** What an app must know about an exported model: its `metadata.json`. */
export class Metadata {
  /** @param {object} json the parsed file; Error if it is of a newer format or another use */
  constructor(json) {
    for (const [field, value] of [
      ['format_version', 1],
      ['frames_per_call', 1],
      ['streams_per_call', 1],
    ]) {
      if (json[field] !== value) {
        throw new Error(`metadata.json: ${field} is ${json[field]}, this page needs ${value}`);
      }
    }
    this.name = json.name;
    this.modelId = json.model_id;
    this.sampleRate = json.sample_rate;
    this.hop = json.hop;
    this.codebookSize = json.codebook_size;
    this.numQuantizers = json.num_quantizers;
    this.bitratesBps = json.bitrates_bps;
    this.bitsPerCode = Math.ceil(Math.log2(this.codebookSize));
    this.frameRate = this.sampleRate / this.hop;
  }

  /** Levels that send exactly this bitrate. */
  numQuantizersFor(bitrateBps) {
    const step = this.bitsPerCode * this.frameRate;
    const levels = bitrateBps / step;
    if (!Number.isInteger(levels) || levels < 1 || levels > this.numQuantizers) {
      throw new RangeError(
        `bitrate ${bitrateBps} bps is not possible: use a multiple of ${step} bps from ${step} ` +
          `to ${step * this.numQuantizers}`,
      );
    }
    return levels;
  }

  /** The encoder signature that searches the fewest levels which this bitrate needs. */
  signatureFor(bitrateBps) {
    this.numQuantizersFor(bitrateBps);
    const rate = this.bitratesBps.find((offered) => offered >= bitrateBps);
    return `encode_${String(rate).padStart(5, '0')}`;
  }
}
