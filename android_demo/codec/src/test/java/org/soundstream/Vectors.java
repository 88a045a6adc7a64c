package org.soundstream;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.soundstream.codec.FrameDecoder;
import org.soundstream.codec.ModelMetadata;

/** What the Python side wrote: files, packets, decoded audio. */
public final class Vectors {
  /** The model of the vectors. */
  public static final ModelMetadata METADATA = new ModelMetadata("vectors", "00c0ffee12345678",
      4_000, 20, 32, 6, Arrays.asList(2_000, 6_000), Arrays.asList("float32"), false);

  private Vectors() {}

  /** The decoder of that model, the same as on the Python side. */
  public static final class Decoder implements FrameDecoder {
    private double state;
    private int numFrames;

    @Override
    public void reset() {
      state = 0;
      numFrames = 0;
    }

    @Override
    public void decode(int[] codes, int numLevels, float[] samples) {
      double drive = 0;
      for (int level = 0; level < numLevels; level++) {
        drive += codes[level] * (level + 1);
      }
      state = drive == 0 ? 0 : 0.5 * state + drive;
      numFrames++;
      for (int i = 0; i < METADATA.hop; i++) {
        samples[i] = (float) (state * ((37 * i + 11 * numFrames) % 64 - 31.5) / 32768);
      }
    }
  }

  public static InputStream open(String name) {
    InputStream stream = Vectors.class.getResourceAsStream("/vectors/" + name);
    if (stream == null) {
      throw new AssertionError("no vector " + name);
    }
    return stream;
  }

  public static byte[] bytes(String name) throws IOException {
    try (InputStream stream = open(name)) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (int value = stream.read(); value >= 0; value = stream.read()) {
        out.write(value);
      }
      return out.toByteArray();
    }
  }

  /** The lines of a text file, each as its fields. */
  public static List<String[]> lines(String name) throws IOException {
    List<String[]> lines = new ArrayList<>();
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(open(name), StandardCharsets.US_ASCII))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(line.split("\\|", -1));
      }
    }
    return lines;
  }

  public static int[] codes(String text) {
    return text.isEmpty() ? new int[0]
        : Arrays.stream(text.split(" ")).mapToInt(Integer::parseInt).toArray();
  }

  public static byte[] hex(String text) {
    byte[] bytes = new byte[text.length() / 2];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
    }
    return bytes;
  }
}
