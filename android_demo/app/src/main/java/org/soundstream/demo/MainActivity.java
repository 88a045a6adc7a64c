package org.soundstream.demo;

import android.Manifest;
import android.app.Activity;
import android.content.BroadcastReceiver;
import android.content.ClipData;
import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.content.pm.PackageManager;
import android.media.AudioManager;
import android.net.Uri;
import android.os.Bundle;
import android.os.Handler;
import android.os.Looper;
import android.view.View;
import android.widget.ArrayAdapter;
import android.widget.Button;
import android.widget.SeekBar;
import android.widget.Spinner;
import android.widget.Switch;
import android.widget.TextView;
import android.widget.ToggleButton;
import androidx.core.content.FileProvider;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.soundstream.codec.ModelMetadata;
import org.soundstream.live.Redundancy;

/** The one screen: shows the session and passes on what is touched. */
public final class MainActivity extends Activity implements DemoSession.Listener {
  private static final String AUTHORITY = "org.soundstream.demo.files";
  private static final int ASK_MICROPHONE = 1;
  private static final int METER_MILLIS = 250;

  private final Handler main = new Handler(Looper.getMainLooper());
  private final Runnable meterTick = this::updateMeters;
  private final BroadcastReceiver unplugged = new BroadcastReceiver() {
    @Override
    public void onReceive(Context context, Intent intent) {
      if (session != null) {
        session.stop(); // the loudspeaker would sound into the microphone
      }
    }
  };
  private DemoSession session;
  private Spinner bitrate;
  private Spinner flavour;
  private Spinner redundancy;
  private SeekBar loss;
  private Switch denoise;
  private Button live;
  private ToggleButton record;
  private Button play;
  private TextView meters;
  private TextView messages;

  @Override
  public void onCreate(Bundle savedState) {
    super.onCreate(savedState);
    setContentView(R.layout.main);
    messages = findViewById(R.id.messages);
    meters = findViewById(R.id.meters);
    session = (DemoSession) getLastNonConfigurationInstance();
    boolean rotated = session != null;
    if (!rotated) {
      try {
        session = new DemoSession(this);
      } catch (IOException error) {
        onMessage(getString(R.string.failed, error.getMessage()));
        return;
      }
    }
    findViews();
    session.setListener(this);
    if (!rotated) {
      openFrom(getIntent());
    }
    onChanged();
  }

  @Override
  public Object onRetainNonConfigurationInstance() {
    return session;
  }

  @Override
  public void onNewIntent(Intent intent) {
    super.onNewIntent(intent);
    openFrom(intent);
  }

  @Override
  public void onStart() {
    super.onStart();
    registerReceiver(unplugged, new IntentFilter(AudioManager.ACTION_AUDIO_BECOMING_NOISY));
    main.post(meterTick);
  }

  @Override
  public void onStop() {
    super.onStop();
    unregisterReceiver(unplugged);
    main.removeCallbacks(meterTick);
    if (session != null && !isChangingConfigurations()) {
      session.stop(); // an app that is not seen does not listen
    }
  }

  @Override
  public void onDestroy() {
    super.onDestroy();
    if (session == null) {
      return;
    }
    if (isChangingConfigurations()) {
      session.setListener(null);
    } else {
      session.close();
    }
  }

  @Override
  public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
    if (results.length > 0 && results[0] == PackageManager.PERMISSION_GRANTED) {
      toggleLive(null);
    } else {
      onMessage(getString(R.string.no_permission));
    }
  }

  @Override
  public void onChanged() {
    boolean hasRecording = session.recording() != null;
    boolean inCall = session.call() != null;
    live.setText(inCall ? R.string.live_stop : R.string.live);
    play.setText(session.isPlaying() ? R.string.play_stop : R.string.play);
    play.setEnabled(hasRecording || session.isPlaying());
    record.setEnabled(inCall);
    record.setChecked(session.isRecording());
    flavour.setEnabled(!inCall);
    findViewById(R.id.share_sst).setEnabled(hasRecording);
    findViewById(R.id.share_wav).setEnabled(hasRecording);
  }

  @Override
  public void onMessage(String text) {
    messages.append(text + "\n");
  }

  private void findViews() {
    ModelMetadata metadata = session.model().metadata();
    List<String> rates = new ArrayList<>();
    for (int rate : metadata.bitratesBps) {
      rates.add(getString(R.string.bitrate_value, Double.toString(rate / 1e3)));
    }
    bitrate = spinner(R.id.bitrate, rates,
        position -> session.call().setBitrate(metadata.bitratesBps.get(position)));
    redundancy = spinner(R.id.redundancy,
        Arrays.asList(getString(R.string.redundancy_off), getString(R.string.redundancy_light),
            getString(R.string.redundancy_strong)),
        position -> session.call().setRedundancy(Redundancy.values()[position]));
    flavour = spinner(R.id.flavour, metadata.flavours, position -> {});
    denoise = findViewById(R.id.denoise);
    denoise.setVisibility(metadata.denoise ? View.VISIBLE : View.GONE);
    denoise.setOnClickListener(view -> {
      if (session.call() != null) {
        session.call().setDenoise(denoise.isChecked());
      }
    });
    loss = findViewById(R.id.loss);
    loss.setOnSeekBarChangeListener(new SeekBar.OnSeekBarChangeListener() {
      @Override
      public void onProgressChanged(SeekBar bar, int percent, boolean fromUser) {
        showLoss(percent);
        if (session.call() != null) {
          session.call().setLoss(percent / 100.0);
        }
      }

      @Override
      public void onStartTrackingTouch(SeekBar bar) {}

      @Override
      public void onStopTrackingTouch(SeekBar bar) {}
    });
    showLoss(loss.getProgress());
    live = findViewById(R.id.live);
    live.setOnClickListener(this::toggleLive);
    record = findViewById(R.id.record);
    record.setOnClickListener(
        view -> session.setRecording(record.isChecked(), selectedBitrate()));
    play = findViewById(R.id.play);
    play.setOnClickListener(this::togglePlay);
    findViewById(R.id.benchmark).setOnClickListener(
        view -> session.benchmark(selectedBitrate()));
    findViewById(R.id.share_sst).setOnClickListener(
        view -> share(session.recording(), "application/octet-stream"));
    findViewById(R.id.share_wav).setOnClickListener(
        view -> session.makeWav(file -> share(file, "audio/wav")));
  }

  /** A choice; {@code inCall} gets the position of what is chosen while there is a call. */
  private Spinner spinner(int id, List<String> items, IntConsumer inCall) {
    Spinner spinner = findViewById(id);
    spinner.setAdapter(
        new ArrayAdapter<>(this, android.R.layout.simple_spinner_dropdown_item, items));
    spinner.setOnItemSelectedListener(new ItemChosen(position -> {
      if (session.call() != null) {
        inCall.accept(position);
      }
    }));
    return spinner;
  }

  private int selectedBitrate() {
    return session.model().metadata().bitratesBps.get(bitrate.getSelectedItemPosition());
  }

  private void showLoss(int percent) {
    TextView label = findViewById(R.id.loss_label);
    label.setText(getString(R.string.loss, percent));
  }

  private void toggleLive(View view) {
    if (session.call() != null) {
      session.stop();
    } else if (checkSelfPermission(Manifest.permission.RECORD_AUDIO)
        != PackageManager.PERMISSION_GRANTED) {
      requestPermissions(new String[] {Manifest.permission.RECORD_AUDIO}, ASK_MICROPHONE);
    } else {
      session.stop();
      session.startCall((String) flavour.getSelectedItem(), selectedBitrate(),
          denoise.isChecked(), Redundancy.values()[redundancy.getSelectedItemPosition()],
          loss.getProgress() / 100.0);
    }
  }

  private void togglePlay(View view) {
    if (session.isPlaying()) {
      session.stop();
    } else {
      File file = session.recording();
      session.play(() -> new FileInputStream(file));
    }
  }

  /** Plays the .sst file that another app passed on, if it did. */
  private void openFrom(Intent intent) {
    Uri given = intent.getData();
    if (given == null && Intent.ACTION_SEND.equals(intent.getAction())) {
      given = intent.getParcelableExtra(Intent.EXTRA_STREAM);
    }
    if (given != null && session != null) {
      Uri uri = given;
      session.play(() -> open(uri));
    }
  }

  private InputStream open(Uri uri) throws IOException {
    InputStream stream = getContentResolver().openInputStream(uri);
    if (stream == null) {
      throw new FileNotFoundException(uri.toString());
    }
    return stream;
  }

  private void share(File file, String type) {
    Uri uri = FileProvider.getUriForFile(this, AUTHORITY, file);
    Intent send = new Intent(Intent.ACTION_SEND)
        .setType(type)
        .putExtra(Intent.EXTRA_STREAM, uri)
        .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION);
    send.setClipData(ClipData.newRawUri(null, uri));
    startActivity(Intent.createChooser(send, file.getName()));
  }

  private void updateMeters() {
    LiveCall call = session == null ? null : session.call();
    if (call != null) {
      meters.setText(getString(R.string.meters,
          call.sender().payloadRate().bitsPerSecond() / 1e3,
          call.sender().datagramRate().bitsPerSecond() / 1e3,
          call.sender().times().quantileNanos(0.5) / 1e6,
          call.receiver().times().quantileNanos(0.5) / 1e6,
          session.model().metadata().frameNanos() / 1e6,
          call.realTimeFactor(), call.latencyMillis(), call.jitterMillis(),
          call.receiver().numConcealed(), call.receiver().numPlayed(),
          call.receiver().numRebuilt()));
    }
    main.postDelayed(meterTick, METER_MILLIS);
  }
}
