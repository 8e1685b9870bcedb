'use strict';
// Sorts and filters the tables marked `data-sortable`. Without it the page shows the same tables as they are.
(() => {
  const STEP = 200;
  const number = text => { const found = parseFloat(text.replace(/,/g, '')); return Number.isNaN(found) ? null : found; };
  const make = (name, properties, ...inside) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...inside);
    return made;
  };

  const read = table => [...table.tBodies[0].rows].map(row => ({
    cells: [...row.cells].map(cell => cell.textContent),
    bold: [...row.cells].flatMap((cell, place) => cell.querySelector('b') ? [place] : []),
  }));

  const order = (rows, place, numeric, up) => {
    const value = row => numeric ? number(row.cells[place]) : row.cells[place];
    const compare = numeric ? (a, b) => a - b : (a, b) => a.localeCompare(b, 'en', {numeric: true});
    const known = rows.filter(row => value(row) !== null), unknown = rows.filter(row => value(row) === null);
    known.sort((a, b) => compare(value(a), value(b)) * (up ? 1 : -1));
    return known.concat(unknown);
  };

  const start = box => {
    const table = box.querySelector('table'), stored = box.querySelector('script[type="application/json"]');
    const heads = [...table.tHead.rows[0].cells], kinds = [...(table.tBodies[0].rows[0] || {cells: []}).cells].map(c => c.className);
    const rows = stored ? JSON.parse(stored.textContent).map(([cells, bold]) => ({cells, bold})) : read(table);
    if (rows.length < 2) return;
    const numeric = heads.map((head, place) => head.classList.contains('number') && rows.some(row => number(row.cells[place]) !== null));
    let sorted = null, up = true, shown = STEP;

    const search = make('input', {type: 'search', placeholder: 'such as VAE 16'});
    const said = make('output', {className: 'quiet'});
    const more = make('button', {type: 'button', className: 'more', textContent: 'Show more rows', hidden: true});
    const choices = heads.flatMap((head, place) => {
      const values = [...new Set(rows.map(row => row.cells[place]))];
      if (head.dataset.choose === undefined || values.length < 2 || values.length > 12) return [];
      const select = make('select', {}, make('option', {value: '', textContent: 'all'}),
        ...values.map(value => make('option', {value: '=' + value, textContent: value})));
      return [{place, select, label: make('label', {}, head.textContent + ' ', select)}];
    });

    const cell = (row, place) => {
      const inside = row.bold.includes(place) ? make('b', {}, row.cells[place]) : row.cells[place];
      return make('td', {className: kinds[place] || ''}, inside);
    };
    const draw = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = row => choices.every(({place, select}) => !select.value || '=' + row.cells[place] === select.value)
        && (!words.length || words.every(word => row.cells.join(' ').toLowerCase().includes(word)));
      let found = rows.filter(fits);
      if (sorted !== null) found = order(found, sorted, numeric[sorted], up);
      table.tBodies[0].replaceChildren(...found.slice(0, shown).map(row => make('tr', {}, ...row.cells.map((_, place) => cell(row, place)))));
      more.hidden = found.length <= shown;
      const count = found.length === rows.length ? `${rows.length} rows` : `${found.length} of ${rows.length} rows`;
      said.textContent = more.hidden ? count : `${count}, the first ${shown} shown`;
      heads.forEach((head, place) => head.setAttribute('aria-sort', place === sorted ? (up ? 'ascending' : 'descending') : 'none'));
    };
    const again = () => { shown = STEP; draw(); };

    heads.forEach((head, place) => {
      const button = make('button', {type: 'button', textContent: head.textContent});
      button.addEventListener('click', () => {
        if (sorted !== place) { sorted = place; up = true; } else if (up) up = false; else sorted = null;
        again();
      });
      head.replaceChildren(button);
    });
    search.addEventListener('input', again);
    choices.forEach(({select}) => select.addEventListener('change', again));
    more.addEventListener('click', () => { shown += STEP; draw(); });
    box.prepend(make('div', {className: 'tools'}, make('label', {}, 'Filter ', search), ...choices.map(({label}) => label), said));
    box.querySelector('.scroll').after(more);
    draw();
  };

  document.querySelectorAll('[data-sortable]').forEach(start);
})();
