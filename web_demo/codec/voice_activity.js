const ACTIVE_DB = 9; // this far above the floor is active
const ALWAYS_ACTIVE_DBFS = -35; // a pause is never as loud as this
const NEVER_ACTIVE_DBFS = -75; // below, only hiss of a converter
const FLOOR_RISE_DB_PER_SECOND = 3;
const HANGOVER_SECONDS = 0.2;
const SILENCE_DBFS = -120;

/**
 * Tells frames in which somebody may be speaking from pauses, by energy alone.
 *
 * The floor follows the quietest sound of the last seconds; a frame well above it is active, and so
 * are the frames shortly after, because words end softly. What is loud is never a pause.
 */
export class VoiceActivityDetector {
  #rise;
  #hangoverFrames;
  // Starts low, so that what comes first is kept until it proves to be the background.
  #floor = NEVER_ACTIVE_DBFS;
  #hangover = 0;

  constructor(frameRate) {
    this.#rise = FLOOR_RISE_DB_PER_SECOND / frameRate;
    this.#hangoverFrames = Math.round(HANGOVER_SECONDS * frameRate);
  }

  /** Whether the next frame, float32 [hop], may be speech. */
  isActive(samples) {
    const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
    const level = 10 * Math.log10(power + 10 ** (SILENCE_DBFS / 10));
    this.#floor = Math.min(level, this.#floor + this.#rise);
    const threshold = Math.max(this.#floor + ACTIVE_DB, NEVER_ACTIVE_DBFS);
    const loud = level > Math.min(threshold, ALWAYS_ACTIVE_DBFS);
    this.#hangover = loud ? this.#hangoverFrames : Math.max(0, this.#hangover - 1);
    return loud || this.#hangover > 0;
  }
}
