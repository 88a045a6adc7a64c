package org.soundstream.codec;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import org.junit.Test;

public class ConcealingDecoderTest {
  private static final ModelMetadata METADATA = new ModelMetadata("test", "1", 16_000, 320, 64, 60,
      Collections.singletonList(3_000), Collections.singletonList("float32"), false);
  private static final int HOP = METADATA.hop;

  /** White noise, as loud as the first code says. */
  private static final class NoisyDecoder implements FrameDecoder {
    private final Random random = new Random(1);

    @Override
    public void decode(int[] codes, int numLevels, float[] samples) {
      for (int i = 0; i < HOP; i++) {
        samples[i] = (float) (codes[0] / 1000.0 * random.nextGaussian());
      }
    }

    @Override
    public void reset() {}
  }

  @Test
  public void longLossLeavesNoiseAsLoudAsTheQuietMoments() {
    double energy = energyAfterLoss(6, 60); // the quiet ones: 0.006 squared
    assertEquals(0, 10 * Math.log10(energy / 3.6e-5), 1.0);
  }

  @Test
  public void speechWithoutAPauseIsNoBackground() {
    double energy = energyAfterLoss(60, 60);
    assertEquals(0, 10 * Math.log10(energy / 1e-4), 1.0);
  }

  /** Mean square of a long loss after frames of which every third one has another loudness. */
  private static double energyAfterLoss(int everyThird, int others) {
    ConcealingDecoder decoder = new ConcealingDecoder(new NoisyDecoder(), METADATA);
    float[] frame = new float[HOP];
    for (int i = 0; i < 200; i++) {
      decoder.decode(new int[] {i % 3 == 0 ? everyThird : others}, 1, frame);
    }
    double energy = 0;
    for (int i = 0; i < 200; i++) {
      decoder.conceal(frame);
      energy += i < 20 ? 0 : energy(frame) / 180;
    }
    return energy;
  }

  @Test
  public void describedPauseHasThePowersThatWereDescribed() {
    ConcealingDecoder decoder = new ConcealingDecoder(new NoisyDecoder(), METADATA);
    byte[] description = new byte[9];
    Arrays.fill(description, (byte) 255);
    description[1 + 2] = 80; // -40 dB from 500 Hz to 1 kHz, silence elsewhere
    NoiseAnalyzer analyzer = new NoiseAnalyzer(HOP);
    double[] powers = new double[ComfortNoise.NUM_BANDS];
    float[] frame = new float[HOP];
    for (int i = 0; i < 300; i++) {
      decoder.pause(description, 1, frame);
      if (i >= 20) {
        analyzer.add(frame, 1 / 280.0, powers);
      }
    }
    assertEquals(-40, 10 * Math.log10(powers[2]), 1.0);
    for (int band : new int[] {0, 4, 5, 6, 7}) { // those beside it share a few bins
      assertTrue(10 * Math.log10(powers[band]) < -70);
    }
  }

  @Test
  public void gainMovesWithoutAClick() {
    FrameDecoder constant = new FrameDecoder() {
      @Override
      public void decode(int[] codes, int numLevels, float[] samples) {
        Arrays.fill(samples, codes[0] / 100f);
      }

      @Override
      public void reset() {}
    };
    ConcealingDecoder decoder = new ConcealingDecoder(constant, METADATA);
    float[] frame = new float[HOP];
    for (int i = 0; i < 60; i++) { // its quiet moments are silent
      decoder.decode(new int[] {i < 20 ? 0 : 50}, 1, frame);
    }
    float last = frame[HOP - 1];
    double largestStep = 0;
    for (int i = 0; i < 12; i++) {
      if (i < 8) {
        decoder.conceal(frame);
      } else {
        decoder.decode(new int[] {50}, 1, frame);
      }
      for (int n = 0; n < HOP; n++) {
        largestStep = Math.max(largestStep, Math.abs(frame[n] - last));
        last = frame[n];
      }
    }
    assertEquals(0.5, last, 1e-6);
    assertTrue("step of " + largestStep, largestStep < 0.5 / 60);
  }

  private static double energy(float[] frame) {
    double sum = 0;
    for (float sample : frame) {
      sum += sample * sample;
    }
    return sum / frame.length;
  }
}
