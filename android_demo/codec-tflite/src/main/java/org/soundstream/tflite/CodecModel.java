package org.soundstream.tflite;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.soundstream.bitstream.EntropyTables;
import org.soundstream.codec.ModelMetadata;

/**
 * An exported model: {@code metadata.json} and one encoder and one decoder file per flavour.
 *
 * <p>Every encoder and decoder has an interpreter of its own and belongs to one stream.
 */
public final class CodecModel {
  private static final String TABLES_FILE = "entropy_tables.bin";

  private final ModelFiles files;
  private final ModelMetadata metadata;
  private final byte[] tables; // null if it has none

  private CodecModel(ModelFiles files) throws IOException {
    this.files = files;
    metadata = MetadataJson.read(files);
    tables = readTables(files);
  }

  /** Reads the metadata. */
  public static CodecModel load(ModelFiles files) throws IOException {
    return new CodecModel(files);
  }

  public ModelMetadata metadata() {
    return metadata;
  }

  /** The number format to use where there is no reason for another one. */
  public String defaultFlavour() {
    return metadata.flavours.get(0);
  }

  /** New tables for entropy coding, for one thread; null if the model has none. */
  public EntropyTables newEntropyTables() throws IOException {
    return tables == null ? null : new EntropyTables(tables);
  }

  /** Loads the encoder of a flavour; the caller closes it. */
  public TfliteEncoder newEncoder(String flavour, int bitrateBps, int numThreads)
      throws IOException {
    return new TfliteEncoder(graph("encoder", flavour, numThreads), metadata, bitrateBps);
  }

  /** Loads the decoder of a flavour; the caller closes it. */
  public TfliteDecoder newDecoder(String flavour, int numThreads) throws IOException {
    return new TfliteDecoder(graph("decoder", flavour, numThreads), metadata);
  }

  private static byte[] readTables(ModelFiles files) throws IOException {
    ByteBuffer content;
    try {
      content = files.open(TABLES_FILE);
    } catch (FileNotFoundException none) {
      return null;
    }
    byte[] bytes = new byte[content.remaining()];
    content.get(bytes);
    return bytes;
  }

  private StreamingGraph graph(String part, String flavour, int numThreads) throws IOException {
    String name = part + "_" + flavour + ".tflite";
    try {
      return new StreamingGraph(files.open(name), numThreads);
    } catch (IllegalArgumentException error) {
      throw new IOException(name + " cannot be loaded: " + error.getMessage(), error);
    }
  }
}
