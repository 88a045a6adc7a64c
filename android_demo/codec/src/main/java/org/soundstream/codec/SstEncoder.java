package org.soundstream.codec;

import java.io.IOException;
import java.io.OutputStream;
import org.soundstream.bitstream.ContainerWriter;
import org.soundstream.bitstream.EntropyTables;
import org.soundstream.bitstream.Header;
import org.soundstream.bitstream.Packet;
import org.soundstream.bitstream.PacketCoder;

/** Frames of mono codes to an .sst stream; the bitrate may change at any frame. */
public final class SstEncoder {
  /** In a packet at most: one second of the speech model. */
  public static final int FRAMES_PER_PACKET = 50;

  private final ContainerWriter writer;
  private final PacketCoder coder;
  private final Packet packet = new Packet(512);
  private final int[] codes;
  private int heldFrames;
  private int heldLevels;
  private boolean heldDenoise;

  /**
   * Writes the header.
   *
   * @param stream stays the caller's to close
   * @param numLevels what the recording starts with
   * @param tables for entropy coding; null packs all codes
   */
  public SstEncoder(OutputStream stream, ModelMetadata metadata, int numLevels, boolean denoise,
      EntropyTables tables) throws IOException {
    Header.Builder header = new Header.Builder()
        .rates(metadata.sampleRate, metadata.sampleRate)
        .hop(metadata.hop)
        .codes(numLevels, metadata.bitsPerCode())
        .framesPerPacket(FRAMES_PER_PACKET)
        .modelId(metadata.modelId)
        .denoise(denoise);
    if (tables != null) {
      header.tables(tables.id());
    }
    writer = new ContainerWriter(stream, header.build());
    coder = new PacketCoder(metadata.bitsPerCode(), 1, tables);
    codes = new int[FRAMES_PER_PACKET * metadata.numQuantizers];
  }

  /** Appends one frame. */
  public void write(int[] frameCodes, int numLevels, boolean denoise) throws IOException {
    if (numLevels != heldLevels || denoise != heldDenoise) {
      flush(); // all frames of a packet have the same form
      heldLevels = numLevels;
      heldDenoise = denoise;
    }
    System.arraycopy(frameCodes, 0, codes, heldFrames * numLevels, numLevels);
    if (++heldFrames == FRAMES_PER_PACKET) {
      flush();
    }
  }

  /** Ends the stream; {@code totalSamples} of audio were encoded, the last frame maybe in part. */
  public void finish(long totalSamples) throws IOException {
    flush();
    writer.finish(totalSamples);
  }

  /** Bytes written so far, all headers included. */
  public long numBytes() {
    return writer.numBytes();
  }

  private void flush() throws IOException {
    if (heldFrames > 0) {
      coder.encode(codes, heldFrames, heldLevels, heldDenoise, packet);
      writer.write(packet);
      heldFrames = 0;
    }
  }
}
