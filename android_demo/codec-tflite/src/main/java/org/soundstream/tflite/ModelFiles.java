package org.soundstream.tflite;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Where the files of an exported model are: a folder, an app's assets, a download. */
public interface ModelFiles {
  /**
   * The content of a file.
   *
   * @return a direct buffer, as the interpreter wants it
   * @throws java.io.FileNotFoundException it is missing
   * @throws IOException it cannot be read
   */
  ByteBuffer open(String name) throws IOException;

  /** The files of a folder, mapped into memory. */
  static ModelFiles of(File folder) {
    return name -> {
      try (FileInputStream stream = new FileInputStream(new File(folder, name));
          FileChannel channel = stream.getChannel()) {
        return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
      }
    };
  }
}
