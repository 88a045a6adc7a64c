package org.soundstream.bitstream;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * Reads an .sst stream, forward only and in constant memory.
 *
 * <p>{@link #next} gives every intact packet, and a gap wherever packets are missing between two
 * intact ones. The other methods tell how far it has come and are final when it has returned null.
 */
public final class ContainerReader {
  private static final int FRAME_MODULUS = 1 << 16;
  // Damage may hide packets, and a reader fills the gap they leave; this bounds what crafted frame
  // numbers can make it fill: 32,768 frames in all, and 8 for each unreadable byte.
  private static final int FREE_GAP_FRAMES = 32_768;
  private static final int GAP_FRAMES_PER_BYTE = 8;

  private final InputStream stream;
  private final Header header;
  private final PacketCoder sizes;
  private final ArrayDeque<Block> ready = new ArrayDeque<>();
  private final byte[] buffer = new byte[1 << 16]; // any packet is smaller
  private int from; // buffer[from..to) was read and not yet used
  private int to;
  private boolean atEnd;

  private long numFrames;
  private long numPackets;
  private long lostFrames;
  private long skippedBytes;
  private long totalSamples;
  private boolean complete;
  private long gapAllowance = FREE_GAP_FRAMES;

  /**
   * Reads the header; the stream stays the caller's to close.
   *
   * @throws BitstreamException it is not one, or made by a newer version
   */
  public ContainerReader(InputStream stream) throws IOException {
    this.stream = stream;
    while (to < Header.BYTES && fill()) {}
    header = Header.fromBytes(Arrays.copyOf(buffer, Math.min(to, Header.BYTES)));
    from = Header.BYTES;
    sizes = new PacketCoder(header.bitsPerCode, header.numChannels, null);
    totalSamples = header.totalSamples;
  }

  public Header header() {
    return header;
  }

  /** Frames yielded, gaps included. */
  public long numFrames() {
    return numFrames;
  }

  /** Intact packets. */
  public long numPackets() {
    return numPackets;
  }

  /** Frames in gaps. */
  public long lostFrames() {
    return lostFrames;
  }

  /** Bytes that belong to no intact packet. */
  public long skippedBytes() {
    return skippedBytes;
  }

  /** Whether the end packet was seen; a file that ends without it was cut. */
  public boolean complete() {
    return complete;
  }

  /**
   * The exact length per channel at the audio's rate, from the end packet; before it, and where it
   * is missing, the header's claim. {@link Header#UNKNOWN_LENGTH} where it does not agree with the
   * frames read so far, so that it cannot be used.
   */
  public long totalSamples() {
    return header.agrees(totalSamples, numFrames) ? totalSamples : Header.UNKNOWN_LENGTH;
  }

  /** The next packet or gap; null at the end. */
  public Block next() throws IOException {
    while (ready.isEmpty() && !complete) {
      if (parse()) {
        continue;
      }
      if (!atEnd) {
        fill(); // the packet may go on in what is still to come
      } else if (from == to) {
        break;
      } else {
        skip();
      }
    }
    return ready.poll();
  }

  /**
   * Takes the first packet in the buffer, skipping bytes that cannot start one; false where the
   * buffer ends before a packet does.
   */
  private boolean parse() {
    while (from < to) {
      int size = storedSize();
      if (size > to - from) {
        return false;
      }
      if (size > 0 && accept(size)) {
        from += size;
        return true;
      }
      skip();
    }
    return false;
  }

  /**
   * Bytes of the packet that the buffer starts with, 0 if it cannot be one. A size beyond the
   * buffer's end says: read on and ask again.
   */
  private int storedSize() {
    if ((buffer[from] & 0xFF) != ContainerWriter.SYNC) {
      return 0;
    }
    if (to - from < ContainerWriter.OVERHEAD_BYTES) {
      return ContainerWriter.OVERHEAD_BYTES;
    }
    Packet.Kind kind = Packet.Kind.of(buffer[from + 4] >> 6 & 3);
    int frames = (buffer[from + 4] & 63) + 1;
    if (frames > header.framesPerPacket) {
      return 0;
    }
    int limit = sizes.payloadBytes(kind, frames, buffer[from + 3] & 127);
    int written = ByteBuffer.wrap(buffer).getChar(from + 5);
    if (limit > Packet.MAX_PAYLOAD_BYTES || kind.isSized() && written > limit) {
      return 0;
    }
    return ContainerWriter.OVERHEAD_BYTES + (kind.isSized() ? 2 + written : limit);
  }

  /** Makes the blocks up to the end of this packet; false if it is damaged or out of place. */
  private boolean accept(int size) {
    ByteBuffer view = ByteBuffer.wrap(buffer);
    if (Crc16.of(buffer, from, size - 2) != view.getChar(from + size - 2)) {
      return false;
    }
    byte[] datagram = Arrays.copyOfRange(buffer, from + 3, from + size - 2);
    int length = datagram.length;
    if (Packet.Kind.of(datagram[1] >> 6 & 3).isSized()) {
      length -= 2; // the size stands between header and payload
      System.arraycopy(datagram, 4, datagram, 2, length - 2);
    }
    Packet packet = new Packet(length);
    try {
      packet.read(datagram, 0, length);
    } catch (BitstreamException error) {
      return false;
    }
    int missing = (int) (view.getChar(from + 1) - numFrames & FRAME_MODULUS - 1);
    if (missing > Math.min(gapAllowance, FRAME_MODULUS / 2)) {
      return false;
    }
    if (missing > 0) {
      ready.add(new Block(numFrames, missing, null));
      gapAllowance -= missing;
      lostFrames += missing;
      numFrames += missing;
    }
    if (packet.kind() == Packet.Kind.END) {
      totalSamples = ByteBuffer.wrap(packet.payload()).getLong();
      complete = true;
      return true;
    }
    ready.add(new Block(numFrames, packet.numFrames(), packet));
    numFrames += packet.numFrames();
    numPackets++;
    return true;
  }

  /** Drops the first byte and all up to the next sync byte. */
  private void skip() {
    int start = from++;
    while (from < to && (buffer[from] & 0xFF) != ContainerWriter.SYNC) {
      from++;
    }
    skippedBytes += from - start;
    gapAllowance += (long) GAP_FRAMES_PER_BYTE * (from - start);
  }

  /** Reads on; false at the end of the stream. */
  private boolean fill() throws IOException {
    System.arraycopy(buffer, from, buffer, 0, to - from);
    to -= from;
    from = 0;
    int count = stream.read(buffer, to, buffer.length - to);
    atEnd = count < 0;
    to += Math.max(0, count);
    return !atEnd;
  }
}
