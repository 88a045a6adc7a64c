package org.soundstream.bitstream;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.junit.Test;
import org.soundstream.Vectors;

public class ContainerTest {
  @Test
  public void headersAreReadRepairedAndRefusedAsOnThePythonSide() throws Exception {
    for (String[] fields : Vectors.lines("headers.txt")) {
      byte[] data = Vectors.hex(fields[0]);
      if (fields[1].startsWith("error")) {
        assertThrows(fields[1], BitstreamException.class, () -> Header.fromBytes(data));
      } else {
        assertArrayEquals(Vectors.hex(fields[1]), Header.fromBytes(data).toBytes());
      }
    }
  }

  @Test
  public void wholeFilesReadAsOnThePythonSide() throws Exception {
    check("mono", false, false);
    check("stereo_coded", true, false);
  }

  @Test
  public void damagedFilesReadAsOnThePythonSide() throws Exception {
    check("damaged", false, false);
    check("cut", false, false);
  }

  @Test
  public void filesReadTheSameByteAfterByte() throws Exception {
    check("damaged", false, true);
    check("stereo_coded", true, true);
  }

  @Test
  public void rewrittenFilesAreByteForByteTheSame() throws Exception {
    for (String name : new String[] {"mono", "stereo_coded"}) {
      byte[] original = Vectors.bytes(name + ".sst");
      ContainerReader reader = new ContainerReader(new ByteArrayInputStream(original));
      ByteArrayOutputStream copy = new ByteArrayOutputStream();
      ContainerWriter writer = new ContainerWriter(copy, reader.header());
      for (Block block = reader.next(); block != null; block = reader.next()) {
        writer.write(block.packet);
      }
      writer.finish(reader.totalSamples());
      assertArrayEquals(original, copy.toByteArray());
      assertEquals(original.length, writer.numBytes());
    }
  }

  private static void check(String name, boolean coded, boolean dribbling) throws IOException {
    EntropyTables tables = coded ? new EntropyTables(Vectors.bytes("tables.sset")) : null;
    InputStream stream = Vectors.open(name + ".sst");
    ContainerReader reader = new ContainerReader(dribbling ? new Dribble(stream) : stream);
    PacketCoder coder = new PacketCoder(5, reader.header().numChannels, tables);
    List<String[]> lines = Vectors.lines(name + ".txt");
    for (String[] fields : lines.subList(0, lines.size() - 1)) {
      Block block = reader.next();
      assertNotNull(block);
      assertEquals(fields[0], Long.toString(block.start));
      assertEquals(fields[1], Integer.toString(block.numFrames));
      assertEquals(fields[2], block.packet == null ? "GAP" : block.packet.kind().name());
      if (block.packet != null && block.packet.kind().holdsCodes()) {
        assertEquals(fields[3], Integer.toString(block.packet.numLevels()));
        assertEquals(fields[4], block.packet.denoise() ? "1" : "0");
        int[] codes = new int[coder.numCodes(block.packet)];
        coder.decode(block.packet, codes);
        assertArrayEquals(Vectors.codes(fields[5]), codes);
      }
    }
    assertNull(reader.next());
    String[] counts = lines.get(lines.size() - 1);
    assertEquals(counts[0], Long.toString(reader.numFrames()));
    assertEquals(counts[1], Long.toString(reader.numPackets()));
    assertEquals(counts[2], Long.toString(reader.lostFrames()));
    assertEquals(counts[3], Long.toString(reader.skippedBytes()));
    assertEquals(counts[4], reader.complete() ? "1" : "0");
    assertEquals(counts[5], Long.toString(reader.totalSamples()));
  }

  /** A pipe that gives one byte at a time. */
  private static final class Dribble extends FilterInputStream {
    Dribble(InputStream in) {
      super(in);
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      return super.read(buffer, offset, Math.min(1, length));
    }
  }
}
