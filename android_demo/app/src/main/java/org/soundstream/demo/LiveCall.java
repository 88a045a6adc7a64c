package org.soundstream.demo;

import android.media.AudioManager;
import android.media.AudioRecord;
import android.media.AudioTrack;
import android.os.Process;
import java.io.IOException;
import org.soundstream.codec.ModelMetadata;
import org.soundstream.live.LossSimulator;
import org.soundstream.live.Receiver;
import org.soundstream.live.Redundancy;
import org.soundstream.live.Sender;
import org.soundstream.tflite.CodecModel;
import org.soundstream.tflite.TfliteDecoder;
import org.soundstream.tflite.TfliteEncoder;

/**
 * Microphone, encoder, a network that loses packets, jitter buffer, decoder, loudspeaker: two
 * threads, one for each half. Neither allocates memory per frame.
 */
final class LiveCall {
  private static final int JITTER_FRAMES = 2;
  private static final double MEAN_BURST_PACKETS = 1.5;

  /** Told when the call ended by itself, on one of its threads. */
  interface ErrorListener {
    void onError(Exception error);
  }

  private final ModelMetadata metadata;
  private final TfliteEncoder encoder;
  private final TfliteDecoder decoder;
  private final Sender sender;
  private final Receiver receiver;
  private final LossSimulator losses = new LossSimulator(System.nanoTime());
  private final AudioRecord microphone;
  private final AudioTrack speaker;
  private final ErrorListener listener;
  private final Thread capture = new Thread(this::capture, "capture");
  private final Thread playback = new Thread(this::playback, "playback");
  private volatile boolean running = true;
  private volatile long framesWritten;

  /** Loads the model and opens the devices; takes a moment, so not for the main thread. */
  LiveCall(CodecModel model, String flavour, int bitrateBps, AudioManager manager,
      ErrorListener listener) throws IOException {
    metadata = model.metadata();
    this.listener = listener;
    encoder = model.newEncoder(flavour, bitrateBps, 1);
    decoder = model.newDecoder(flavour, 1);
    receiver = new Receiver(decoder, metadata, JITTER_FRAMES);
    sender = new Sender(encoder, metadata, (number, datagram, length) -> {
      if (!losses.losesNext()) {
        receiver.deliver(number, datagram, length);
      }
    });
    microphone = AudioDevices.microphone(manager, metadata.sampleRate, metadata.hop);
    speaker = AudioDevices.speaker(metadata.sampleRate, 1, metadata.hop);
  }

  void start() {
    capture.start();
    playback.start();
  }

  /** Ends the threads and gives everything back; waits for them, so not for the main thread. */
  void stop() {
    running = false;
    try {
      capture.join();
      playback.join();
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      return; // what the threads may still use is left to them
    }
    microphone.release();
    speaker.release();
    encoder.close();
    decoder.close();
  }

  void setBitrate(int bitrateBps) {
    encoder.setBitrate(bitrateBps);
  }

  void setDenoise(boolean denoise) {
    encoder.setDenoise(denoise ? 1f : 0f);
    sender.setDenoise(denoise);
  }

  /** How much of each packet protects others; the receiver holds back more for it. */
  void setRedundancy(Redundancy redundancy) {
    sender.setRedundancy(redundancy);
  }

  /** Loses this share of packets, from 0 to below 1. */
  void setLoss(double share) {
    losses.set(share, MEAN_BURST_PACKETS);
  }

  /** Null ends the recording. */
  void setRecorder(Recorder recorder) {
    sender.setCodesListener(recorder);
  }

  Sender sender() {
    return sender;
  }

  Receiver receiver() {
    return receiver;
  }

  /** Of encoder and decoder together. */
  double realTimeFactor() {
    return (sender.times().meanNanos() + receiver.times().meanNanos()) / metadata.frameNanos();
  }

  /** Milliseconds that the jitter buffer holds back. */
  long jitterMillis() {
    return Math.round(receiver.delayFrames() * 1e3 / metadata.frameRate());
  }

  /** Milliseconds from the microphone's buffer to the loudspeaker's, without the hardware's own. */
  long latencyMillis() {
    long queued = framesWritten - (speaker.getPlaybackHeadPosition() & 0xFFFFFFFFL);
    return jitterMillis() + Math.round(1e3 * (metadata.hop + queued) / metadata.sampleRate);
  }

  private void capture() {
    Process.setThreadPriority(Process.THREAD_PRIORITY_URGENT_AUDIO);
    float[] samples = new float[metadata.hop];
    try {
      microphone.startRecording();
      while (running) {
        int count = microphone.read(samples, 0, samples.length, AudioRecord.READ_BLOCKING);
        if (count != samples.length) {
          throw new IOException("the microphone stopped with status " + count);
        }
        sender.send(samples);
      }
      microphone.stop();
    } catch (IOException | IllegalStateException error) {
      fail(error);
    }
  }

  private void playback() {
    Process.setThreadPriority(Process.THREAD_PRIORITY_URGENT_AUDIO);
    float[] samples = new float[metadata.hop];
    try {
      speaker.play();
      while (running) {
        receiver.play(samples);
        int count = speaker.write(samples, 0, samples.length, AudioTrack.WRITE_BLOCKING);
        if (count != samples.length) {
          throw new IOException("the loudspeaker stopped with status " + count);
        }
        framesWritten += count;
      }
      speaker.stop();
    } catch (IOException | IllegalStateException error) {
      fail(error);
    }
  }

  private void fail(Exception error) {
    if (running) {
      running = false;
      listener.onError(error);
    }
  }
}
