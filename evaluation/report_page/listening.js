const ORIGINAL = 'original';

/** Every version of one listening recording: [key, title] pairs, the original first. */
function versionsOf(data, file) {
  return Object.keys(data.audio[file])
    .sort((a, b) => (b === ORIGINAL) - (a === ORIGINAL) || a - b)
    .map((key) => [key, key === ORIGINAL ? ORIGINAL : title(data.conditions[key])]);
}

function soundsOf(data, file) {
  const versions = Object.entries(data.audio[file]);
  return Object.fromEntries(versions.map(([key, {sound}]) => [key, sound]));
}

/** All versions side by side, with their spectrograms. */
function showComparison(data, place) {
  place.append(
    element(
      'p',
      {},
      'Switching between versions keeps the position. Pictures: 0 to half the sampling rate, mel scale.',
    ),
  );
  for (const file of data.listening) {
    const versions = versionsOf(data, file);
    const {buttons, stop} = playButtons(soundsOf(data, file), versions);
    const grid = element('div', {class: 'versions'});
    for (const [key, text] of versions) {
      const picture = element('img', {
        src: data.audio[file][key].picture,
        alt: `Spectrogram: ${text}`,
      });
      grid.append(element('div', {}, buttons.get(key), picture));
    }
    place.append(
      element(
        'div',
        {class: 'clip'},
        element('h3', {}, file),
        element('div', {class: 'buttons'}, element('button', {onclick: stop}, 'Stop')),
        grid,
      ),
    );
  }
}

/** The outcome of a test, and its answers as files. */
function showResult(stage, name, result, rows, text) {
  const fields = Object.keys(rows[0]);
  const quoted = (value) => `"${String(value).replaceAll('"', '""')}"`;
  const csv = [fields, ...rows.map((row) => fields.map((field) => row[field]))]
    .map((line) => `${line.map(quoted).join(',')}\n`)
    .join('');
  const json = `${JSON.stringify(result, null, 1)}\n`;
  stage.replaceChildren(
    element(
      'div',
      {class: 'result', 'data-result': json},
      element('p', {}, text),
      element(
        'div',
        {class: 'buttons'},
        element(
          'button',
          {onclick: () => download(`${name}.json`, 'application/json', json)},
          'Save as JSON',
        ),
        element('button', {onclick: () => download(`${name}.csv`, 'text/csv', csv)}, 'Save as CSV'),
      ),
    ),
  );
}

/** The three ways to listen, as tabs. */
function showListening(data) {
  if (data.listening.length === 0) {
    query('#listen').hidden = true;
    return;
  }
  showComparison(data, query('#compare'));
  showAbx(data, query('#abx'));
  showRating(data, query('#rate'));
  for (const tab of document.querySelectorAll('[role="tab"]')) {
    tab.onclick = () => {
      if (sounding !== null) sounding.stop();
      mode = tab.dataset.mode;
      for (const other of document.querySelectorAll('[role="tab"]')) {
        other.setAttribute('aria-selected', other === tab);
        query(`#${other.dataset.mode}`).hidden = other !== tab;
      }
    };
  }
}
