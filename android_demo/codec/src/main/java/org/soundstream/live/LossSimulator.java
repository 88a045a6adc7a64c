package org.soundstream.live;

import java.util.Random;

/** Loses packets at a given rate, in bursts (the Gilbert model of a network). */
public final class LossSimulator {
  private final Random random;
  private volatile double lossRate;
  private volatile double meanBurst = 1;
  private boolean losing;

  public LossSimulator(long seed) {
    random = new Random(seed);
  }

  /**
   * Sets what is lost from now on.
   *
   * @param lossRate share of packets, 0 to below 1
   * @param meanBurst packets lost in a row on average, 1 or more
   */
  public void set(double lossRate, double meanBurst) {
    if (!(lossRate >= 0 && lossRate < 1) || !(meanBurst >= 1)) {
      throw new IllegalArgumentException("loss " + lossRate + " in bursts of " + meanBurst);
    }
    this.lossRate = lossRate;
    this.meanBurst = meanBurst;
  }

  /** Whether the next packet is lost. */
  public boolean losesNext() {
    double stay = 1 - 1 / Math.max(meanBurst, 1 / (1 - lossRate)); // shorter bursts cannot be
    double enter = lossRate * (1 - stay) / (1 - lossRate);
    losing = random.nextDouble() < (losing ? stay : enter);
    return losing;
  }
}
