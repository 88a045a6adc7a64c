import {randomNumbers} from '../codec/random.js';

const MEAN_BURST = 2; // packets lost in a row on average, as networks lose them

/** Loses packets at a given rate, in bursts (the Gilbert model of a network). */
export class LossSimulator {
  #random;
  #losing = false;

  constructor(seed) {
    this.#random = randomNumbers(seed);
    /** Share of packets, 0 to below 1. */
    this.lossRate = 0;
  }

  /** Whether the next packet is lost. */
  losesNext() {
    const rate = this.lossRate;
    const stay = 1 - 1 / Math.max(MEAN_BURST, 1 / (1 - rate)); // shorter bursts cannot be
    const enter = (rate * (1 - stay)) / (1 - rate);
    this.#losing = this.#random() < (this.#losing && rate > 0 ? stay : enter);
    return this.#losing;
  }
}
