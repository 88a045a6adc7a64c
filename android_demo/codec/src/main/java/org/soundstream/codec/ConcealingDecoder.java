package org.soundstream.codec;

import java.util.Arrays;

/**
 * A decoder that also makes up for frames that did not come, or were not sent in a pause.
 *
 * <p>Lost frames repeat the last codes, which keeps pitch and colour, and fade; after about 100 ms
 * only noise like that of the recording's quiet moments is left. Gains move in ramps and the decoder
 * keeps its state, so neither the loss nor the recovery clicks. Nothing is allocated per frame.
 */
public final class ConcealingDecoder implements FrameDecoder {
  private static final double REPEAT_SECONDS = 0.1; // for so long the last codes are repeated
  private static final double RAMP_SECONDS = 0.005; // in which the decoder's voice comes back
  private static final double MEMORY_SECONDS = 1.0; // whose quiet moments tell the background
  private static final double QUIET_SHARE = 0.2; // of the frames in memory are background

  private final FrameDecoder decoder;
  private final int hop;
  private final int rampSamples;
  private final int repeatFrames;
  private final int[] lastCodes;
  private final float[][] memory;
  private final double[] energies;
  private final NoiseAnalyzer analyzer;
  private final double[] powers = new double[ComfortNoise.NUM_BANDS];
  private final double[] noise;
  private ComfortNoise generator;
  private int numLastLevels; // 0: nothing came yet
  private long numDecoded;
  private double gain; // of the decoder's voice; noise fills up to the same power

  public ConcealingDecoder(FrameDecoder decoder, ModelMetadata metadata) {
    this.decoder = decoder;
    hop = metadata.hop;
    rampSamples = Math.min(hop, (int) Math.rint(RAMP_SECONDS * metadata.sampleRate));
    repeatFrames = Math.max(1, (int) Math.rint(REPEAT_SECONDS * metadata.frameRate()));
    lastCodes = new int[metadata.numQuantizers];
    memory = new float[(int) Math.rint(MEMORY_SECONDS * metadata.frameRate())][hop];
    energies = new double[memory.length];
    analyzer = new NoiseAnalyzer(hop);
    noise = new double[hop];
    reset();
  }

  @Override
  public void reset() {
    decoder.reset();
    generator = new ComfortNoise(hop);
    numLastLevels = 0;
    numDecoded = 0;
    gain = 1;
    Arrays.fill(powers, 0);
  }

  @Override
  public void decode(int[] codes, int numLevels, float[] samples) {
    decoder.decode(codes, numLevels, samples);
    System.arraycopy(codes, 0, lastCodes, 0, numLevels);
    numLastLevels = numLevels;
    if (gain < 1) {
      blend(samples, 1, rampSamples);
    }
    System.arraycopy(samples, 0, memory[(int) (numDecoded++ % memory.length)], 0, hop);
  }

  /** Makes up for one lost frame. */
  public void conceal(float[] samples) {
    if (gain == 1) {
      measureBackground();
    }
    fadeOut(samples, repeatFrames);
  }

  /**
   * Fills one frame of a pause that was not sent, with noise like the recording's quiet moments, or
   * like the pause up to here.
   */
  public void pause(float[] samples) {
    if (gain == 1) {
      measureBackground();
    }
    fadeOut(samples, 1);
  }

  /** Fills one frame of a pause that sounds as the eight bytes at {@code offset} say. */
  public void pause(byte[] description, int offset, float[] samples) {
    ComfortNoise.powersOf(description, offset, powers);
    fadeOut(samples, 1);
  }

  /** Repeats the last codes with a gain that reaches zero after {@code fadeFrames}. */
  private void fadeOut(float[] samples, int fadeFrames) {
    if (gain > 0 && numLastLevels > 0) {
      decoder.decode(lastCodes, numLastLevels, samples);
    } else {
      Arrays.fill(samples, 0, hop, 0f);
    }
    blend(samples, Math.max(0, gain - 1.0 / fadeFrames), hop);
  }

  /** Mixes one frame of voice with noise; the gain moves to its new value within the ramp. */
  private void blend(float[] samples, double newGain, int ramp) {
    generator.generate(powers, noise);
    for (int i = 0; i < hop; i++) {
      double g = i < ramp ? gain + (newGain - gain) * (i + 1) / ramp : newGain;
      samples[i] = (float) (samples[i] * g + noise[i] * Math.sqrt(Math.max(0, 1 - g * g)));
    }
    gain = newGain > 1e-9 ? newGain : 0;
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
  }
}
