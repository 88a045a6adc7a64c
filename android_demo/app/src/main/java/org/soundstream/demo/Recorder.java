package org.soundstream.demo;

import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.soundstream.codec.ModelMetadata;
import org.soundstream.codec.SstEncoder;
import org.soundstream.live.Sender;
import org.soundstream.tflite.CodecModel;

/** Writes the codes of a call to an .sst file, on a thread of its own. */
final class Recorder implements Sender.CodesListener {
  private static final int QUEUE_FRAMES = 100; // two seconds for storage to be slow in

  /** The codes of one frame; used again and again. */
  private static final class Frame {
    final int[] codes;
    int numLevels; // 0: the last one, without codes
    boolean denoise;

    Frame(int maxLevels) {
      codes = new int[maxLevels];
    }
  }

  /** Told how a recording ended, on the recorder's thread. */
  interface DoneListener {
    /** {@code error} is null where all went well. */
    void onRecorded(File file, double seconds, IOException error);
  }

  private final CodecModel model;
  private final File file;
  private final DoneListener listener;
  private final BlockingQueue<Frame> free = new ArrayBlockingQueue<>(QUEUE_FRAMES);
  private final BlockingQueue<Frame> filled = new ArrayBlockingQueue<>(QUEUE_FRAMES + 1);

  /** Begins; frames that arrive while storage is stuck for two seconds are left out. */
  Recorder(CodecModel model, File file, int numLevels, DoneListener listener) {
    this.model = model;
    this.file = file;
    this.listener = listener;
    for (int i = 0; i < QUEUE_FRAMES; i++) {
      free.add(new Frame(model.metadata().numQuantizers));
    }
    new Thread(() -> write(numLevels), "recorder").start();
  }

  @Override
  public void onCodes(int[] codes, int numLevels, boolean denoise) {
    Frame frame = free.poll();
    if (frame != null) {
      System.arraycopy(codes, 0, frame.codes, 0, numLevels);
      frame.numLevels = numLevels;
      frame.denoise = denoise;
      filled.add(frame);
    }
  }

  /** Ends the file; its listener is told when it is complete. */
  void finish() {
    filled.add(new Frame(0));
  }

  private void write(int numLevels) {
    ModelMetadata metadata = model.metadata();
    long numFrames = 0;
    IOException failure = null;
    try (OutputStream stream = new BufferedOutputStream(new FileOutputStream(file))) {
      SstEncoder encoder =
          new SstEncoder(stream, metadata, numLevels, false, model.newEntropyTables());
      for (Frame frame = filled.take(); frame.numLevels > 0; frame = filled.take()) {
        encoder.write(frame.codes, frame.numLevels, frame.denoise);
        free.add(frame);
        numFrames++;
      }
      encoder.finish(numFrames * metadata.hop);
    } catch (IOException error) {
      failure = error;
    } catch (InterruptedException error) {
      failure = new IOException(error);
    }
    listener.onRecorded(file, numFrames / metadata.frameRate(), failure);
  }
}
