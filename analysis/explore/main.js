'use strict';
// Joins the parts: the view (kept in the address), what is drawn, what is open, and news from the server.
(() => {
  const POLL = 5000;
  const MOST_CURVES = 60;
  const at = id => document.getElementById(id);
  let data = null,
    view = null,
    found = null,
    opened = null,
    comparing = null,
    current = {},
    isChosen = Boolean(location.hash), // the view: by the reader, now or when the address was made
    turn = 0;

  const remember = () => history.replaceState(null, '', `#${encodeURIComponent(JSON.stringify(view))}`);
  const remembered = () => {
    const first = Points.defaults(data);
    try {
      const given = JSON.parse(decodeURIComponent(location.hash.slice(1)));
      const known = Object.fromEntries(
        Object.entries(given).filter(
          ([name, value]) => name in first && (typeof value === typeof first[name] || name === 'logX'),
        ),
      );
      const kept = {...first, ...known};
      return data.measure(kept.y) || !data.measures.length ? kept : {...kept, y: first.y};
    } catch {
      return first;
    }
  };

  const change = changes => {
    view = {...view, ...changes};
    const field = name => {
      const f = data.field(name);
      return !f || !f.varied || (view.mode === Points.MEANS && !f.ofSettings) ? '' : name;
    };
    view = {...view, colour: field(view.colour), symbol: field(view.symbol), facet: field(view.facet)};
    if (view.mode === Points.MEANS && data.field(view.x) && !data.field(view.x).ofSettings) view.x = data.first.x;
    if (view.mode === Points.CURVES && view.logX === null) view.logX = false;
    if ('y' in changes || 'mode' in changes) PointTable.reset((data.measure(view.y) || {}).lower !== false);
    if (isChosen && data.keys.length) remember(); // without trials the address may say what will be
    draw();
  };
  const choose = changes => {
    isChosen = true;
    change(changes);
  };

  const words = p => {
    const i = p.trials[0],
      lines = [data.names[i] || data.keys[i]];
    if (found.y) lines.push(`${found.y.title}: ${Words.withError(p.y, p.error)}`);
    if (p.seeds > 1) lines.push(`mean of ${p.seeds} seeds`);
    return lines;
  };

  const say = (counts, drawn) => {
    const what = view.mode === Points.MEANS ? 'setting' : 'trial',
      parts = [Words.count(counts, what)];
    if (Number(view.top) > 0 && found.y) parts.push(`the ${found.lower ? 'lowest' : 'highest'} by ${found.y.title}`);
    if (view.mode !== Points.CURVES && found.y && drawn.bars)
      parts.push(
        view.mode === Points.MEANS
          ? 'bars are 95 % intervals over training seeds'
          : 'bars are standard errors of the single scores',
      );
    if (found.shown.some(p => p.leftOut)) parts.push('means are those of all seeds, with or without the filters');
    if (found.missing && found.y) parts.push(`${found.missing.toLocaleString('en')} without this score`);
    if (found.noX) parts.push(`${found.noX.toLocaleString('en')} without a value on the X axis`);
    if (drawn.leftOut) parts.push(`${drawn.leftOut} panels left out: use a filter`);
    if (view.mode !== Points.CURVES && found.shown.some(p => p.error) && !drawn.bars)
      parts.push(`bars are left out above ${Chart.MOST_BARS} points`);
    if (drawn.note) parts.push(drawn.note);
    at('said').textContent = `${parts.join('; ')}.`;
    at('chart').setAttribute(
      'aria-label',
      `Chart: ${found.y ? found.y.title : ''} ${view.mode === Points.CURVES ? 'by epoch' : `across ${found.x.title}`}. The table below holds the same.`,
    );
  };

  const draw = async () => {
    const mine = ++turn;
    Controls.draw(data, view, choose);
    found = Points.points(data, view);
    if (view.mode === Points.CURVES) await drawCurves(mine);
    else say(found.shown.length, Chart.scores(at('chart'), view, found, words));
    if (mine !== turn) return;
    Chart.onPoint(at('chart'), p => open([p.trials[0]], p.trials, true));
    PointTable.draw(data, view, found, p => open([p.trials[0]], p.trials, true));
  };

  // The running trials and the best ones, as many as a reader can distinguish.
  const drawCurves = async mine => {
    const state = data.field('state'),
      isRunning = p =>
        state.word(state.code(p.trials[0])) === 'running' || data.keys[p.trials[0]] in (current.running || {});
    const ranked = [...found.scored].sort((a, b) => (a.y - b.y) * (found.lower ? 1 : -1)),
      running = found.all.filter(isRunning);
    const rest = Number(view.top) > 0 ? [] : found.all.filter(p => p.y === null && !isRunning(p));
    const chosen = [...new Set([...running, ...ranked, ...rest])]
      .slice(0, MOST_CURVES)
      .map(p => ({...p, i: p.trials[0], key: data.keys[p.trials[0]], running: isRunning(p)}));
    let curves = {},
      trouble = '';
    try {
      curves = await Data.curves(
        data,
        chosen.map(p => p.key),
      );
    } catch (error) {
      trouble = `the curves could not be loaded (${error.message})`;
    }
    if (mine !== turn) return;
    for (const [key, told] of heard) grow(curves[key], told);
    const drawn = Chart.learning(at('chart'), data, view, chosen, curves, (p, params) => [
      data.names[p.i] || p.key,
      ...(Array.isArray(params.value) ? [`epoch ${params.value[0]}: ${Words.number(params.value[1])}`] : []),
    ]);
    const more = found.all.length - chosen.length;
    say(drawn.lines, {
      ...drawn,
      note: [
        trouble,
        more > 0 ? `${more.toLocaleString('en')} more: use a filter` : '',
        running.length ? 'dashed lines still grow' : '',
      ]
        .filter(Boolean)
        .join('; '),
    });
  };

  // The driver tells the losses of running trials every few seconds; their curves reach the store each half minute.
  const heard = new Map();
  const hear = running => {
    for (const key of heard.keys()) if (!(key in running)) heard.delete(key);
    for (const [key, trial] of Object.entries(running)) {
      const before = (heard.get(key) || []).filter(one => one.epoch < trial.epoch); // it may have begun again
      heard.set(key, [...before, trial]);
    }
  };
  const grow = (curve, told) => {
    if (!curve) return;
    const last = curve.epoch[curve.epoch.length - 1];
    for (const trial of told.filter(one => one.epoch > last)) {
      curve.epoch.push(trial.epoch);
      for (const name of Object.keys(Sections.SERIES))
        if (curve[name]) curve[name].push(name === 'loss' ? trial.loss : name === 'test' ? trial.test_loss : null);
    }
  };

  const open = (chosen, seeds, focus) => {
    const other = comparing === null ? undefined : data.place.get(comparing);
    if (other !== undefined && chosen.length === 1 && chosen[0] !== other) chosen = [other, chosen[0]];
    comparing = null;
    opened = {
      keys: chosen.map(i => data.keys[i]),
      seeds: (seeds || data.members[data.setting[chosen[0]]]).map(i => data.keys[i]),
    };
    sayNow();
    show(focus !== false);
  };
  const show = focus => {
    const place = key => data.place.get(key),
      chosen = opened.keys.map(place).filter(i => i !== undefined);
    if (!chosen.length) return close();
    Details.show(
      data,
      view,
      chosen,
      opened.seeds.map(place).filter(i => i !== undefined),
      {
        open,
        close,
        compare: i => {
          comparing = data.keys[i];
          sayNow();
          at('chart').scrollIntoView({block: 'center'});
          at('chart').focus({preventScroll: true});
        },
      },
      focus,
    );
  };
  const close = () => {
    opened = comparing = null;
    Details.close();
    sayNow();
  };

  const sayNow = () => News.say(current, comparing === null ? '' : data.names[data.place.get(comparing)] || comparing);
  const openOne = chosen => open(chosen, null, true);

  // What the details are made of: they are drawn again only where that has changed.
  const sign = () => {
    if (!opened) return '';
    const places = opened.keys.map(key => data.place.get(key)).filter(i => i !== undefined);
    return JSON.stringify([
      places.map(i => [data.field('state').value(i), data.measures.map(m => m.values[i])]),
      opened.keys.map(key => (current.running || {})[key]?.epoch),
    ]);
  };

  const use = fresh => {
    const before = data ? sign() : '',
      isFirst = !data || !data.keys.length;
    data = fresh;
    if (isFirst || !isChosen) view = remembered(); // the first scores of a sweep make another view the best one
    if (!data.measure(view.y)) view.y = data.first.y;
    News.state(data, openOne);
    News.running(data, current, openOne);
    change({});
    if (opened && sign() !== before) show(false);
  };

  const follow = async () => {
    const before = JSON.stringify(current.running || {});
    try {
      if (!document.hidden) {
        current = await Data.now();
        hear(current.running || {});
        if (current.document !== data.hash) use(await Data.load());
        else if (JSON.stringify(current.running) !== before) {
          News.running(data, current, openOne);
          if (view.mode === Points.CURVES) draw();
        }
      }
    } catch (error) {
      current = {
        ...current,
        trouble: `The server does not answer (${error.message}). Start aesweep explore --serve again.`,
      };
    }
    sayNow();
    setTimeout(follow, POLL);
  };

  const start = async () => {
    try {
      use(await Data.load());
    } catch (error) {
      at('said').textContent = `The data could not be loaded (${error.message}).`;
      return;
    }
    at('save').addEventListener('click', () => Chart.save('aesweep.png'));
    let waiting = null;
    addEventListener('resize', () => {
      clearTimeout(waiting);
      waiting = setTimeout(draw, 150);
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    addEventListener('keydown', event => {
      if (event.key === 'Escape' && opened) close();
    });
    sayNow();
    if (Data.live) follow();
    document.body.dataset.ready = 'yes';
  };
  start();
})();
