package org.soundstream.bitstream;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import org.junit.Test;
import org.soundstream.Vectors;

public class PacketsTest {
  @Test
  public void codesPackToTheBytesOfThePythonSide() throws Exception {
    for (String[] fields : Vectors.lines("packing.txt")) {
      int bits = Integer.parseInt(fields[0]);
      int[] codes = Vectors.codes(fields[1]);
      byte[] expected = Vectors.hex(fields[2]);
      byte[] packed = new byte[BitPacking.packedSize(codes.length, bits)];
      assertEquals(expected.length, BitPacking.pack(codes, codes.length, bits, packed, 0));
      assertArrayEquals(expected, packed);
      int[] unpacked = new int[codes.length];
      BitPacking.unpack(expected, 0, codes.length, bits, unpacked);
      assertArrayEquals(codes, unpacked);
    }
  }

  @Test
  public void codeThatDoesNotFitIsRefused() {
    assertThrows(IllegalArgumentException.class,
        () -> BitPacking.pack(new int[] {64}, 1, 6, new byte[1], 0));
    assertThrows(IllegalArgumentException.class,
        () -> BitPacking.pack(new int[] {-1}, 1, 6, new byte[1], 0));
  }

  @Test
  public void packetsAreByteForByteThoseOfThePythonSide() throws Exception {
    EntropyTables tables = new EntropyTables(Vectors.bytes("tables.sset"));
    EnumSet<Packet.Kind> kinds = EnumSet.noneOf(Packet.Kind.class);
    Packet packet = new Packet(0);
    for (String[] fields : Vectors.lines("packets.txt")) {
      int channels = Integer.parseInt(fields[0]);
      int frames = Integer.parseInt(fields[1]);
      int levels = Integer.parseInt(fields[2]);
      boolean coded = fields[4].equals("1");
      int[] codes = Vectors.codes(fields[5]);
      byte[] expected = Vectors.hex(fields[6]);
      PacketCoder coder = new PacketCoder(5, channels, coded ? tables : null);

      coder.encode(codes, frames, levels, fields[3].equals("1"), packet);
      byte[] written = new byte[packet.size()];
      assertEquals(expected.length, packet.write(written, 0));
      assertArrayEquals(expected, written);
      kinds.add(packet.kind());

      Packet read = new Packet(0);
      read.read(expected, 0, expected.length);
      assertEquals(frames, read.numFrames());
      assertEquals(levels, read.numLevels());
      assertEquals(fields[3].equals("1"), read.denoise());
      int[] decoded = new int[coder.numCodes(read)];
      coder.decode(read, decoded);
      assertArrayEquals(codes, decoded);
    }
    assertEquals(EnumSet.of(Packet.Kind.PACKED, Packet.Kind.ENTROPY_CODED), kinds);
  }

  @Test
  public void damagedPacketsAreRefusedOrDecodedNeverMore() throws Exception {
    EntropyTables tables = new EntropyTables(Vectors.bytes("tables.sset"));
    Random random = new Random(5);
    int refused = 0;
    for (int round = 0; round < 2_000; round++) {
      byte[] data = new byte[random.nextInt(30)];
      random.nextBytes(data);
      Packet packet = new Packet(0);
      PacketCoder coder = new PacketCoder(5, 1, tables);
      try {
        packet.read(data, 0, data.length);
        int[] codes = new int[coder.numCodes(packet)];
        coder.decode(packet, codes);
        assertTrue(Arrays.stream(codes).allMatch(code -> code >= 0 && code < 32));
      } catch (BitstreamException expected) {
        refused++;
      }
    }
    assertTrue(refused > 1_000);
  }

  @Test
  public void damagedTablesAreRefused() throws Exception {
    byte[] good = Vectors.bytes("tables.sset");
    assertThrows(BitstreamException.class,
        () -> new EntropyTables(Arrays.copyOf(good, good.length - 1)));
    assertThrows(BitstreamException.class,
        () -> new EntropyTables(Arrays.copyOf(good, good.length + 1)));
    byte[] wrong = good.clone();
    wrong[wrong.length - 1] ^= 1;
    assertThrows(BitstreamException.class, () -> new EntropyTables(wrong));
  }
}
