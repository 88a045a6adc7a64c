package org.soundstream.demo;

import android.content.res.AssetFileDescriptor;
import android.content.res.AssetManager;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.soundstream.tflite.ModelFiles;

/** A model in the app's assets. The build stores its files uncompressed, so they can be mapped. */
final class AssetFiles implements ModelFiles {
  private final AssetManager assets;
  private final String folder;

  AssetFiles(AssetManager assets, String folder) {
    this.assets = assets;
    this.folder = folder;
  }

  @Override
  public ByteBuffer open(String name) throws IOException {
    try (AssetFileDescriptor asset = assets.openFd(folder + "/" + name);
        FileInputStream stream = asset.createInputStream();
        FileChannel channel = stream.getChannel()) {
      return channel.map(
          FileChannel.MapMode.READ_ONLY, asset.getStartOffset(), asset.getDeclaredLength());
    }
  }
}
