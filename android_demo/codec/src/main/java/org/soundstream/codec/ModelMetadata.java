package org.soundstream.codec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.soundstream.bitstream.Header;

/** What an app must know about an exported model: the fields of its {@code metadata.json}. */
public final class ModelMetadata {
  /** Of the codec. */
  public final String name;
  /** A hash of the weights. Codes mean nothing to another model. */
  public final long modelId;
  /** Hz. */
  public final int sampleRate;
  /** Samples per frame of codes. */
  public final int hop;
  /** Entries per quantizer. */
  public final int codebookSize;
  /** Levels of the full rate. */
  public final int numQuantizers;
  /** Rates with an encoder signature of their own, rising. */
  public final List<Integer> bitratesBps;
  /** Number formats there are files of, the default first. */
  public final List<String> flavours;
  /** Whether the encoder has a denoising switch. */
  public final boolean denoise;

  /** The arguments are the fields; {@code modelId} is 16 hexadecimal digits. */
  public ModelMetadata(String name, String modelId, int sampleRate, int hop, int codebookSize,
      int numQuantizers, List<Integer> bitratesBps, List<String> flavours, boolean denoise) {
    this.name = name;
    this.modelId = Long.parseUnsignedLong(modelId, 16);
    this.sampleRate = sampleRate;
    this.hop = hop;
    this.codebookSize = codebookSize;
    this.numQuantizers = numQuantizers;
    this.bitratesBps = Collections.unmodifiableList(new ArrayList<>(bitratesBps));
    this.flavours = Collections.unmodifiableList(new ArrayList<>(flavours));
    this.denoise = denoise;
  }

  /** Width of a packed code. */
  public int bitsPerCode() {
    return 32 - Integer.numberOfLeadingZeros(codebookSize - 1);
  }

  /** Frames per second. */
  public double frameRate() {
    return (double) sampleRate / hop;
  }

  /** Nanoseconds that one frame lasts. */
  public long frameNanos() {
    return Math.round(1e9 / frameRate());
  }

  /** Bits per second of so many levels. */
  public double bitrateBps(int numLevels) {
    return numLevels * bitsPerCode() * frameRate();
  }

  /**
   * Levels that send exactly {@code bitrateBps}.
   *
   * @throws IllegalArgumentException says which rates there are
   */
  public int numQuantizersFor(int bitrateBps) {
    double step = bitrateBps(1);
    int levels = (int) Math.round(bitrateBps / step);
    if (levels * step != bitrateBps || levels < 1 || levels > numQuantizers) {
      throw new IllegalArgumentException("bitrate " + bitrateBps + " bps is not possible: use a "
          + "multiple of " + step + " bps from " + step + " to " + bitrateBps(numQuantizers));
    }
    return levels;
  }

  /** The encoder signature that searches the fewest levels which {@code bitrateBps} needs. */
  public String encodeSignature(int bitrateBps) {
    numQuantizersFor(bitrateBps);
    for (int offered : bitratesBps) {
      if (offered >= bitrateBps) {
        return String.format("encode_%05d", offered);
      }
    }
    throw new IllegalArgumentException(
        "bitrate " + bitrateBps + " bps is above those of the model, " + bitratesBps);
  }

  /** What is wrong with decoding such a stream by this model; null if nothing is. */
  String mismatch(Header header) {
    if (header.modelId != modelId) {
      return String.format("made with another model: %016x, this one (%s) is %016x", header.modelId,
          name, modelId);
    }
    int[] claimed = {header.codedRate, header.hop, header.bitsPerCode};
    int[] expected = {sampleRate, hop, bitsPerCode()};
    return Arrays.equals(claimed, expected) ? null
        : "its rate, hop and bits per code " + Arrays.toString(claimed) + " contradict the model "
            + name + ": " + Arrays.toString(expected);
  }
}
