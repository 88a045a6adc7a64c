package org.soundstream.demo;

import android.content.Context;
import android.media.AudioFocusRequest;
import android.media.AudioManager;
import android.os.Handler;
import android.os.Looper;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.soundstream.live.Redundancy;
import org.soundstream.tflite.Benchmark;
import org.soundstream.tflite.CodecModel;

/**
 * What outlives a rotation of the screen: the model, what is running, and what was kept. All
 * methods are for the main thread; what takes time is done on others.
 */
final class DemoSession {
  private static final int BENCHMARK_FRAMES = 500;

  /** The screen that is shown now; called on the main thread. */
  interface Listener {
    /** Something started or ended. */
    void onChanged();

    void onMessage(String text);
  }

  /** Opens a stream on a background thread. */
  interface Source {
    InputStream open() throws IOException;
  }

  /** Work on a background thread. */
  private interface Task {
    void run() throws IOException;
  }

  private final Context context; // the application's
  private final CodecModel model;
  private final AudioManager audioManager;
  private final AudioFocusRequest focus;
  private final Handler main = new Handler(Looper.getMainLooper());
  private final ExecutorService worker = Executors.newSingleThreadExecutor();
  private final ExecutorService player = Executors.newSingleThreadExecutor();
  private Listener listener;
  private LiveCall call; // null: none
  private Recorder recorder; // null: nothing is being kept
  private Future<?> playing; // null: nothing is being played
  private File recording; // null: nothing was kept
  private int numStops; // what gets ready only after one more is not wanted any more

  /** Reads the metadata of the model in the app's assets. */
  DemoSession(Context context) throws IOException {
    this.context = context.getApplicationContext();
    model = CodecModel.load(new AssetFiles(this.context.getAssets(), "model"));
    audioManager = this.context.getSystemService(AudioManager.class);
    focus = new AudioFocusRequest.Builder(AudioManager.AUDIOFOCUS_GAIN_TRANSIENT)
        .setAudioAttributes(AudioDevices.ATTRIBUTES)
        .setOnAudioFocusChangeListener(this::onFocusChange, main)
        .build();
  }

  /** Null while no screen is shown. */
  void setListener(Listener listener) {
    this.listener = listener;
  }

  CodecModel model() {
    return model;
  }

  /** Null while there is none. */
  LiveCall call() {
    return call;
  }

  boolean isRecording() {
    return recorder != null;
  }

  boolean isPlaying() {
    return playing != null;
  }

  /** Null while nothing was kept. */
  File recording() {
    return recording;
  }

  /** Loads the model and starts to listen; the listener is told. */
  void startCall(String flavour, int bitrateBps, boolean denoise, Redundancy redundancy,
      double loss) {
    if (!takeFocus()) {
      return;
    }
    int stopsBefore = numStops;
    inBackground(worker, () -> {
      LiveCall started = new LiveCall(model, flavour, bitrateBps, audioManager, this::onCallError);
      started.setDenoise(denoise);
      started.setRedundancy(redundancy);
      started.setLoss(loss);
      started.start();
      main.post(() -> {
        if (numStops != stopsBefore) {
          inBackground(worker, started::stop);
          return;
        }
        call = started;
        changed();
      });
    });
  }

  /** Keeps what is said from now on, or ends the file. */
  void setRecording(boolean on, int bitrateBps) {
    if (on && call != null) {
      File folder = new File(context.getCacheDir(), "recordings");
      if (!folder.isDirectory() && !folder.mkdirs()) {
        message(context.getString(R.string.failed, folder));
        return;
      }
      int numLevels = model.metadata().numQuantizersFor(bitrateBps);
      recorder =
          new Recorder(model, new File(folder, "recording.sst"), numLevels, this::onRecorded);
      call.setRecorder(recorder);
    } else if (!on && recorder != null) {
      if (call != null) {
        call.setRecorder(null);
      }
      recorder.finish();
      recorder = null;
    }
  }

  /** Ends all that sounds or listens. */
  void stop() {
    numStops++;
    setRecording(false, 0);
    if (playing != null) {
      playing.cancel(true);
      playing = null;
    }
    if (call != null) {
      LiveCall ended = call;
      call = null;
      inBackground(worker, ended::stop);
    }
    audioManager.abandonAudioFocusRequest(focus);
    changed();
  }

  /** Plays an .sst stream. */
  void play(Source source) {
    stop();
    if (!takeFocus()) {
      return;
    }
    int stopsBefore = numStops;
    playing = inBackground(player, () -> {
      try {
        SstFile.play(model, source.open());
      } finally {
        main.post(() -> onPlayed(stopsBefore));
      }
    });
    changed();
  }

  /** Writes what was kept as .wav, then gives the file to {@code done} on the main thread. */
  void makeWav(Consumer<File> done) {
    File source = recording;
    File target = new File(source.getParentFile(), "recording.wav");
    inBackground(worker, () -> {
      SstFile.writeWav(model, new FileInputStream(source), target);
      main.post(() -> done.accept(target));
    });
  }

  /** Times every flavour and tells the listener. */
  void benchmark(int bitrateBps) {
    stop();
    message(context.getString(R.string.benchmark_running, BENCHMARK_FRAMES));
    inBackground(worker, () -> {
      for (String flavour : model.metadata().flavours) {
        String line =
            flavour + ": " + Benchmark.run(model, flavour, bitrateBps, BENCHMARK_FRAMES);
        main.post(() -> message(line));
      }
    });
  }

  /** Ends everything for good. */
  void close() {
    setListener(null);
    stop();
    worker.shutdown();
    player.shutdown();
  }

  private boolean takeFocus() {
    boolean granted =
        audioManager.requestAudioFocus(focus) == AudioManager.AUDIOFOCUS_REQUEST_GRANTED;
    if (!granted) {
      message(context.getString(R.string.stopped_focus));
    }
    return granted;
  }

  private void onFocusChange(int change) {
    if (change < 0) { // any kind of loss
      stop();
      message(context.getString(R.string.stopped_focus));
    }
  }

  private void onCallError(Exception error) {
    main.post(() -> {
      stop();
      message(context.getString(R.string.failed, error.getMessage()));
    });
  }

  private void onPlayed(int stopsBefore) {
    if (numStops == stopsBefore) { // else something else plays by now
      stop();
    }
  }

  private void onRecorded(File file, double seconds, IOException error) {
    main.post(() -> {
      if (error == null) {
        recording = file;
        message(context.getString(R.string.recorded, seconds, file.length()));
      } else {
        onFailure(error);
      }
      changed();
    });
  }

  private Future<?> inBackground(ExecutorService executor, Task task) {
    return executor.submit(() -> {
      try {
        task.run();
      } catch (IOException | RuntimeException error) {
        main.post(() -> onFailure(error));
      }
    });
  }

  private void onFailure(Exception error) {
    if (call == null && playing == null) {
      audioManager.abandonAudioFocusRequest(focus);
    }
    message(context.getString(R.string.failed, error.getMessage()));
  }

  private void changed() {
    if (listener != null) {
      listener.onChanged();
    }
  }

  private void message(String text) {
    if (listener != null) {
      listener.onMessage(text);
    }
  }
}
