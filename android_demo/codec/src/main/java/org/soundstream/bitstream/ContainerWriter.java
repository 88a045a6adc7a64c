package org.soundstream.bitstream;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * Writes an .sst stream: a header, packets that stand alone, and an end packet.
 *
 * <p>A stored packet, big-endian:
 *
 * <pre>
 * 1 byte   0xA5, where a reader that lost its place looks for the next packet
 * 2 bytes  number of its first frame, modulo 65,536
 * 2 bytes  the packet's own header
 * 2 bytes  payload size; only for ENTROPY_CODED and SILENCE, the others' follows from the header
 * n bytes  payload
 * 2 bytes  CRC-16 of all the above
 * </pre>
 */
public final class ContainerWriter {
  static final int SYNC = 0xA5;
  static final int OVERHEAD_BYTES = 7; // of a packet whose size is not written
  private static final int MAX_STORED_BYTES = OVERHEAD_BYTES + 2 + Packet.MAX_PAYLOAD_BYTES;

  private final OutputStream stream;
  private final Header header;
  private final ByteBuffer stored = ByteBuffer.allocate(MAX_STORED_BYTES);
  private long numFrames;
  private long numBytes;

  /** Writes the header; the stream stays the caller's to close. */
  public ContainerWriter(OutputStream stream, Header header) throws IOException {
    this.stream = stream;
    this.header = header;
    stream.write(header.toBytes());
    numBytes = Header.BYTES;
  }

  /** Frames written so far. */
  public long numFrames() {
    return numFrames;
  }

  /** Bytes written so far, all headers included. */
  public long numBytes() {
    return numBytes;
  }

  /** Appends a packet. */
  public void write(Packet packet) throws IOException {
    if (packet.numFrames() > header.framesPerPacket) {
      throw new IllegalArgumentException(packet.numFrames()
          + " frames in a packet, the header says " + header.framesPerPacket + " at most");
    }
    writeStored(packet);
    numFrames += packet.numFrames();
  }

  /** Writes the end packet; {@code totalSamples} are per channel at the audio's rate. */
  public void finish(long totalSamples) throws IOException {
    byte[] payload = ByteBuffer.allocate(Packet.END_BYTES).putLong(totalSamples).array();
    Packet packet = new Packet(Packet.END_BYTES);
    packet.set(Packet.Kind.END, 1, 0, false, payload, 0, payload.length);
    writeStored(packet);
    stream.flush();
  }

  private void writeStored(Packet packet) throws IOException {
    byte[] bytes = stored.array();
    stored.clear();
    stored.put((byte) SYNC).putShort((short) numFrames);
    packet.writeHeader(bytes, stored.position());
    stored.position(stored.position() + Packet.HEADER_BYTES);
    if (packet.kind().isSized()) {
      stored.putShort((short) packet.payloadBytes());
    }
    stored.put(packet.payload(), 0, packet.payloadBytes());
    stored.putShort((short) Crc16.of(bytes, 0, stored.position()));
    stream.write(bytes, 0, stored.position());
    numBytes += stored.position();
  }
}
