package org.soundstream.demo;

import android.media.AudioAttributes;
import android.media.AudioDeviceInfo;
import android.media.AudioFormat;
import android.media.AudioManager;
import android.media.AudioRecord;
import android.media.AudioTrack;
import android.media.MediaRecorder;
import java.io.IOException;

/** Opens microphone and loudspeaker for float samples. */
final class AudioDevices {
  static final AudioAttributes ATTRIBUTES = new AudioAttributes.Builder()
      .setUsage(AudioAttributes.USAGE_MEDIA)
      .setContentType(AudioAttributes.CONTENT_TYPE_SPEECH)
      .build();

  private static final int SAMPLE_BYTES = 4;

  private AudioDevices() {}

  /** The microphone; the app must hold the permission to record. */
  static AudioRecord microphone(AudioManager manager, int sampleRate, int hop)
      throws IOException {
    int smallest = AudioRecord.getMinBufferSize(
        sampleRate, AudioFormat.CHANNEL_IN_MONO, AudioFormat.ENCODING_PCM_FLOAT);
    // Without headphones the phone's echo canceller keeps the loudspeaker out of the microphone.
    int source = hasHeadphones(manager) ? MediaRecorder.AudioSource.MIC
        : MediaRecorder.AudioSource.VOICE_COMMUNICATION;
    AudioRecord record = new AudioRecord.Builder()
        .setAudioSource(source)
        .setAudioFormat(format(sampleRate, AudioFormat.CHANNEL_IN_MONO))
        .setBufferSizeInBytes(Math.max(smallest, 2 * hop * SAMPLE_BYTES))
        .build();
    if (record.getState() != AudioRecord.STATE_INITIALIZED) {
      record.release();
      throw new IOException("the microphone cannot be opened");
    }
    return record;
  }

  /** The loudspeaker or headphones, with as little delay as the phone allows. */
  static AudioTrack speaker(int sampleRate, int numChannels, int hop) throws IOException {
    if (numChannels > 2) {
      throw new IOException("only mono and stereo can be played, not " + numChannels + " channels");
    }
    int mask =
        numChannels == 1 ? AudioFormat.CHANNEL_OUT_MONO : AudioFormat.CHANNEL_OUT_STEREO;
    int smallest =
        AudioTrack.getMinBufferSize(sampleRate, mask, AudioFormat.ENCODING_PCM_FLOAT);
    return new AudioTrack.Builder()
        .setAudioAttributes(ATTRIBUTES)
        .setAudioFormat(format(sampleRate, mask))
        .setBufferSizeInBytes(Math.max(smallest, 2 * hop * numChannels * SAMPLE_BYTES))
        .setPerformanceMode(AudioTrack.PERFORMANCE_MODE_LOW_LATENCY)
        .setTransferMode(AudioTrack.MODE_STREAM)
        .build();
  }

  private static AudioFormat format(int sampleRate, int channelMask) {
    return new AudioFormat.Builder()
        .setEncoding(AudioFormat.ENCODING_PCM_FLOAT)
        .setSampleRate(sampleRate)
        .setChannelMask(channelMask)
        .build();
  }

  private static boolean hasHeadphones(AudioManager manager) {
    for (AudioDeviceInfo device : manager.getDevices(AudioManager.GET_DEVICES_OUTPUTS)) {
      switch (device.getType()) {
        case AudioDeviceInfo.TYPE_WIRED_HEADPHONES:
        case AudioDeviceInfo.TYPE_WIRED_HEADSET:
        case AudioDeviceInfo.TYPE_USB_HEADSET:
        case AudioDeviceInfo.TYPE_BLUETOOTH_A2DP:
        case AudioDeviceInfo.TYPE_BLUETOOTH_SCO:
          return true;
        default:
          break;
      }
    }
    return false;
  }
}
