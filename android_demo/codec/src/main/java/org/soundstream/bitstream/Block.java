package org.soundstream.bitstream;

/** Consecutive frames of a file: a packet, or a gap where packets were lost. */
public final class Block {
  /** Number of the first frame. */
  public final long start;
  /** At least 1. */
  public final int numFrames;
  /** Null for a gap. */
  public final Packet packet;

  Block(long start, int numFrames, Packet packet) {
    this.start = start;
    this.numFrames = numFrames;
    this.packet = packet;
  }
}
