package org.soundstream.tflite;

import java.io.IOException;
import java.util.Locale;
import java.util.Random;
import org.soundstream.codec.ModelMetadata;
import org.soundstream.live.FrameTimes;

/** Time per frame of one flavour, on this machine and one thread. */
public final class Benchmark {
  private static final int WARM_UP_FRAMES = 50;

  private final FrameTimes encoder;
  private final FrameTimes decoder;
  private final ModelMetadata metadata;

  private Benchmark(ModelMetadata metadata, int numFrames) {
    this.metadata = metadata;
    encoder = new FrameTimes(numFrames);
    decoder = new FrameTimes(numFrames);
  }

  /** Codes so many frames of noise at a bitrate. Stops early where the thread is interrupted. */
  public static Benchmark run(CodecModel model, String flavour, int bitrateBps, int numFrames)
      throws IOException {
    Benchmark result = new Benchmark(model.metadata(), numFrames);
    Random random = new Random(1);
    float[] samples = new float[model.metadata().hop];
    int[] codes = new int[model.metadata().numQuantizers];
    try (TfliteEncoder encoder = model.newEncoder(flavour, bitrateBps, 1);
        TfliteDecoder decoder = model.newDecoder(flavour, 1)) {
      for (int frame = -WARM_UP_FRAMES; frame < numFrames && !Thread.interrupted(); frame++) {
        for (int i = 0; i < samples.length; i++) {
          samples[i] = (float) (0.1 * random.nextGaussian());
        }
        long start = System.nanoTime();
        int numLevels = encoder.encode(samples, codes);
        long between = System.nanoTime();
        decoder.decode(codes, numLevels, samples);
        if (frame >= 0) {
          result.encoder.add(between - start);
          result.decoder.add(System.nanoTime() - between);
        }
      }
    }
    return result;
  }

  public FrameTimes encoder() {
    return encoder;
  }

  public FrameTimes decoder() {
    return decoder;
  }

  /** Seconds of computing per second of audio, encoder and decoder together. */
  public double realTimeFactor() {
    return (encoder.meanNanos() + decoder.meanNanos()) / metadata.frameNanos();
  }

  /** Medians and 95th percentiles in microseconds, on one line. */
  @Override
  public String toString() {
    return String.format(Locale.ROOT,
        "encoder %.0f us (95%%: %.0f), decoder %.0f us (95%%: %.0f), real-time factor %.4f",
        encoder.quantileNanos(0.5) / 1e3, encoder.quantileNanos(0.95) / 1e3,
        decoder.quantileNanos(0.5) / 1e3, decoder.quantileNanos(0.95) / 1e3, realTimeFactor());
  }
}
