import {query} from './dom.js';
import {attempt} from './notices.js';
import {Spectrogram} from './spectrogram.js';

const clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, '0')}`;

/** Plays the source that is open: position, crossfade, spectrograms. */
export class Player {
  #engine;
  #source = null; // {name, seconds (null while live), hasOriginal}
  #playing = false;
  #position = 0;
  #dragged = false;
  #pictures = {
    original: new Spectrogram(query('#original-picture canvas')),
    decoded: new Spectrogram(query('#decoded-picture canvas')),
  };

  constructor(engine) {
    this.#engine = engine;
    const position = query('#position');
    query('#play').onclick = () => this.toggle();
    position.oninput = () => {
      this.#dragged = true;
      this.#showTime(Number(position.value));
    };
    position.onchange = () => {
      this.#dragged = false;
      this.#position = Number(position.value);
      if (this.#playing) this.play(this.#position);
    };
    query('#repeat').onchange = ({target}) =>
      attempt(async () => {
        await engine.load();
        await engine.ask('set', {repeats: target.checked});
      });
    query('#mix').oninput = (event) => this.setMix(Number(event.target.value));
    query('#original').onclick = () => this.setMix(0);
    query('#decoded').onclick = () => this.setMix(1);
  }

  get source() {
    return this.#source;
  }

  get isLive() {
    return this.#source !== null && this.#source.seconds === null;
  }

  /** Takes over a source that the engine has opened. */
  open(source) {
    this.#source = source;
    this.#playing = this.isLive;
    this.#position = 0;
    const position = query('#position');
    position.max = source.seconds ?? 1;
    position.disabled = this.isLive;
    query('#play').disabled = this.isLive;
    for (const id of ['#mix', '#original', '#decoded']) query(id).disabled = !source.hasOriginal;
    query('#original-picture').hidden = !source.hasOriginal;
    for (const picture of Object.values(this.#pictures)) picture.clear();
    if (!source.hasOriginal) this.setMix(1);
    this.#show();
  }

  /** Plays from there on, in seconds; `mix` is 0 for the original ... 1 for the decoded sound. */
  play(from, mix = Number(query('#mix').value)) {
    return attempt(async () => {
      await this.#engine.start();
      this.#engine.setMix(mix);
      this.#playing = true;
      this.#show();
      await this.#engine.ask('play', {seconds: from});
    });
  }

  pause() {
    this.#playing = false;
    this.#show();
    return attempt(() => this.#engine.ask('pause'));
  }

  toggle() {
    if (query('#play').disabled) return;
    if (this.#playing) this.pause();
    else this.play(this.#position >= this.#source.seconds - 0.05 ? 0 : this.#position);
  }

  /** 0 the original ... 1 the decoded sound. */
  setMix(mix) {
    query('#mix').value = mix;
    query('#mix').setAttribute('aria-valuetext', `${Math.round(100 * mix)} % decoded`);
    query('#original').setAttribute('aria-pressed', mix === 0);
    query('#decoded').setAttribute('aria-pressed', mix === 1);
    this.#engine.setMix(mix);
  }

  /** Takes note of a frame that was coded. */
  addFrame({original, decoded, fate}) {
    if (original !== null) this.#pictures.original.add(original, 'sent');
    this.#pictures.decoded.add(decoded, fate);
  }

  /** Takes note of what the sound card says. */
  update({position, done}) {
    if (!this.#playing) return;
    const {seconds} = this.#source;
    // What waits to be played may belong to the round before.
    this.#position = position < 0 && seconds !== null ? position + seconds : Math.max(0, position);
    if (done) {
      this.#playing = false;
      this.#position = seconds ?? 0;
    }
    this.#show();
  }

  #show() {
    query('#play').firstChild.textContent = this.#playing && !this.isLive ? 'Pause ' : 'Play ';
    if (!this.#dragged && !this.isLive) query('#position').value = this.#position;
    if (!this.#dragged) this.#showTime(this.#position);
  }

  #showTime(position) {
    const {seconds} = this.#source;
    const at = Math.min(position, seconds ?? Infinity);
    query('#time').textContent = seconds === null ? clock(at) : `${clock(at)} / ${clock(seconds)}`;
    query('#position').setAttribute('aria-valuetext', `${at.toFixed(1)} seconds`);
  }
}
