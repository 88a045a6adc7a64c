/** Blind rating of all versions, the original hidden among them, 0 to 100. */
function showRating(data, place) {
  const seed = element('input', {type: 'number', min: 0, value: 1, id: 'rate-seed'});
  const stage = element('div', {'aria-live': 'polite'});

  const start = () => {
    const random = randomNumbers(Number(seed.value));
    const screens = shuffled(data.listening, random).map((file) => ({
      file,
      versions: shuffled(versionsOf(data, file), random),
    }));
    rate(screens, 0, [], (ratings) => {
      const means = new Map();
      for (const {version, score} of ratings)
        means.set(version, [...(means.get(version) ?? []), score]);
      const text = [...means]
        .map(
          ([version, scores]) =>
            `${version}: ${(scores.reduce((a, b) => a + b) / scores.length).toFixed(0)}`,
        )
        .join(', ');
      showResult(
        stage,
        'rating',
        {test: 'rating', seed: Number(seed.value), ratings},
        ratings,
        `Means: ${text}.`,
      );
    });
  };

  function rate(screens, index, ratings, done) {
    const {file, versions} = screens[index];
    const unheard = new Set(versions.map(([key]) => key));
    const next = element(
      'button',
      {disabled: true, id: 'rate-next'},
      'Next ',
      element('kbd', {}, 'Enter'),
    );
    const sounds = {...soundsOf(data, file), reference: data.audio[file][ORIGINAL].sound};
    const labelled = versions.map(([key], place) => [key, String(place + 1), null]);
    const {buttons, play, stop} = playButtons(
      sounds,
      [['reference', 'Reference', 'R'], ...labelled],
      (key) => {
        unheard.delete(key);
        next.disabled = unheard.size > 0;
      },
    );
    const sliders = new Map();
    const rows = versions.map(([key], place) => {
      const shown = element('output', {}, '50');
      const slider = element('input', {
        type: 'range',
        min: 0,
        max: 100,
        value: 50,
        'aria-label': `Rating of version ${place + 1}`,
        oninput: () => {
          shown.value = slider.value;
        },
      });
      sliders.set(key, slider);
      return element('div', {class: 'rating'}, buttons.get(key), slider, shown);
    });
    next.onclick = () => {
      if (next.disabled) return;
      stop();
      shortcuts.rate = {};
      const added = versions.map(([key, version]) => ({
        file,
        version,
        score: Number(sliders.get(key).value),
      }));
      if (index + 1 < screens.length) rate(screens, index + 1, [...ratings, ...added], done);
      else done([...ratings, ...added]);
    };
    const numbered = versions
      .slice(0, 9)
      .map(([key], place) => [String(place + 1), () => play(key)]);
    shortcuts.rate = {
      r: () => play('reference'),
      ' ': stop,
      enter: next.onclick,
      ...Object.fromEntries(numbered),
    };
    stage.replaceChildren(
      element('h3', {}, `Recording ${index + 1} of ${screens.length}`),
      element(
        'div',
        {class: 'buttons'},
        buttons.get('reference'),
        element('button', {onclick: stop}, 'Stop ', element('kbd', {}, 'Space')),
      ),
      ...rows,
      element('div', {class: 'buttons'}, next),
    );
  }

  place.append(
    element(
      'p',
      {},
      'How close is each version to the reference? 100: no difference. One of them is the reference itself.',
    ),
    element(
      'div',
      {class: 'buttons'},
      element('label', {}, 'Seed ', seed),
      element('button', {onclick: start, id: 'rate-start'}, 'Start'),
    ),
    stage,
  );
}
