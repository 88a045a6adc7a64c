/**
 * A table whose headings sort it.
 *
 * @param {{title: string, value: (row) => any, cell?: (row) => Node|string, descending?: boolean}[]} columns
 *   `value` is sorted by, `cell` is shown; `descending` is the first direction.
 * @param {object[]} rows
 * @returns {Element} a <table>
 */
function sortableTable(columns, rows) {
  const body = element('tbody');
  const side = (column, row) =>
    row !== undefined && typeof column.value(row) === 'string' && 'text';
  const heads = columns.map((column, index) =>
    element(
      'th',
      {scope: 'col', class: side(column, rows[0])},
      element('button', {onclick: () => sort(index)}, column.title),
    ),
  );
  const show = (ordered) =>
    body.replaceChildren(
      ...ordered.map((row) => {
        const cells = columns.map((column) =>
          element('td', {class: side(column, row)}, (column.cell ?? column.value)(row)),
        );
        return element('tr', {}, ...cells);
      }),
    );

  function sort(index) {
    const {value, descending = false} = columns[index];
    const before = heads[index].getAttribute('aria-sort');
    const first = descending ? 'descending' : 'ascending';
    const second = descending ? 'ascending' : 'descending';
    const direction = before === first ? second : first;
    heads.forEach((head) => head.removeAttribute('aria-sort'));
    heads[index].setAttribute('aria-sort', direction);
    const sign = direction === 'ascending' ? 1 : -1;
    show([...rows].sort((a, b) => compare(value(a), value(b), sign)));
  }

  show(rows);
  return element('table', {}, element('thead', {}, element('tr', {}, ...heads)), body);
}

/** Order of two texts or two numbers; missing values come last in both directions. */
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === 'string' ? a.localeCompare(b) : a - b);
}
