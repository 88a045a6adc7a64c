package org.soundstream.codec;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.Test;
import org.soundstream.Vectors;
import org.soundstream.bitstream.BitstreamException;
import org.soundstream.bitstream.Block;
import org.soundstream.bitstream.ContainerReader;
import org.soundstream.bitstream.EntropyTables;
import org.soundstream.bitstream.PacketCoder;

public class SstTest {
  private static final int HOP = Vectors.METADATA.hop;

  @Test
  public void entropyCodedStereoDecodesToTheAudioOfThePythonSide() throws Exception {
    check("stereo_coded", new EntropyTables(Vectors.bytes("tables.sset")));
  }

  @Test
  public void lossesAndPausesAreConcealedAsOnThePythonSide() throws Exception {
    check("damaged", null);
  }

  @Test
  public void cutFileDecodesToWholeFrames() throws Exception {
    SstDecoder decoder = decoder(Vectors.bytes("cut.sst"), null);
    float[] frame = new float[HOP];
    int total = 0;
    for (int count = decoder.read(frame); count > 0; count = decoder.read(frame)) {
      total += count;
    }
    assertEquals(HOP * decoder.reader().numFrames(), total);
    assertTrue(!decoder.reader().complete());
  }

  @Test
  public void missingTablesAndForeignModelsAreNamed() {
    assertThrows(BitstreamException.class, () -> decoder(Vectors.bytes("stereo_coded.sst"), null));
    ModelMetadata other = new ModelMetadata("other", "1", 4_000, 20, 32, 6,
        Vectors.METADATA.bitratesBps, Vectors.METADATA.flavours, false);
    BitstreamException error = assertThrows(BitstreamException.class,
        () -> new SstDecoder(Vectors.open("mono.sst"), other, Vectors.Decoder::new, null));
    assertTrue(error.getMessage(), error.getMessage().contains("00c0ffee12345678"));
  }

  @Test
  public void bitrateMayChangeAtAnyFrame() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SstEncoder encoder = new SstEncoder(out, Vectors.METADATA, 2, false, null);
    int[] codes = {1, 2, 3, 4, 5, 6};
    int numFrames = 137;
    for (int frame = 0; frame < numFrames; frame++) {
      encoder.write(codes, levels(frame), frame >= 100);
    }
    encoder.finish(numFrames * HOP - 5);
    assertEquals(out.size(), encoder.numBytes());

    ContainerReader reader = new ContainerReader(new ByteArrayInputStream(out.toByteArray()));
    PacketCoder coder = new PacketCoder(5, 1, null);
    int frame = 0;
    for (Block block = reader.next(); block != null; block = reader.next()) {
      int[] read = new int[coder.numCodes(block.packet)];
      coder.decode(block.packet, read);
      for (int i = 0; i < read.length; i++) {
        assertEquals(codes[i % levels(frame)], read[i]);
      }
      assertEquals(levels(frame), block.packet.numLevels());
      assertEquals(frame >= 100, block.packet.denoise());
      frame += block.numFrames;
    }
    assertEquals(numFrames, frame);
    assertEquals(numFrames * HOP - 5, reader.totalSamples());
  }

  private static int levels(int frame) {
    return frame < 60 ? 2 : 6;
  }

  private static SstDecoder decoder(byte[] file, EntropyTables tables) throws IOException {
    return new SstDecoder(new ByteArrayInputStream(file), Vectors.METADATA, Vectors.Decoder::new,
        tables);
  }

  private static void check(String name, EntropyTables tables) throws IOException {
    ByteBuffer expected = ByteBuffer.wrap(Vectors.bytes(name + ".s16"));
    SstDecoder decoder = decoder(Vectors.bytes(name + ".sst"), tables);
    float[] frame = new float[HOP * decoder.header().numChannels];
    for (int count = decoder.read(frame); count > 0; count = decoder.read(frame)) {
      for (int i = 0; i < count * decoder.header().numChannels; i++) {
        assertEquals(expected.getShort(), 32768 * frame[i], 0.51);
      }
    }
    assertEquals(0, expected.remaining());
    assertEquals(0, decoder.unreadableFrames());
  }
}
