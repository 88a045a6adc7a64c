package org.soundstream.codec;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class WavTest {
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @Test
  public void whatIsWrittenIsReadBack() throws Exception {
    File file = folder.newFile("a.wav");
    float[] samples = {0f, 0.5f, -1f, 1.5f, -7f, 1e-6f};
    try (WavWriter writer = new WavWriter(new RandomAccessFile(file, "rw"), 16_000, 2)) {
      writer.write(samples, 4);
      writer.write(new float[] {-7f, 1e-6f}, 2);
    }
    byte[] bytes = Files.readAllBytes(file.toPath());
    assertEquals(44 + 2 * samples.length, bytes.length);
    WavReader reader = new WavReader(new ByteArrayInputStream(bytes));
    assertEquals(16_000, reader.sampleRate());
    assertEquals(2, reader.numChannels());
    float[] read = new float[100];
    assertEquals(6, reader.read(read, 100));
    float[] expected = {0f, 0.5f, -1f, 32767 / 32768f, -1f, 0f};
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], read[i], 0);
    }
    assertEquals(0, reader.read(read, 100));
  }

  @Test
  public void otherFilesAreRefused() {
    assertThrows(IOException.class,
        () -> new WavReader(new ByteArrayInputStream(new byte[] {'R', 'I', 'F', 'F'})));
    assertThrows(IOException.class, () -> new WavReader(new ByteArrayInputStream(new byte[100])));
  }
}
