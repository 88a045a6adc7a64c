package org.soundstream.codec;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads a 16-bit PCM .wav stream, forward only. */
public final class WavReader {
  private static final int RIFF = 0x52494646;
  private static final int WAVE = 0x57415645;
  private static final int FMT = 0x666D7420;
  private static final int DATA = 0x64617461;

  private final DataInputStream stream;
  private int sampleRate;
  private int numChannels;
  private long bytesLeft;
  private ByteBuffer block = ByteBuffer.allocate(0);

  /**
   * Reads up to the audio; the stream stays the caller's to close.
   *
   * @throws IOException not a .wav file, or one of another sample format
   */
  public WavReader(InputStream input) throws IOException {
    stream = new DataInputStream(input);
    try {
      int riff = stream.readInt();
      stream.readInt();
      if (riff != RIFF || stream.readInt() != WAVE) {
        throw new IOException("not a .wav file");
      }
      for (int name = stream.readInt(); name != DATA; name = stream.readInt()) {
        readChunk(name, Integer.reverseBytes(stream.readInt()));
      }
      bytesLeft = Integer.reverseBytes(stream.readInt()) & 0xFFFFFFFFL;
    } catch (EOFException error) {
      throw new IOException("not a .wav file: it ends before its audio");
    }
    if (numChannels == 0) {
      throw new IOException("not a .wav file: it does not say its format");
    }
  }

  /** Hz. */
  public int sampleRate() {
    return sampleRate;
  }

  public int numChannels() {
    return numChannels;
  }

  /** Reads at most {@code count} samples of all channels together; returns how many, 0: end. */
  public int read(float[] interleaved, int count) throws IOException {
    if (block.capacity() < 2 * count) {
      block = ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN);
    }
    int wanted = (int) Math.min(2L * count, bytesLeft);
    int size = 0;
    while (size < wanted) {
      int got = stream.read(block.array(), size, wanted - size);
      if (got < 0) {
        break;
      }
      size += got;
    }
    bytesLeft -= size;
    for (int i = 0; i < size / 2; i++) {
      interleaved[i] = block.getShort(2 * i) / 32768f;
    }
    return size / 2;
  }

  private void readChunk(int name, int size) throws IOException {
    int rest = size + (size & 1);
    if (name == FMT) {
      int format = Short.reverseBytes(stream.readShort()) & 0xFFFF;
      numChannels = Short.reverseBytes(stream.readShort());
      sampleRate = Integer.reverseBytes(stream.readInt());
      stream.readInt();
      stream.readShort();
      int bits = Short.reverseBytes(stream.readShort());
      rest -= 16;
      boolean extensible = format == 0xFFFE;
      if (bits != 16 || !(format == 1 || extensible) || numChannels < 1) {
        throw new IOException("only 16-bit PCM can be read, this is format " + format + " of "
            + bits + " bits");
      }
    }
    while (rest > 0) {
      int skipped = stream.skipBytes(rest);
      if (skipped <= 0) {
        throw new EOFException();
      }
      rest -= skipped;
    }
  }
}
