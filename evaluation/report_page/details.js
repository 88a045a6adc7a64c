/** Ten recordings at each end of a metric, for one codec at one bitrate. */
function showExtremes(data) {
  const state = {condition: 0, metric: 0};
  const show = () => {
    const metric = data.metrics[state.metric];
    const sign = metric.higher_is_better ? 1 : -1;
    const score = (row) => row.scores[state.metric];
    const rows = data.rows
      .filter((row) => row.condition === Number(state.condition) && score(row) !== null)
      .sort((a, b) => sign * (score(a) - score(b)));
    query('#extremes .columns').replaceChildren(
      extremesTable(data, 'Worst', rows.slice(0, 10), metric, score),
      extremesTable(data, 'Best', rows.slice(-10).reverse(), metric, score),
    );
  };
  const pick = (name) => (value) => {
    state[name] = value;
    show();
  };
  choose(
    query('#extreme-condition'),
    data.conditions.map((one, index) => [index, title(one)]),
    pick('condition'),
  );
  choose(
    query('#extreme-metric'),
    data.metrics.map((one, index) => [index, one.title]),
    pick('metric'),
  );
}

function extremesTable(data, heading, rows, metric, score) {
  const columns = [
    {title: 'Recording', value: (row) => row.file},
    {title: 'Speaker', value: (row) => data.files[row.file].speaker},
    {
      title: metric.title,
      value: score,
      cell: (row) => number(score(row), metric.digits),
      descending: metric.higher_is_better,
    },
    {title: 'Listen', value: (row) => row.file, cell: (row) => extremeButtons(data, row)},
  ];
  return element('div', {}, element('h3', {}, heading), sortableTable(columns, rows));
}

function extremeButtons(data, {file, condition}) {
  if (data.audio[file]?.[condition] === undefined) return '–';
  const {buttons} = playButtons(soundsOf(data, file), [
    [ORIGINAL, 'original'],
    [String(condition), 'coded'],
  ]);
  return element('span', {}, ...buttons.values());
}

function showCodebooks({codebooks}) {
  if (codebooks === null) {
    query('#codebooks').hidden = true;
    return;
  }
  const {levels, frames} = codebooks;
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const carried = sum(levels.map((level) => level.entropy_bits));
  const sent = sum(levels.map((level) => level.sent_bits));
  query('#codebooks-about').textContent =
    `Over ${frames.toLocaleString()} frames a frame of all ${levels.length} levels sends ${sent.toFixed(0)} bits ` +
    `and carries ${carried.toFixed(1)} (${((100 * carried) / sent).toFixed(0)} %), each level by itself.`;
  const curve = (name, colour, value) => ({
    name,
    colour,
    points: levels.map((level, index) => ({
      x: index + 1,
      y: value(level),
      label: `level ${index + 1}: ${number(value(level))}`,
    })),
  });
  query('#codebooks .charts').append(
    lineChart(
      'Bits per code: carried, sent',
      [
        curve('carried', seriesColour(0), (level) => level.entropy_bits),
        curve('sent', seriesColour(5), (level) => level.sent_bits),
      ],
      {xTitle: 'level'},
    ),
    lineChart('Perplexity', [curve('perplexity', seriesColour(0), (level) => level.perplexity)], {
      xTitle: 'level',
    }),
    lineChart('Dead entries', [curve('dead', seriesColour(1), (level) => level.dead)], {
      xTitle: 'level',
    }),
  );
  const column = (text, key, digits) => ({
    title: text,
    value: (row) => row[key],
    cell: (row) => number(row[key], digits),
  });
  query('#codebooks .wide').append(
    sortableTable(
      [
        column('Level', 'level', 0),
        column('Used', 'used', 0),
        column('Dead', 'dead', 0),
        column('Perplexity', 'perplexity', 1),
        column('Bits carried', 'entropy_bits', 2),
        column('Bits sent', 'sent_bits', 2),
      ],
      levels.map((level, index) => ({...level, level: index + 1})),
    ),
  );
}
