'use strict';
// The form above the chart: what it shows, how, and which trials take part.
const Controls = (() => {
  const MOST_BOXES = 24;
  const {make} = Words;

  const select = (title, options, value, change) => {
    const made = make(
      'select',
      {},
      ...options.map(([id, text, disabled]) =>
        Array.isArray(text)
          ? make(
              'optgroup',
              {label: id},
              ...text.map(([inner, words]) => make('option', {value: inner, textContent: words})),
            )
          : make('option', {value: id, textContent: text, disabled: Boolean(disabled)}),
      ),
    );
    made.value = value;
    made.addEventListener('change', () => change(made.value));
    return make('label', {}, title, made);
  };
  const check = (title, value, change) => {
    const made = make('input', {type: 'checkbox', checked: value});
    made.addEventListener('change', () => change(made.checked));
    return make('label', {className: 'check'}, made, title);
  };
  const number = (title, value, change, properties) => {
    const made = make('input', {type: 'number', value, ...properties});
    made.addEventListener('change', () => change(made.value));
    return make('label', {}, title, made);
  };

  const filter = (data, view, field, change) => {
    const wanted = view.filters[field.name];
    const set = value => {
      const filters = {...view.filters};
      if (value === null) delete filters[field.name];
      else filters[field.name] = value;
      change({filters});
    };
    if (field.values.length > MOST_BOXES && field.number) {
      const range = wanted && !Array.isArray(wanted) ? wanted : {from: null, to: null},
        parsed = text => (text === '' ? null : Number(text));
      const update = next => set(next.from === null && next.to === null ? null : next);
      return make(
        'fieldset',
        {},
        make('legend', {}, field.title),
        number('from', range.from ?? '', text => update({...range, from: parsed(text)}), {step: 'any'}),
        number('to', range.to ?? '', text => update({...range, to: parsed(text)}), {step: 'any'}),
      );
    }
    const words = field.values.slice(0, MOST_BOXES).map((_, code) => field.word(code)),
      chosen = new Set(Array.isArray(wanted) ? wanted : words);
    return make(
      'fieldset',
      {},
      make('legend', {}, field.title),
      ...words.map(word =>
        check(word, chosen.has(word), on => {
          if (on) chosen.add(word);
          else chosen.delete(word);
          set(words.every(one => chosen.has(one)) ? null : [...chosen]);
        }),
      ),
      field.values.length > MOST_BOXES
        ? make('span', {className: 'quiet'}, `and ${field.values.length - MOST_BOXES} more`)
        : null,
    );
  };

  const draw = (data, view, change) => {
    const form = document.getElementById('controls'),
      open = form.querySelector('details')?.open,
      focused = document.activeElement?.dataset?.name;
    const means = view.mode === Points.MEANS,
      learning = view.mode === Points.CURVES,
      varied = data.fields.filter(f => f.varied);
    const usable = varied.filter(f => !means || f.ofSettings),
      fields = usable.map(f => [f.name, f.title]),
      none = ['', 'none'];
    const measures = data.measures.map(m => [m.name, m.title]),
      active = Object.keys(view.filters).length;
    const k = number('Top', view.top, text => change({top: text}), {min: 1, placeholder: 'all', inputMode: 'numeric'});
    const parts = [
      select(
        'Show',
        [
          [Points.MEANS, 'Means over seeds', !data.severalSeeds],
          [Points.TRIALS, 'Every trial'],
          [Points.CURVES, 'Learning curves'],
        ],
        view.mode,
        mode => change({mode}),
      ),
      select(learning ? 'Ranked by' : 'Score', view.y ? measures : [none, ...measures], view.y, y => change({y})),
      learning
        ? select('Loss', Object.entries(Sections.SERIES), view.series, series => change({series}))
        : select(
            'X axis',
            [
              ['Fields', fields],
              ['Measures', measures],
            ],
            view.x,
            x => change({x, logX: null}),
          ),
      select('Colour', [none, ...fields], view.colour, colour => change({colour})),
      learning
        ? null
        : select(
            'Symbol',
            [none, ...usable.filter(f => f.values.length <= 6).map(f => [f.name, f.title])],
            view.symbol,
            symbol => change({symbol}),
          ),
      select('Panels', [none, ...fields], view.facet, facet => change({facet})),
      k,
      select(
        'X scale',
        learning
          ? [
              ['linear', 'linear'],
              ['log', 'logarithmic'],
            ]
          : [
              ['auto', 'automatic'],
              ['linear', 'linear'],
              ['log', 'logarithmic'],
            ],
        view.logX === null ? (learning ? 'linear' : 'auto') : view.logX ? 'log' : 'linear',
        v => change({logX: v === 'auto' ? null : v === 'log'}),
      ),
      check('logarithmic Y axis', view.logY, logY => change({logY})),
    ].filter(Boolean);
    const reset = make('button', {type: 'button', textContent: 'Clear filters', hidden: !active});
    reset.addEventListener('click', () => change({filters: {}}));
    const filters = make(
      'details',
      {open: Boolean(open)},
      make('summary', {}, active ? `Filters (${active} set)` : 'Filters'),
      make('div', {className: 'filters'}, ...varied.map(f => filter(data, view, f, change))),
      reset,
    );
    form.replaceChildren(make('div', {className: 'controls'}, ...parts), filters);
    form.querySelectorAll('select, input').forEach((one, n) => {
      one.dataset.name = `${one.closest('fieldset')?.firstChild?.textContent || ''}/${one.closest('label').textContent.slice(0, 20)}/${one.type}`;
    });
    if (focused)
      [...form.querySelectorAll('[data-name]')].find(one => one.dataset.name === focused)?.focus({preventScroll: true});
    form.onsubmit = event => event.preventDefault();
  };
  return {draw};
})();
