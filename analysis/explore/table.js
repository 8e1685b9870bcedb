'use strict';
// The points of the chart as a table, sorted by its heads; each row opens its trial. It is how keyboards and screen readers get there.
const PointTable = (() => {
  const STEP = 50;
  let sorted = 'y',
    up = true,
    shown = STEP;

  const columns = (data, view, found) => {
    const means = view.mode === Points.MEANS,
      fields = data.fields.filter(f => f.varied && (means ? f.ofSettings && f.config : f.config || f.name === 'state'));
    return [
      {
        id: 'y',
        title: found.y ? found.y.title : 'value',
        text: p => Words.withError(p.y, p.error),
        value: p => p.y,
        number: true,
      },
      ...(means ? [{id: 'seeds', title: 'Seeds', text: p => String(p.seeds), value: p => p.seeds, number: true}] : []),
      ...fields.map(f => ({
        id: f.name,
        title: f.title,
        text: p => f.word(f.code(p.trials[0])),
        value: p => f.code(p.trials[0]),
        number: f.number,
      })),
    ];
  };

  const order = (points, column) => {
    const known = points.filter(p => column.value(p) !== null),
      unknown = points.filter(p => column.value(p) === null);
    known.sort((a, b) => (column.value(a) - column.value(b)) * (up ? 1 : -1));
    return [...known, ...unknown];
  };

  const draw = (data, view, found, open) => {
    const table = document.getElementById('points'),
      more = document.getElementById('more'),
      every = columns(data, view, found);
    const column = every.find(one => one.id === sorted) || every[0],
      again = () => draw(data, view, found, open);
    const head = one => {
      const button = Words.make('button', {type: 'button', textContent: one.title});
      button.addEventListener('click', () => {
        if (sorted === one.id) up = !up;
        else {
          sorted = one.id;
          up = true;
        }
        again();
        [...table.querySelectorAll('th button')].find(b => b.textContent === one.title).focus();
      });
      return Words.make(
        'th',
        {
          scope: 'col',
          className: one.number ? 'number' : '',
          'aria-sort': one === column ? (up ? 'ascending' : 'descending') : 'none',
        },
        button,
      );
    };
    const row = p => {
      const name = data.names[p.trials[0]] || data.keys[p.trials[0]],
        button = Words.make('button', {type: 'button', className: 'link', textContent: name});
      button.addEventListener('click', () => open(p));
      return Words.make(
        'tr',
        {},
        Words.make('td', {}, button),
        ...every.map(one => Words.make('td', {className: one.number ? 'number' : ''}, one.text(p))),
      );
    };
    const points = order(view.top && found.y ? found.scored : found.all, column);
    table.tHead.replaceChildren(
      Words.make(
        'tr',
        {},
        Words.make('th', {scope: 'col'}, view.mode === Points.MEANS ? 'Setting (first trial)' : 'Trial'),
        ...every.map(head),
      ),
    );
    table.tBodies[0].replaceChildren(...points.slice(0, shown).map(row));
    more.hidden = points.length <= shown;
    more.textContent = `Show more rows (${Math.min(shown, points.length)} of ${points.length.toLocaleString('en')} shown)`;
    more.onclick = () => {
      shown += STEP * 4;
      again();
    };
  };

  const reset = lower => {
    shown = STEP;
    sorted = 'y';
    up = lower;
  };
  return {draw, reset};
})();
