package org.soundstream.codec;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes a 16-bit PCM .wav file of any length that such a file can hold. */
public final class WavWriter implements Closeable {
  static final int HEADER_BYTES = 44;

  private final RandomAccessFile file;
  private final int sampleRate;
  private final int numChannels;
  private ByteBuffer block = ByteBuffer.allocate(0);

  /** Begins the file; a longer one of that name is cut. */
  public WavWriter(RandomAccessFile file, int sampleRate, int numChannels) throws IOException {
    this.file = file;
    this.sampleRate = sampleRate;
    this.numChannels = numChannels;
    file.setLength(0);
    file.write(new byte[HEADER_BYTES]);
  }

  /** Appends {@code count} samples of all channels together, full scale 1, clipped there. */
  public void write(float[] interleaved, int count) throws IOException {
    if (block.capacity() < 2 * count) {
      block = ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN);
    }
    block.clear();
    for (int i = 0; i < count; i++) {
      block.putShort(Pcm.toShort(interleaved[i]));
    }
    file.write(block.array(), 0, 2 * count);
  }

  /** Writes the sizes into the header and closes the file. */
  @Override
  public void close() throws IOException {
    int frameBytes = 2 * numChannels;
    int dataBytes = (int) (file.length() - HEADER_BYTES);
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    header.put(ascii("RIFF")).putInt(dataBytes + HEADER_BYTES - 8).put(ascii("WAVE"));
    header.put(ascii("fmt ")).putInt(16).putShort((short) 1).putShort((short) numChannels);
    header.putInt(sampleRate).putInt(sampleRate * frameBytes);
    header.putShort((short) frameBytes).putShort((short) 16);
    header.put(ascii("data")).putInt(dataBytes);
    file.seek(0);
    file.write(header.array());
    file.close();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
