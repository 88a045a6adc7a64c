/** The trials of an A/B/X test: which version is A, which B, and which of the two X is. */
function abxTrials(files, pair, count, random) {
  const order = shuffled(files, random);
  return Array.from({length: count}, (_, index) => {
    const [a, b] = shuffled(pair, random);
    return {file: order[index % order.length], a, b, x: random() < 0.5 ? 'a' : 'b'};
  });
}

/** Chance of at least so many right answers by guessing. */
function guessProbability(correct, count) {
  let ways = 1;
  let sum = 0;
  for (let k = 0; k <= count; k++) {
    if (k >= correct) sum += ways;
    ways = (ways * (count - k)) / (k + 1);
  }
  return sum / 2 ** count;
}

/** The A/B/X test: choose two versions, then say again and again which of them X is. */
function showAbx(data, place) {
  const options = versionsOf(data, data.listening[0]);
  const select = (label) =>
    element(
      'select',
      {'aria-label': label},
      ...options.map(([key, text]) => element('option', {value: key}, text)),
    );
  const first = select('first version');
  const second = select('second version');
  second.selectedIndex = Math.min(1, options.length - 1);
  const count = element('input', {type: 'number', min: 1, max: 100, value: 10, id: 'abx-count'});
  const seed = element('input', {type: 'number', min: 0, value: 1, id: 'abx-seed'});
  const stage = element('div', {'aria-live': 'polite'});
  const names = Object.fromEntries(options);

  const start = () => {
    const pair = [first.value, second.value];
    if (pair[0] === pair[1]) {
      stage.replaceChildren('Choose two different versions.');
      return;
    }
    const random = randomNumbers(Number(seed.value));
    const files = data.listening.filter((file) => pair.every((key) => key in data.audio[file]));
    const trials = abxTrials(files, pair, Number(count.value), random);
    ask(trials, 0, (answered) => {
      const correct = answered.filter((trial) => trial.correct).length;
      showResult(
        stage,
        'abx',
        {
          test: 'abx',
          seed: Number(seed.value),
          first: names[pair[0]],
          second: names[pair[1]],
          trials: answered,
          correct,
          count: answered.length,
          guess_probability: guessProbability(correct, answered.length),
        },
        answered,
        `${correct} of ${answered.length} right; by guessing that or more has probability ` +
          `${guessProbability(correct, answered.length).toFixed(3)}.`,
      );
    });
  };

  function ask(trials, index, done) {
    const trial = trials[index];
    const sounds = soundsOf(data, trial.file);
    const {buttons, play, stop} = playButtons(
      {a: sounds[trial.a], b: sounds[trial.b], x: sounds[trial[trial.x]]},
      [
        ['a', 'A', 'A'],
        ['b', 'B', 'B'],
        ['x', 'X', 'X'],
      ],
    );
    const began = performance.now();
    const answer = (choice) => {
      stop();
      shortcuts.abx = {};
      trial.answer = choice;
      trial.correct = choice === trial.x;
      trial.seconds = (performance.now() - began) / 1000;
      if (index + 1 < trials.length) {
        ask(trials, index + 1, done);
      } else {
        done(trials.map((one) => ({...one, a: names[one.a], b: names[one.b]})));
      }
    };
    shortcuts.abx = {
      a: () => play('a'),
      b: () => play('b'),
      x: () => play('x'),
      ' ': stop,
      1: () => answer('a'),
      2: () => answer('b'),
    };
    stage.replaceChildren(
      element('h3', {}, `Trial ${index + 1} of ${trials.length}`),
      element(
        'div',
        {class: 'buttons'},
        ...buttons.values(),
        element('button', {onclick: stop}, 'Stop ', element('kbd', {}, 'Space')),
      ),
      element(
        'div',
        {class: 'buttons'},
        element(
          'button',
          {onclick: () => answer('a'), id: 'abx-is-a'},
          'X is A ',
          element('kbd', {}, '1'),
        ),
        element(
          'button',
          {onclick: () => answer('b'), id: 'abx-is-b'},
          'X is B ',
          element('kbd', {}, '2'),
        ),
      ),
    );
  }

  place.append(
    element(
      'p',
      {},
      'X is one of two versions: which? Names stay hidden; the seed decides the order.',
    ),
    element(
      'div',
      {class: 'buttons'},
      first,
      'against',
      second,
      element('label', {}, 'Trials ', count),
      element('label', {}, 'Seed ', seed),
      element('button', {onclick: start, id: 'abx-start'}, 'Start'),
    ),
    stage,
  );
}
