package org.soundstream.tflite;

import java.io.Closeable;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.soundstream.codec.FrameDecoder;
import org.soundstream.codec.ModelMetadata;

/** Codes to audio by an exported decoder. For one thread. */
public final class TfliteDecoder implements FrameDecoder, Closeable {
  private static final String SIGNATURE = "decode";
  private static final int NOT_SENT = -1; // stands for no code of a level

  private final StreamingGraph graph;
  private final ModelMetadata metadata;
  private final IntBuffer codeInput;
  private final FloatBuffer audio;

  TfliteDecoder(StreamingGraph graph, ModelMetadata metadata) {
    this.graph = graph;
    this.metadata = metadata;
    codeInput = graph.input(SIGNATURE, "codes").asIntBuffer();
    audio = graph.output(SIGNATURE, "audio").asFloatBuffer();
  }

  @Override
  public void decode(int[] codes, int numLevels, float[] samples) {
    codeInput.rewind();
    codeInput.put(codes, 0, numLevels);
    for (int level = numLevels; level < metadata.numQuantizers; level++) {
      codeInput.put(NOT_SENT);
    }
    graph.run(SIGNATURE);
    audio.rewind();
    audio.get(samples, 0, metadata.hop);
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
