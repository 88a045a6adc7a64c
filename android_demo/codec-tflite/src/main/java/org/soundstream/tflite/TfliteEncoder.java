package org.soundstream.tflite;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.soundstream.codec.FrameEncoder;
import org.soundstream.codec.ModelMetadata;

/**
 * Audio to codes by an exported encoder. One thread encodes; any may change bitrate and denoising,
 * which hold from the next frame on and keep the state.
 */
public final class TfliteEncoder implements FrameEncoder, Closeable {
  private final StreamingGraph graph;
  private final ModelMetadata metadata;
  private volatile Rate rate;
  private volatile float denoise;

  /** A signature, the buffers of its tensors, and how many of its levels are sent. */
  private final class Rate {
    final String signature;
    final int numLevels;
    final FloatBuffer audio;
    final FloatBuffer denoise;
    final IntBuffer codes;

    Rate(int bitrateBps) {
      numLevels = metadata.numQuantizersFor(bitrateBps);
      signature = metadata.encodeSignature(bitrateBps);
      audio = graph.input(signature, "audio").asFloatBuffer();
      ByteBuffer denoiseInput = graph.input(signature, "denoise");
      denoise = denoiseInput == null ? null : denoiseInput.asFloatBuffer();
      codes = graph.output(signature, "codes").asIntBuffer();
    }
  }

  TfliteEncoder(StreamingGraph graph, ModelMetadata metadata, int bitrateBps) {
    this.graph = graph;
    this.metadata = metadata;
    setBitrate(bitrateBps);
  }

  /**
   * Sets the rate from the next frame on.
   *
   * @throws IllegalArgumentException says which rates there are
   */
  public void setBitrate(int bitrateBps) {
    rate = new Rate(bitrateBps);
  }

  /** From 0, off, to 1, on; does nothing for a model without the switch. */
  public void setDenoise(float denoise) {
    this.denoise = denoise;
  }

  @Override
  public int encode(float[] samples, int[] codes) {
    Rate current = rate;
    current.audio.rewind();
    current.audio.put(samples, 0, metadata.hop);
    if (current.denoise != null) {
      current.denoise.put(0, denoise);
    }
    graph.run(current.signature);
    current.codes.rewind();
    current.codes.get(codes, 0, current.numLevels); // the first levels are codes of a lower rate
    return current.numLevels;
  }

  @Override
  public void reset() {
    graph.reset();
  }

  @Override
  public void close() {
    graph.close();
  }
}
