'use strict';
// From the data and a view (what was chosen) to the points that chart and table show.
const Points = (() => {
  const MEANS = 'means',
    TRIALS = 'trials',
    CURVES = 'curves';

  const defaults = data => ({
    mode: data.first.y ? (data.severalSeeds ? MEANS : TRIALS) : CURVES,
    y: data.first.y,
    x: data.first.x || 'train_seconds',
    colour: data.first.colour,
    symbol: '',
    facet: data.first.facet,
    logX: null,
    logY: false,
    top: '',
    series: 'loss',
    filters: data.field('data').values.length > 1 ? {data: [data.first.data]} : {},
  });

  // Whether a trial fits the filters: a list of words, or {from, to} for numbers.
  const test = (data, filters) => {
    const tests = Object.entries(filters)
      .map(([name, wanted]) => [data.field(name), wanted])
      .filter(([field]) => field)
      .map(([field, wanted]) => {
        if (Array.isArray(wanted)) {
          const words = new Set(wanted);
          return i => words.has(field.word(field.code(i)));
        }
        return i => {
          const v = field.value(i);
          return v !== null && (wanted.from === null || v >= wanted.from) && (wanted.to === null || v <= wanted.to);
        };
      });
    return i => tests.every(fits => fits(i));
  };

  // Where a view puts the x of a trial: a field's number or place, or another measure.
  const across = (data, view) => {
    const field = data.field(view.x);
    if (field)
      return {
        field,
        title: field.title,
        words: field.number ? null : field.values,
        of: i => (field.number ? field.value(i) : field.code(i) < 0 ? null : field.code(i)),
      };
    const measure = data.measure(view.x);
    if (!measure) return {field: null, title: '', words: null, of: () => null};
    return {
      field: null,
      title: measure.title,
      words: null,
      of: (i, s) => (view.mode === MEANS ? measure.means[s] : measure.values[i]),
    };
  };

  // Two points are on one line if they differ in x alone, and in the fields that always change with it.
  const lineOf = (data, view, x) => {
    const others = data.fields.filter(
      f => f.config && f.varied && (!x.field || f.axis !== x.field.axis) && (view.mode !== MEANS || f.ofSettings),
    );
    return i => others.map(f => f.code(i)).join(' ');
  };

  const points = (data, view) => {
    const y = data.measure(view.y),
      x = across(data, view),
      fits = test(data, view.filters),
      line = lineOf(data, view, x);
    const named = name => {
      const field = data.field(name);
      return field && field.varied && (view.mode !== MEANS || field.ofSettings) ? field : null;
    };
    const [colour, symbol, facet] = [named(view.colour), named(view.symbol), named(view.facet)];
    const one = (i, s, trials) => {
      const means = view.mode === MEANS;
      return {
        trials,
        x: x.of(i, s),
        y: y ? (means ? y.means[s] : y.values[i]) : null,
        error: y ? (means ? y.halves && y.halves[s] : y.errors && y.errors[i]) || null : null,
        seeds: means && y ? y.seeds[s] : 1,
        line: line(i),
        colour: colour ? colour.code(i) : 0,
        symbol: symbol ? symbol.code(i) : 0,
        facet: facet ? facet.code(i) : 0,
        leftOut: means ? data.members[s].length - trials.length : 0,
      };
    };
    const all = [];
    if (view.mode === MEANS)
      data.members.forEach((members, s) => {
        const kept = members.filter(fits);
        if (kept.length) all.push(one(kept[0], s, kept));
      });
    else
      data.keys.forEach((_, i) => {
        if (fits(i)) all.push(one(i, data.setting[i], [i]));
      });
    const scored = all.filter(p => p.y !== null),
      lower = !y || y.lower !== false;
    const k = Number(view.top),
      missing = all.length - scored.length;
    if (k > 0 && y) scored.sort((a, b) => (lower ? a.y - b.y : b.y - a.y)).splice(k);
    const shown = scored.filter(p => p.x !== null);
    return {shown, scored, y, x, colour, symbol, facet, missing, noX: scored.length - shown.length, lower, all};
  };

  return {MEANS, TRIALS, CURVES, defaults, points};
})();
