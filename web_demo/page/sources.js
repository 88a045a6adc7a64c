import {asset, textAsset} from './assets.js';
import {isSst, readAudio} from './audio_files.js';
import {element, query} from './dom.js';
import {withNoise} from './noise.js';
import {attempt, say} from './notices.js';

const MICROPHONE_PROBLEMS = {
  NotAllowedError: 'the microphone is not allowed: the browser asks at its address bar',
  NotFoundError: 'no microphone was found',
  NotReadableError: 'the microphone is in use by another program',
};

/** Where sound comes from: samples, files, the microphone. */
export class Sources {
  #engine;
  #player;
  #settings;
  #samples = []; // {file, title, noisy}
  #stopMicrophone = null;

  constructor(engine, player, settings) {
    this.#engine = engine;
    this.#player = player;
    this.#settings = settings;
    query('#sample').onclick = () => this.#openSample();
    query('#open').onclick = () => query('#file').click();
    query('#file').onchange = (event) => {
      const [file] = event.target.files;
      event.target.value = ''; // so that the same file may be chosen again
      if (file !== undefined) this.#openFile(file);
    };
    query('#speak').onclick = () =>
      attempt(() => (this.#stopMicrophone === null ? this.#speak() : this.#stopSpeaking()));
    this.#acceptDrops();
  }

  /** Lists the samples that come with the page. */
  async listSamples() {
    this.#samples = JSON.parse(await textAsset('samples.json'));
    const options = this.#samples.map(({title}) => element('option', {}, title));
    query('#samples').replaceChildren(...options);
  }

  async #openSample() {
    const {file, title, noisy} = this.#samples[query('#samples').selectedIndex];
    await attempt(
      async () => this.#openBytes(file, title, await asset(file), noisy ? withNoise : undefined),
      title,
    );
  }

  async #openFile(file) {
    const read = async () => new Uint8Array(await file.arrayBuffer());
    await attempt(async () => this.#openBytes(file.name, file.name, await read()), file.name);
  }

  async #openBytes(name, title, bytes, prepare = (recording) => recording) {
    say('Loading the codec…');
    const {maySound} = this.#engine; // not where a file was dropped before any click
    const starting = maySound ? this.#engine.start() : null; // within the click, as browsers want
    if (this.#stopMicrophone !== null) await this.#stopSpeaking();
    await Promise.all([starting, this.#settings.apply()]);
    if (isSst(name, bytes)) await this.#openStream(title, bytes);
    else await this.#openRecording(title, prepare(await readAudio(bytes)));
    if (maySound) await this.#player.play(0);
    else say(`${query('#status').textContent} Press Play.`);
  }

  async #openRecording(title, recording) {
    const {samples, sampleRate} = recording;
    const {seconds} = await this.#engine.ask('openRecording', {samples, sampleRate});
    this.#settings.offer(false);
    this.#player.open({name: title, seconds, hasOriginal: true});
    say(`${title}: ${seconds.toFixed(1)} s.`);
  }

  async #openStream(title, bytes) {
    const facts = await this.#engine.ask('openStream', {bytes});
    this.#settings.offer(true);
    this.#player.open({name: title, seconds: facts.seconds, hasOriginal: false});
    const about = [
      `${facts.seconds.toFixed(1)} s`,
      `made for ${(facts.nominalBps / 1000).toFixed(1)} kbps`,
      ...(facts.numChannels > 1 ? [`${facts.numChannels} channels`] : []),
      ...(facts.denoise ? ['noise removed'] : []),
      `${facts.bytes.toLocaleString('en')} bytes`,
      ...facts.damage,
    ];
    say(`${title}: ${about.join(', ')}.`);
  }

  async #speak() {
    if (navigator.mediaDevices === undefined) {
      throw new Error('the microphone needs https, or localhost');
    }
    say('Loading the codec…');
    await this.#engine.start();
    await this.#settings.apply();
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false},
      });
    } catch (error) {
      throw new Error(MICROPHONE_PROBLEMS[error.name] ?? error.message);
    }
    const disconnect = await this.#engine.connectMicrophone(stream);
    this.#stopMicrophone = () => {
      disconnect();
      for (const track of stream.getTracks()) track.stop();
    };
    this.#settings.offer(false);
    this.#player.open({name: 'microphone', seconds: null, hasOriginal: true});
    query('#speak').textContent = 'Stop';
    query('#speak').classList.add('on');
    say('You hear yourself as the other side would. Wear headphones.');
  }

  /** Ends the live call; what was said can be played from now on. */
  async #stopSpeaking() {
    this.#stopMicrophone();
    this.#stopMicrophone = null;
    query('#speak').textContent = 'Speak';
    query('#speak').classList.remove('on');
    const {seconds} = await this.#engine.ask('stopLive');
    this.#player.open({name: 'recording', seconds, hasOriginal: true});
    say(`Your recording: ${seconds.toFixed(1)} s. Play it, compare it, save it.`);
  }

  #acceptDrops() {
    const mark = (on) => document.body.classList.toggle('dropping', on);
    addEventListener('dragover', (event) => {
      event.preventDefault();
      mark(true);
    });
    addEventListener('dragleave', (event) => mark(event.relatedTarget !== null));
    addEventListener('drop', (event) => {
      event.preventDefault();
      mark(false);
      const [file] = event.dataTransfer.files;
      if (file !== undefined) this.#openFile(file);
    });
  }
}
