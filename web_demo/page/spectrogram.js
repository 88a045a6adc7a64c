import {NUM_ROWS} from '../live/spectrum.js';

const NUM_COLUMNS = 400; // of 20 ms
const MARK_ROWS = 4; // at the lower edge: what became of the frame
const GROUND = {
  light: [
    [255, 255, 255],
    [176, 205, 240],
    [45, 105, 190],
    [12, 24, 66],
  ],
  dark: [
    [13, 17, 23],
    [52, 29, 110],
    [205, 72, 92],
    [252, 230, 160],
  ],
};

/** A spectrogram that scrolls; it sweeps instead where motion is not wanted. */
export class Spectrogram {
  #context;
  #colours;
  #waiting = [];
  #numDrawn = 0;
  #sweeps = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(canvas) {
    canvas.width = NUM_COLUMNS;
    canvas.height = NUM_ROWS + MARK_ROWS;
    this.#context = canvas.getContext('2d');
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const choose = () => {
      this.#colours = palette(dark.matches ? GROUND.dark : GROUND.light);
    };
    dark.addEventListener('change', choose);
    choose();
  }

  /** Appends a column uint8 [rows] from low to high pitch, and how its frame fared. */
  add(column, fate) {
    if (this.#waiting.length === 0) requestAnimationFrame(() => this.#draw());
    this.#waiting.push({column, fate});
    if (this.#waiting.length > NUM_COLUMNS) this.#waiting.shift();
  }

  clear() {
    const {canvas} = this.#context;
    this.#waiting.length = 0;
    this.#numDrawn = 0;
    this.#context.clearRect(0, 0, canvas.width, canvas.height);
  }

  #draw() {
    const count = this.#waiting.length;
    if (count === 0) return;
    const {canvas} = this.#context;
    if (!this.#sweeps.matches) this.#context.drawImage(canvas, -count, 0);
    const image = this.#context.createImageData(1, canvas.height);
    this.#waiting.forEach(({column, fate}, index) => {
      this.#paint(image, column, fate);
      const scrolled = NUM_COLUMNS - count + index;
      const x = this.#sweeps.matches ? this.#numDrawn++ % NUM_COLUMNS : scrolled;
      this.#context.putImageData(image, x, 0);
    });
    this.#waiting.length = 0;
  }

  #paint(image, column, fate) {
    const mark = {lost: [209, 36, 47], pause: [128, 134, 142]}[fate];
    for (let y = 0; y < NUM_ROWS + MARK_ROWS; y++) {
      const level = y < NUM_ROWS ? column[NUM_ROWS - 1 - y] : 0;
      const colour = y >= NUM_ROWS && mark !== undefined ? mark : this.#colours[level];
      image.data.set([...colour, 255], 4 * y);
    }
  }
}

/** 256 colours between a few. */
function palette(stops) {
  return Array.from({length: 256}, (_, level) => {
    const place = (level / 255) * (stops.length - 1);
    const index = Math.min(stops.length - 2, Math.floor(place));
    const share = place - index;
    return stops[index].map((low, i) => low + share * (stops[index + 1][i] - low));
  });
}
