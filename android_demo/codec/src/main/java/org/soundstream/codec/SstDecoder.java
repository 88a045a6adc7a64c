package org.soundstream.codec;

import java.io.IOException;
import java.io.InputStream;
import java.util.function.Supplier;
import org.soundstream.bitstream.BitstreamException;
import org.soundstream.bitstream.Block;
import org.soundstream.bitstream.ContainerReader;
import org.soundstream.bitstream.EntropyTables;
import org.soundstream.bitstream.Header;
import org.soundstream.bitstream.Packet;
import org.soundstream.bitstream.PacketCoder;

/** An .sst stream to audio at the model's rate, frame by frame; gaps are concealed. */
public final class SstDecoder {
  private final ModelMetadata metadata;
  private final ContainerReader reader;
  private final PacketCoder coder;
  private final ConcealingDecoder[] decoders;
  private final float[] channel;
  private int[] codes = new int[0]; // [frames, channels, levels] of the block
  private final int[] frameCodes;
  private boolean hasCodes;
  private Block block;
  private int frameInBlock;
  private long numFrames;
  private long unreadableFrames;

  /**
   * Reads the header.
   *
   * @param stream stays the caller's to close
   * @param newDecoder gives one decoder for each channel
   * @param tables the model's entropy tables, or null
   * @throws BitstreamException not an .sst stream, or made with another model or other tables
   */
  public SstDecoder(InputStream stream, ModelMetadata metadata, Supplier<FrameDecoder> newDecoder,
      EntropyTables tables) throws IOException {
    this.metadata = metadata;
    reader = new ContainerReader(stream);
    Header header = reader.header();
    String mismatch = metadata.mismatch(header);
    if (mismatch != null) {
      throw new BitstreamException(mismatch);
    }
    if (header.entropyCoded && (tables == null || tables.id() != header.tablesId)) {
      throw new BitstreamException(String.format("made with other entropy tables: %08x, the model "
          + "%s has %s", header.tablesId, metadata.name,
          tables == null ? "none" : String.format("%08x", tables.id())));
    }
    coder = new PacketCoder(header.bitsPerCode, header.numChannels, tables);
    decoders = new ConcealingDecoder[header.numChannels];
    for (int i = 0; i < decoders.length; i++) {
      decoders[i] = new ConcealingDecoder(newDecoder.get(), metadata);
    }
    channel = new float[metadata.hop];
    frameCodes = new int[metadata.numQuantizers];
    nextBlock();
  }

  public Header header() {
    return reader.header();
  }

  /** What was read so far, and how much of it was damaged. */
  public ContainerReader reader() {
    return reader;
  }

  /** Frames of packets that are intact but hold what the model cannot decode. */
  public long unreadableFrames() {
    return unreadableFrames;
  }

  /**
   * Decodes the next frame.
   *
   * @param interleaved gets [hop, channels]
   * @return how many samples per channel are valid: a hop, less in the last frame, 0 at the end
   */
  public int read(float[] interleaved) throws IOException {
    if (block == null) {
      return 0;
    }
    for (int c = 0; c < decoders.length; c++) {
      decodeChannel(c);
      for (int i = 0; i < metadata.hop; i++) {
        interleaved[i * decoders.length + c] = channel[i];
      }
    }
    numFrames++;
    if (++frameInBlock == block.numFrames) {
      nextBlock(); // now, for the end packet tells how much of the last frame counts
    }
    return block == null ? lastFrameSamples() : metadata.hop;
  }

  private void decodeChannel(int c) {
    Packet packet = block.packet;
    if (hasCodes) {
      int numLevels = packet.numLevels();
      int offset = (frameInBlock * decoders.length + c) * numLevels;
      System.arraycopy(codes, offset, frameCodes, 0, numLevels);
      decoders[c].decode(frameCodes, numLevels, channel);
    } else if (packet == null || packet.kind() != Packet.Kind.SILENCE) {
      decoders[c].conceal(channel);
    } else if (packet.payloadBytes() >= (c + 1) * Packet.COMFORT_NOISE_BYTES) {
      decoders[c].pause(packet.payload(), c * Packet.COMFORT_NOISE_BYTES, channel);
    } else {
      decoders[c].pause(channel);
    }
  }

  private void nextBlock() throws IOException {
    block = reader.next();
    frameInBlock = 0;
    hasCodes = false;
    if (block == null || block.packet == null || block.packet.kind() == Packet.Kind.SILENCE) {
      return;
    }
    hasCodes = readCodes(block.packet);
    unreadableFrames += hasCodes ? 0 : block.numFrames;
  }

  private boolean readCodes(Packet packet) {
    int numCodes = coder.numCodes(packet);
    if (packet.numLevels() > metadata.numQuantizers) {
      return false;
    }
    if (codes.length < numCodes) {
      codes = new int[numCodes];
    }
    try {
      coder.decode(packet, codes);
    } catch (BitstreamException error) {
      return false;
    }
    for (int i = 0; i < numCodes; i++) {
      if (codes[i] >= metadata.codebookSize) {
        return false;
      }
    }
    return true;
  }

  private int lastFrameSamples() {
    long total = reader.totalSamples();
    if (total == Header.UNKNOWN_LENGTH) {
      return metadata.hop;
    }
    double coded = (double) total * metadata.sampleRate / reader.header().sampleRate;
    return (int) Math.min(metadata.hop, Math.round(coded) - (numFrames - 1) * metadata.hop);
  }
}
