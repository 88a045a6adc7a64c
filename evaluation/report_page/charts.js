const WIDTH = 400;
const HEIGHT = 240;
const MARGIN = {left: 42, right: 12, top: 10, bottom: 34};

/** Round numbers that divide a range into about `count` steps. */
function ticks(low, high, count = 5) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const result = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) {
    result.push(Number(value.toPrecision(12)));
  }
  return result;
}

/** A function from values to pixels; logarithmic if asked. */
function scale(values, from, to, logarithmic = false) {
  const bend = logarithmic ? Math.log : (value) => value;
  const [low, high] = [bend(Math.min(...values)), bend(Math.max(...values))];
  const span = high - low || 1;
  return (value) => from + ((bend(value) - low) / span) * (to - from);
}

const seriesColour = (index) => `var(--series-${index % 6})`;

/**
 * A line chart.
 *
 * @param {string} caption
 * @param {{name: string, colour: string, points: {x, y, low?, high?, label?}[]}[]} series
 * @param {{xTitle: string, logarithmic?: boolean, xTicks?: number[], dots?: boolean}} options
 * @returns {Element} a <figure>
 */
function lineChart(caption, series, {xTitle, logarithmic = false, xTicks = null, dots = true}) {
  const points = series.flatMap((one) => one.points);
  const xs = points.map((point) => point.x);
  const ys = points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  const x = scale(xs, MARGIN.left + 8, WIDTH - MARGIN.right - 8, logarithmic);
  const y = scale(ys, HEIGHT - MARGIN.bottom - 6, MARGIN.top + 6);
  const svg = shape('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': caption});
  for (const tick of ticks(Math.min(...ys), Math.max(...ys))) {
    svg.append(
      shape('line', {
        class: 'grid',
        x1: MARGIN.left,
        x2: WIDTH - MARGIN.right,
        y1: y(tick),
        y2: y(tick),
      }),
      shape('text', {x: MARGIN.left - 6, y: y(tick) + 4, 'text-anchor': 'end'}, String(tick)),
    );
  }
  for (const tick of xTicks ?? ticks(Math.min(...xs), Math.max(...xs), 4)) {
    svg.append(
      shape('text', {x: x(tick), y: HEIGHT - 18, 'text-anchor': 'middle'}, tick.toLocaleString()),
    );
  }
  svg.append(shape('text', {x: WIDTH / 2, y: HEIGHT - 3, 'text-anchor': 'middle'}, xTitle));
  for (const one of series) svg.append(...drawn(one, x, y, dots));
  return element('figure', {class: 'chart'}, element('figcaption', {}, caption), svg);
}

function drawn({name, colour, points}, x, y, dots) {
  const path = points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ');
  const marks = [shape('polyline', {class: 'curve', points: path, style: `stroke: ${colour}`})];
  for (const point of dots ? points : []) {
    if ((point.low ?? null) !== null) {
      marks.push(
        shape('line', {
          class: 'interval',
          x1: x(point.x),
          x2: x(point.x),
          y1: y(point.low),
          y2: y(point.high),
          style: `stroke: ${colour}`,
        }),
      );
    }
    marks.push(
      shape(
        'circle',
        {cx: x(point.x), cy: y(point.y), r: 4, style: `fill: ${colour}`},
        shape('title', {}, point.label ?? `${name}: ${number(point.y)}`),
      ),
    );
  }
  return marks;
}

/** Colours by name, as a list. */
function legend(entries) {
  return element(
    'div',
    {class: 'legend'},
    ...entries.map(([name, colour]) =>
      element('span', {}, element('i', {style: `background: ${colour}`}), name),
    ),
  );
}
