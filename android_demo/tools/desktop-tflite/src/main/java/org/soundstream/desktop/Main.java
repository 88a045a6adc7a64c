package org.soundstream.desktop;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import org.soundstream.codec.FrameDecoder;
import org.soundstream.codec.ModelMetadata;
import org.soundstream.codec.SstDecoder;
import org.soundstream.codec.SstEncoder;
import org.soundstream.codec.WavReader;
import org.soundstream.codec.WavWriter;
import org.soundstream.tflite.Benchmark;
import org.soundstream.tflite.CodecModel;
import org.soundstream.tflite.ModelFiles;
import org.soundstream.tflite.TfliteEncoder;

/**
 * The app's codec on a desktop.
 *
 * <pre>
 * encode MODEL_DIR FLAVOUR BITRATE_BPS[,BITRATE_BPS...] IN.wav OUT.sst
 *     rates take turns, each for 25 frames
 * decode MODEL_DIR FLAVOUR IN.sst OUT.wav
 * benchmark MODEL_DIR BITRATE_BPS NUM_FRAMES
 * </pre>
 */
public final class Main {
  private static final int FRAMES_PER_RATE = 25;

  private Main() {}

  public static void main(String[] args) throws IOException {
    CodecModel model = CodecModel.load(ModelFiles.of(new File(args[1])));
    switch (args[0]) {
      case "encode":
        int[] rates = Arrays.stream(args[3].split(",")).mapToInt(Integer::parseInt).toArray();
        encode(model, args[2], rates, args[4], args[5]);
        break;
      case "decode":
        decode(model, args[2], args[3], args[4]);
        break;
      case "benchmark":
        for (String flavour : model.metadata().flavours) {
          System.out.println(flavour + ": " + Benchmark.run(model, flavour,
              Integer.parseInt(args[2]), Integer.parseInt(args[3])));
        }
        break;
      default:
        throw new IllegalArgumentException(args[0]);
    }
  }

  private static void encode(CodecModel model, String flavour, int[] bitratesBps, String source,
      String target) throws IOException {
    ModelMetadata metadata = model.metadata();
    float[] samples = new float[metadata.hop];
    int[] codes = new int[metadata.numQuantizers];
    try (InputStream input = new BufferedInputStream(Files.newInputStream(Paths.get(source)));
        OutputStream output = new BufferedOutputStream(Files.newOutputStream(Paths.get(target)));
        TfliteEncoder encoder = model.newEncoder(flavour, bitratesBps[0], 1)) {
      WavReader wav = new WavReader(input);
      if (wav.sampleRate() != metadata.sampleRate || wav.numChannels() != 1) {
        throw new IOException(source + " must be mono at " + metadata.sampleRate + " Hz");
      }
      SstEncoder sst = new SstEncoder(output, metadata,
          metadata.numQuantizersFor(bitratesBps[0]), false, model.newEntropyTables());
      long total = 0;
      for (int frame = 0; ; frame++) {
        int count = wav.read(samples, metadata.hop);
        if (count == 0) {
          break;
        }
        Arrays.fill(samples, count, metadata.hop, 0f);
        encoder.setBitrate(bitratesBps[frame / FRAMES_PER_RATE % bitratesBps.length]);
        sst.write(codes, encoder.encode(samples, codes), false);
        total += count;
      }
      sst.finish(total);
    }
  }

  private static void decode(CodecModel model, String flavour, String source, String target)
      throws IOException {
    try (InputStream input = new BufferedInputStream(Files.newInputStream(Paths.get(source)))) {
      SstDecoder decoder = new SstDecoder(input, model.metadata(), () -> newDecoder(model, flavour),
          model.newEntropyTables());
      int numChannels = decoder.header().numChannels;
      float[] frame = new float[model.metadata().hop * numChannels];
      try (WavWriter wav = new WavWriter(new RandomAccessFile(target, "rw"),
          model.metadata().sampleRate, numChannels)) {
        for (int count = decoder.read(frame); count > 0; count = decoder.read(frame)) {
          wav.write(frame, count * numChannels);
        }
      }
    }
  }

  private static FrameDecoder newDecoder(CodecModel model, String flavour) {
    try {
      return model.newDecoder(flavour, 1);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
