/** Curves of one metric after the other, all conditions of a curve in a list under its name. */
function showCurves(place, data, curves, xOf, options) {
  const names = [...curves.keys()];
  place.before(legend(names.map((name, index) => [name, seriesColour(index)])));
  for (const {name, title: metricTitle, higher_is_better: better, digits} of data.metrics) {
    const series = names.map((curve, index) => ({
      name: curve,
      colour: seriesColour(index),
      points: curves
        .get(curve)
        .filter((condition) => condition.scores[name].mean !== null)
        .map((condition) => ({
          x: xOf(condition),
          y: condition.scores[name].mean,
          low: condition.scores[name].low,
          high: condition.scores[name].high,
          label: `${title(condition)}: ${interval(condition.scores[name], digits)}`,
        })),
    }));
    if (series.some(({points}) => points.length > 0)) {
      const caption = metricTitle + (better ? '' : ', lower is better');
      place.append(lineChart(caption, series, options));
    }
  }
}

/** The coded conditions by a name, in their order. */
function grouped(conditions, nameOf) {
  const groups = new Map();
  for (const condition of conditions.filter(({codec}) => codec !== ORIGINAL)) {
    const name = nameOf(condition);
    groups.set(name, [...(groups.get(name) ?? []), condition]);
  }
  return groups;
}

function showQuality(data) {
  const lossless = data.conditions.filter(({loss_rate: share}) => share === 0);
  const curves = grouped(lossless, ({codec}) => codec);
  query('#quality').hidden = curves.size === 0;
  const xOf = ({actual_bps: bps}) => bps / 1000;
  const rates = [...new Set([...curves.values()].flat().map((one) => Math.round(xOf(one))))].sort(
    (a, b) => a - b,
  );
  // Where many rates lie close together their numbers would overlap.
  const xTicks = rates.filter((rate, index) => index === 0 || rate >= 1.35 * rates[index - 1]);
  const options = {xTitle: 'kbps', logarithmic: true, xTicks};
  showCurves(query('#quality .charts'), data, curves, xOf, options);
}

function showLosses(data) {
  const shares = [...new Set(data.conditions.map(({loss_rate: share}) => 100 * share))];
  query('#losses').hidden = shares.every((share) => share === 0);
  if (query('#losses').hidden) return;
  const curves = grouped(
    data.conditions,
    ({codec, bitrate_bps: bps}) => `${codec} ${bps / 1000} kbps`,
  );
  const options = {xTitle: '% of packets lost', xTicks: shares.sort((a, b) => a - b)};
  showCurves(query('#losses .charts'), data, curves, ({loss_rate: x}) => 100 * x, options);
}

const interval = ({mean, low, high}, digits) =>
  low === null
    ? number(mean, digits)
    : `${number(mean, digits)} (${number(low, digits)} to ${number(high, digits)})`;

function meanCell({mean, low, high}, digits) {
  const half = low === null ? null : element('small', {}, ` ±${number((high - low) / 2, digits)}`);
  return element('span', {}, number(mean, digits), half);
}

function showScores(data) {
  const columns = [
    {title: 'Codec', value: (row) => row.codec},
    {
      title: 'kbps',
      value: (row) => row.actual_bps,
      cell: (row) => (row.actual_bps / 1000).toFixed(2),
    },
    {title: '% lost', value: (row) => row.loss_rate, cell: (row) => percent(row.loss_rate)},
    {title: 'Files', value: (row) => row.files, cell: (row) => String(row.files)},
    ...data.metrics.map(({name, title: text, higher_is_better: better, digits}) => ({
      title: text,
      value: (row) => row.scores[name].mean,
      cell: (row) => meanCell(row.scores[name], digits),
      descending: better,
    })),
  ];
  const groups = [['all', data.conditions]];
  for (const [grouping, parts] of Object.entries(data.groups)) {
    for (const [value, conditions] of Object.entries(parts))
      groups.push([`${grouping}: ${value}`, conditions]);
  }
  choose(
    query('#group'),
    groups.map(([text], index) => [index, text]),
    (index) => query('#scores .wide').replaceChildren(sortableTable(columns, groups[index][1])),
  );
}

function showDifferences(data) {
  if (data.differences.length === 0) {
    query('#differences').hidden = true;
    return;
  }
  const columns = [
    {title: 'Codec', value: (row) => row.first},
    {title: 'against', value: (row) => row.second},
    ...data.metrics.map(({name, title: text, digits}) => ({
      title: text,
      value: (row) => row.scores[name].mean,
      cell: ({scores: {[name]: score}}) => {
        const clear = score.low > 0 || (score.high !== null && score.high < 0);
        const sign = score.mean > 0 ? '+' : '';
        return element(
          clear ? 'b' : 'span',
          {title: interval(score, digits)},
          sign + number(score.mean, digits),
        );
      },
      descending: true,
    })),
  ];
  query('#differences .wide').append(sortableTable(columns, data.differences));
}

/** One chart for the curves whose names differ only in numbers, such as those of the levels. */
function showTraining({curves}) {
  const names = Object.keys(curves).filter((name) => curves[name].length > 1);
  query('#training').hidden = names.length === 0;
  const charts = new Map();
  for (const name of names) {
    const pattern = name.replace(/\d+/g, '…');
    charts.set(pattern, [...(charts.get(pattern) ?? []), name]);
  }
  for (const [pattern, members] of charts) {
    const series = members.map((name, index) => ({
      name,
      colour: seriesColour(index),
      points: curves[name].map(([x, y]) => ({x, y})),
    }));
    const caption = members.length === 1 ? members[0] : pattern;
    const chart = lineChart(caption, series, {xTitle: 'step', dots: false});
    if (members.length > 1) chart.append(legend(series.map(({name, colour}) => [name, colour])));
    query('#training .charts').append(chart);
  }
}

function showRun(data) {
  const lines = (values) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join('\n');
  query('#about').textContent =
    `${Object.keys(data.files).length} recordings, ${data.conditions.length} codecs, bitrates and losses`;
  query('#run-details').append(
    element('h3', {}, 'Command'),
    element('pre', {id: 'command'}, data.command),
    element('h3', {}, 'Settings'),
    element('pre', {}, lines(data.settings)),
    element('h3', {}, 'Versions'),
    element('pre', {}, lines(data.versions)),
  );
  if (data.failures.length > 0) {
    const failures = data.failures.map(({file, reason}) => `${file}: ${reason}`).join('\n');
    query('#run-details').append(element('h3', {}, 'Left out'), element('pre', {}, failures));
  }
}

const data = JSON.parse(query('#data').textContent);
for (const show of [
  showRun,
  showQuality,
  showLosses,
  showScores,
  showDifferences,
  showListening,
  showExtremes,
  showCodebooks,
  showTraining,
]) {
  show(data);
}
for (const link of document.querySelectorAll('nav a')) {
  link.hidden = query(link.getAttribute('href')).hidden;
}
