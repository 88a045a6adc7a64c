import {runAbx} from './abx.js';
import {isSingleFile} from './assets.js';
import {query} from './dom.js';
import {Engine} from './engine.js';
import {MeterView} from './meters.js';
import {attempt} from './notices.js';
import {Player} from './player.js';
import {offerSaving} from './saving.js';
import {Settings} from './settings.js';
import {Sources} from './sources.js';

const engine = new Engine(
  (report) => {
    player.addFrame(report);
    meters.addFrame(report);
  },
  (state) => {
    player.update(state);
    meters.update(state);
    showWhatIsPossible();
  },
);
const player = new Player(engine);
const meters = new MeterView();
const settings = new Settings(engine);
const sources = new Sources(engine, player, settings);
offerSaving(engine, player, settings);

let testing = false;
const testKeys = {};
const keys = {
  ' ': () => player.toggle(),
  o: () => query('#original').click(),
  d: () => query('#decoded').click(),
};

function showWhatIsPossible() {
  const {source, isLive} = player;
  const ready = source !== null && !isLive && !testing;
  query('#save-sst').disabled = !ready;
  query('#save-wav').disabled = !ready;
  query('#abx-start').disabled = !ready || !source.hasOriginal;
}

query('#abx-start').onclick = () => {
  testing = true;
  showWhatIsPossible();
  const others = document.querySelectorAll('main section:not(#abx)');
  for (const section of others) section.inert = true;
  const test = {
    hear: (which) => player.play(0, which === 'original' ? 0 : 1),
    stop: () => player.pause(),
    finished: () => {
      testing = false;
      for (const section of others) section.inert = false;
      for (const key of Object.keys(testKeys)) delete testKeys[key];
      player.setMix(Number(query('#mix').value));
      showWhatIsPossible();
    },
  };
  const count = Math.min(50, Math.max(1, Math.round(Number(query('#abx-count').value)) || 8));
  runAbx(test, count, testKeys);
};

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches('input[type="number"], select');
  const pressing = event.key === ' ' && event.target.matches('button, input, a, summary');
  const action = (testing ? testKeys : keys)[event.key.toLowerCase()];
  if (typing || pressing || action === undefined) return;
  event.preventDefault();
  action();
});

attempt(async () => {
  await sources.listSamples();
  // Fetched ahead of the first click, but not for those who save data.
  if (navigator.connection?.saveData !== true) await engine.load();
});
if (!isSingleFile() && 'serviceWorker' in navigator) {
  navigator.serviceWorker.register('service_worker.js').catch(() => {
    // No storage, as in some private windows: the page works, but not offline.
  });
}
