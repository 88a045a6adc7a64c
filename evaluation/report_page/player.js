/** The one player that sounds at present, on the whole page. */
let sounding = null;

/** Plays versions of one recording; going from one to another keeps the position. */
class Player {
  /**
   * @param {Object<string, string>} sounds data URI by key
   * @param {(key: ?string) => void} changed told which version sounds, null for none
   */
  constructor(sounds, changed = () => {}) {
    this.sounds = sounds;
    this.changed = changed;
    this.audio = null;
    this.key = null;
  }

  play(key) {
    if (sounding !== null && sounding !== this) sounding.stop();
    const position = this.audio && !this.audio.ended ? this.audio.currentTime : 0;
    this.stop();
    sounding = this;
    this.key = key;
    this.audio = new Audio(this.sounds[key]);
    this.audio.currentTime = position;
    this.audio.onended = () => this.changed(null);
    // A version left before it began to sound is no error.
    this.audio.play().catch((error) => {
      if (error.name !== 'AbortError') throw error;
    });
    this.changed(key);
  }

  stop() {
    if (this.audio !== null) this.audio.pause();
    if (sounding === this) sounding = null;
    this.changed(null);
  }
}

/** Buttons that play the versions of one recording: [key, text, shortcut] each. */
function playButtons(sounds, versions, played = () => {}) {
  const buttons = new Map();
  const player = new Player(sounds, (key) => {
    for (const [own, button] of buttons) button.setAttribute('aria-pressed', own === key);
  });
  const play = (key) => {
    if (!buttons.has(key)) return;
    played(key);
    player.play(key);
  };
  for (const [key, text, shortcut = null] of versions) {
    const hint = shortcut === null ? null : element('kbd', {}, shortcut);
    buttons.set(
      key,
      element(
        'button',
        {'aria-pressed': 'false', 'data-key': key, onclick: () => play(key)},
        text,
        hint && ' ',
        hint,
      ),
    );
  }
  return {buttons, play, stop: () => player.stop(), player};
}

/** What keys do, by the way of listening that is shown. */
const shortcuts = {compare: {}, abx: {}, rate: {}};
let mode = 'compare';

document.addEventListener('keydown', (event) => {
  const typing = event.target.matches('input[type="number"], select');
  const action = shortcuts[mode][event.key.toLowerCase()];
  if (typing || event.ctrlKey || event.metaKey || event.altKey || action === undefined) return;
  event.preventDefault();
  action();
});
