package org.soundstream.demo;

import android.media.AudioTrack;
import java.io.BufferedInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.soundstream.codec.FrameDecoder;
import org.soundstream.codec.SstDecoder;
import org.soundstream.codec.WavWriter;
import org.soundstream.tflite.CodecModel;
import org.soundstream.tflite.TfliteDecoder;

/** Plays an .sst stream, or writes it as .wav. Not for the main thread. */
final class SstFile {
  /** Takes decoded audio, frame by frame. */
  private interface Sink extends AutoCloseable {
    void write(float[] interleaved, int count) throws IOException;

    @Override
    void close() throws IOException;
  }

  /** Opens a sink for a stream. */
  private interface SinkOpener {
    Sink open(SstDecoder decoder) throws IOException;
  }

  private SstFile() {}

  /** Plays to the end, or until the thread is interrupted; closes the stream. */
  static void play(CodecModel model, InputStream stream) throws IOException {
    decode(model, stream, decoder -> new Sink() {
      private final AudioTrack track = AudioDevices.speaker(
          model.metadata().sampleRate, decoder.header().numChannels, model.metadata().hop);

      @Override
      public void write(float[] interleaved, int count) {
        if (track.getPlayState() != AudioTrack.PLAYSTATE_PLAYING) {
          track.play();
        }
        track.write(interleaved, 0, count, AudioTrack.WRITE_BLOCKING);
      }

      @Override
      public void close() {
        track.stop(); // plays what is queued
        track.release();
      }
    });
  }

  /** Writes the audio at the model's rate; closes the stream. */
  static void writeWav(CodecModel model, InputStream stream, File target) throws IOException {
    decode(model, stream, decoder -> {
      WavWriter writer = new WavWriter(new RandomAccessFile(target, "rw"),
          model.metadata().sampleRate, decoder.header().numChannels);
      return new Sink() {
        @Override
        public void write(float[] interleaved, int count) throws IOException {
          writer.write(interleaved, count);
        }

        @Override
        public void close() throws IOException {
          writer.close();
        }
      };
    });
  }

  private static void decode(CodecModel model, InputStream stream, SinkOpener opener)
      throws IOException {
    List<TfliteDecoder> opened = new ArrayList<>();
    try (InputStream input = new BufferedInputStream(stream)) {
      SstDecoder decoder = new SstDecoder(input, model.metadata(), () -> newDecoder(model, opened),
          model.newEntropyTables());
      int numChannels = decoder.header().numChannels;
      float[] frame = new float[model.metadata().hop * numChannels];
      try (Sink sink = opener.open(decoder)) {
        int count = decoder.read(frame);
        while (count > 0 && !Thread.currentThread().isInterrupted()) {
          sink.write(frame, count * numChannels);
          count = decoder.read(frame);
        }
      }
    } catch (UncheckedIOException error) {
      throw error.getCause();
    } finally {
      for (TfliteDecoder decoder : opened) {
        decoder.close();
      }
    }
  }

  private static FrameDecoder newDecoder(CodecModel model, List<TfliteDecoder> opened) {
    try {
      opened.add(model.newDecoder(model.defaultFlavour(), 1));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return opened.get(opened.size() - 1);
  }
}
