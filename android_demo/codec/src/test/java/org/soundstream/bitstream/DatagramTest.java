package org.soundstream.bitstream;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.Test;
import org.soundstream.Vectors;

public class DatagramTest {
  @Test
  public void datagramsAreByteForByteThoseOfThePythonSide() throws Exception {
    EntropyTables tables = new EntropyTables(Vectors.bytes("tables.sset"));
    int[] forms = new int[4];
    for (String[] fields : Vectors.lines("datagrams.txt")) {
      int channels = Integer.parseInt(fields[0]);
      boolean coded = fields[4].equals("1");
      int[] codes = Vectors.codes(fields[6]);
      byte[] expected = Vectors.hex(fields[7]);
      DatagramCoder coder = new DatagramCoder(5, channels, coded ? tables : null);
      Datagram datagram = new Datagram(channels);
      datagram.set(Integer.parseInt(fields[1]), Integer.parseInt(fields[2]),
          fields[3].equals("1"));
      for (String sum : fields[5].isEmpty() ? new String[0] : fields[5].split(" ")) {
        String[] parts = sum.split(":");
        datagram.addSum(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
      }
      System.arraycopy(codes, 0, datagram.codes(), 0, codes.length);
      byte[] written = new byte[expected.length + 100];
      assertEquals(expected.length, coder.encode(datagram, written));
      assertArrayEquals(expected, Arrays.copyOf(written, expected.length));
      forms[written[1] >> 6 & 3]++;

      Datagram read = new Datagram(channels);
      coder.decode(expected, expected.length, read);
      assertEquals(datagram.numFrames(), read.numFrames());
      assertEquals(datagram.numLevels(), read.numLevels());
      assertEquals(datagram.denoise(), read.denoise());
      assertEquals(datagram.numSums(), read.numSums());
      for (int sum = 0; sum < read.numSums(); sum++) {
        assertEquals(datagram.sumLevels(sum), read.sumLevels(sum));
        assertArrayEquals(datagram.distances(sum), read.distances(sum));
      }
      assertArrayEquals(codes, Arrays.copyOf(read.codes(), codes.length));
    }
    for (int count : forms) {
      assertTrue(Arrays.toString(forms), count > 0);
    }
  }

  @Test
  public void readersThatKnowNoSumsRefuseThemInWords() {
    byte[] data = {12, (byte) 128, 0x41, 0, 0};
    BitstreamException error = assertThrows(BitstreamException.class,
        () -> new Packet(0).read(data, 0, data.length));
    assertEquals("a SILENCE packet has no levels, got 12", error.getMessage());
  }

  @Test
  public void damagedDatagramsAreRefusedOrDecodedNeverMore() throws Exception {
    EntropyTables tables = new EntropyTables(Vectors.bytes("tables.sset"));
    DatagramCoder coder = new DatagramCoder(5, 1, tables);
    Datagram datagram = new Datagram(1);
    Random random = new Random(6);
    int refused = 0;
    for (int round = 0; round < 100_000; round++) {
      byte[] data = new byte[random.nextInt(30)];
      random.nextBytes(data);
      if (data.length > 1) {
        data[0] %= 8;
        data[1] &= (byte) 0xC0; // one frame
      }
      try {
        coder.decode(data, data.length, datagram);
        for (int i = 0; i < datagram.numCodes(); i++) {
          assertTrue(datagram.codes()[i] >= 0 && datagram.codes()[i] < 32);
        }
      } catch (BitstreamException expected) {
        refused++;
      }
    }
    assertTrue("" + refused, refused > 10_000 && refused < 90_000);
  }
}
