import {element, keyButton, query} from './dom.js';

/** The trials of an A/B/X test: which of the two sounds A is, and which of A and B is X. */
export function abxTrials(count, random) {
  return Array.from({length: count}, () => {
    const a = random() < 0.5 ? 'original' : 'decoded';
    const b = a === 'original' ? 'decoded' : 'original';
    return {a, b, x: random() < 0.5 ? 'a' : 'b'};
  });
}

/** Chance of at least so many right answers by guessing. */
export function guessProbability(correct, count) {
  let ways = 1;
  let sum = 0;
  for (let k = 0; k <= count; k++) {
    if (k >= correct) sum += ways;
    ways = (ways * (count - k)) / (k + 1);
  }
  return sum / 2 ** count;
}

/**
 * Asks again and again which of two sounds X is.
 *
 * @param {{hear: function(string), stop: function(), finished: function()}} player `hear` plays
 *   'original' or 'decoded' from the recording's start
 * @param {number} count trials
 * @param {Object<string, function>} shortcuts gets what keys do meanwhile
 */
export function runAbx(player, count, shortcuts) {
  const stage = query('#abx-stage');
  const trials = abxTrials(count, Math.random);
  let index = 0;

  const answer = (choice) => {
    trials[index].correct = choice === trials[index].x;
    index++;
    if (index < count) ask();
    else finish();
  };
  const finish = () => {
    player.stop();
    const done = trials.slice(0, index);
    const correct = done.filter((trial) => trial.correct).length;
    const chance = guessProbability(correct, done.length).toFixed(3);
    const text =
      done.length === 0
        ? 'The test was stopped before the first answer.'
        : `${correct} of ${done.length} right. By guessing, that many or more: ${chance}.`;
    stage.replaceChildren(element('p', {class: 'result', role: 'status', tabindex: -1}, text));
    stage.firstChild.focus();
    player.finished();
  };
  const ask = () => {
    const trial = trials[index];
    const sounds = {a: trial.a, b: trial.b, x: trial[trial.x]};
    const buttons = ['a', 'b', 'x'].map((letter) => {
      const name = letter.toUpperCase();
      return keyButton(`Hear ${name}`, name, () => hear(letter), `abx-${letter}`);
    });
    const hear = (letter) => {
      buttons.forEach((button) => {
        button.setAttribute('aria-pressed', button.id === `abx-${letter}`);
      });
      player.hear(sounds[letter]);
    };
    Object.assign(shortcuts, {
      a: () => hear('a'),
      b: () => hear('b'),
      x: () => hear('x'),
      1: () => answer('a'),
      2: () => answer('b'),
    });
    const heading = element('h3', {tabindex: -1}, `Trial ${index + 1} of ${count}`);
    stage.replaceChildren(
      heading,
      element('div', {class: 'buttons'}, ...buttons),
      element(
        'div',
        {class: 'buttons'},
        keyButton('X is A', '1', () => answer('a'), 'abx-is-a'),
        keyButton('X is B', '2', () => answer('b'), 'abx-is-b'),
        element('button', {onclick: finish, id: 'abx-stop'}, 'Stop the test'),
      ),
    );
    heading.focus();
    player.stop();
  };
  ask();
}
