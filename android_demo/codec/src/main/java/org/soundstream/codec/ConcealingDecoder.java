package org.soundstream.codec;

import java.util.Arrays;

/**
 * A decoder that also makes up for frames that did not come, or were not sent in a pause.
 *
 * <p>A loss goes on with the last pitch period, which fades; after about 100 ms only noise like
 * that of the recording's quiet moments is left. What comes next is faded in, so neither end
 * clicks. Nothing is allocated per frame.
 */
public final class ConcealingDecoder implements FrameDecoder {
  private static final double FADE_SECONDS = 0.1; // in which a loss fades to noise
  private static final double RAMP_SECONDS = 0.005; // in which the decoder's voice comes back
  private static final double MEMORY_SECONDS = 3.0; // whose quiet moments tell the background
  private static final double QUIET_SHARE = 0.1; // of the frames in memory are background
  private static final double LOUDEST_BACKGROUND = 1e-4; // mean square: other speech is none

  private final FrameDecoder decoder;
  private final int hop;
  private final int rampSamples;
  private final int fadeFrames;
  private final float[][] memory; // frames that came
  private final double[] energies;
  private final NoiseAnalyzer analyzer;
  private final PitchExtension extension;
  private final double[] powers = new double[ComfortNoise.NUM_BANDS];
  private final double[] noise;
  private final float[] missing;
  private ComfortNoise generator;
  private long numDecoded;
  private double gain; // of the extension; 1 where nothing is missing

  public ConcealingDecoder(FrameDecoder decoder, ModelMetadata metadata) {
    this.decoder = decoder;
    hop = metadata.hop;
    rampSamples = Math.min(hop, (int) Math.rint(RAMP_SECONDS * metadata.sampleRate));
    fadeFrames = Math.max(1, (int) Math.rint(FADE_SECONDS * metadata.frameRate()));
    memory = new float[(int) Math.rint(MEMORY_SECONDS * metadata.frameRate())][hop];
    energies = new double[memory.length];
    analyzer = new NoiseAnalyzer(hop);
    extension = new PitchExtension(metadata.sampleRate);
    noise = new double[hop];
    missing = new float[hop];
    reset();
  }

  @Override
  public void reset() {
    decoder.reset();
    generator = new ComfortNoise(hop);
    numDecoded = 0;
    gain = 1;
    Arrays.fill(powers, 0);
    extension.reset();
  }

  @Override
  public void decode(int[] codes, int numLevels, float[] samples) {
    decoder.decode(codes, numLevels, samples);
    System.arraycopy(samples, 0, memory[(int) (numDecoded++ % memory.length)], 0, hop);
    if (gain < 1) {
      fill(missing, fadeFrames);
      for (int i = 0; i < rampSamples; i++) {
        samples[i] = missing[i] + (float) i / rampSamples * (samples[i] - missing[i]);
      }
      gain = 1;
    }
    extension.heard(samples, hop);
  }

  /** Makes up for one lost frame. */
  public void conceal(float[] samples) {
    if (gain == 1) {
      measureBackground();
    }
    fill(samples, fadeFrames);
    extension.heard(samples, hop);
  }

  /**
   * Fills one frame of a pause that was not sent, with noise like the recording's quiet moments, or
   * like the pause up to here.
   */
  public void pause(float[] samples) {
    if (gain == 1) {
      measureBackground();
    }
    fill(samples, 1);
    extension.heard(samples, hop);
  }

  /** Fills one frame of a pause that sounds as the eight bytes at {@code offset} say. */
  public void pause(byte[] description, int offset, float[] samples) {
    ComfortNoise.powersOf(description, offset, powers);
    fill(samples, 1);
    extension.heard(samples, hop);
  }

  /**
   * Goes on with the last sound, whose gain falls to 0 in a straight line over so many frames;
   * noise fills up to the same power.
   */
  private void fill(float[] samples, int frames) {
    if (gain == 1) {
      extension.start((fadeFrames + 1) * hop);
    }
    generator.generate(powers, noise);
    double newGain = gain;
    for (int i = 0; i < hop; i++) {
      newGain = Math.max(0, gain - (i + 1.0) / (frames * hop));
      samples[i] = (float) (extension.next() * newGain
          + noise[i] * Math.sqrt(1 - newGain * newGain));
    }
    gain = newGain;
  }

  /** Sets the powers to the mean of the quietest frames in memory. */
  private void measureBackground() {
    Arrays.fill(powers, 0);
    int numFrames = (int) Math.min(numDecoded, memory.length);
    for (int frame = 0; frame < numFrames; frame++) {
      energies[frame] = 0;
      for (float sample : memory[frame]) {
        energies[frame] += sample * sample;
      }
    }
    int numQuiet = numFrames == 0 ? 0 : Math.max(1, (int) (QUIET_SHARE * numFrames));
    for (int i = 0; i < numQuiet; i++) {
      int quietest = 0;
      for (int frame = 1; frame < numFrames; frame++) {
        quietest = energies[frame] < energies[quietest] ? frame : quietest;
      }
      energies[quietest] = Double.POSITIVE_INFINITY;
      analyzer.add(memory[quietest], 1.0 / numQuiet, powers);
    }
    double total = 0;
    for (double power : powers) {
      total += power;
    }
    for (int band = 0; band < powers.length; band++) {
      powers[band] *= LOUDEST_BACKGROUND / Math.max(total, LOUDEST_BACKGROUND);
    }
  }
}
