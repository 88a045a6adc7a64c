import {query} from './dom.js';
import {attempt} from './notices.js';

/** Bitrate, losses, noise and pauses: the controls of the call. */
export class Settings {
  #engine;
  #denoises = false; // the box may be ticked before its encoder is there

  constructor(engine) {
    this.#engine = engine;
    for (const id of ['#bitrate', '#loss']) {
      query(id).oninput = () => {
        this.#show();
        attempt(() => this.apply());
      };
    }
    query('#dtx').onchange = () => attempt(() => this.apply());
    query('#denoise').onchange = () => attempt(() => this.#switchDenoiser());
    this.#show();
  }

  get bitrateBps() {
    return Number(query('#bitrate').value);
  }

  /** Tells the engine all settings, once it is loaded. */
  async apply() {
    await this.#engine.load();
    await this.#engine.ask('set', {
      bitrateBps: this.bitrateBps,
      lossRate: Number(query('#loss').value) / 100,
      denoise: this.#denoises,
      dtx: query('#dtx').checked,
      repeats: query('#repeat').checked,
    });
  }

  /** An .sst file has settled all but the losses. */
  offer(isCoded) {
    for (const input of document.querySelectorAll('[data-coded]')) input.disabled = isCoded;
    query('#settings-hint').hidden = !isCoded;
  }

  /** Its encoder is loaded on first use. */
  async #switchDenoiser() {
    const box = query('#denoise');
    if (box.checked) {
      box.disabled = true;
      query('#denoise-hint').textContent = 'loading its encoder…';
      try {
        await this.#engine.load();
        await this.#engine.loadDenoiser();
      } catch (error) {
        box.checked = false;
        throw error;
      } finally {
        box.disabled = false;
        query('#denoise-hint').textContent = '';
      }
    }
    this.#denoises = box.checked;
    await this.apply();
  }

  #show() {
    const rate = `${(this.bitrateBps / 1000).toFixed(1)} kbps`;
    const loss = `${query('#loss').value} %`;
    query('#bitrate-text').textContent = rate;
    query('#bitrate').setAttribute('aria-valuetext', rate);
    query('#loss-text').textContent = loss;
    query('#loss').setAttribute('aria-valuetext', loss);
  }
}
