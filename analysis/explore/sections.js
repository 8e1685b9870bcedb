'use strict';
// The parts of what is shown of one trial, or of two side by side; null for a part that has nothing to show.
const Sections = (() => {
  const SERIES = {
    loss: 'Training loss',
    test: 'Cross-entropy of a test sample',
    reconstruction: 'Reconstruction loss',
    kl: 'KL divergence',
  };
  const {make} = Words;

  // A table that can be scrolled sideways.
  const table = (heads, lines) =>
    make(
      'div',
      {className: 'scroll'},
      make('table', {}, make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...lines)),
    );
  const columnHead = (text, isNumber) => make('th', {scope: 'col', className: isNumber ? 'number' : ''}, text);

  const rows = (heads, lines, compares) =>
    table(
      heads.map((text, i) => columnHead(text, i > 0)),
      lines.map(([head, ...cells]) =>
        make(
          'tr',
          {className: compares && new Set(cells).size > 1 ? 'differs' : ''},
          make('th', {scope: 'row'}, head),
          ...cells.map(text => make('td', {className: 'number'}, text)),
        ),
      ),
    );

  const names = (data, chosen) => chosen.map(i => data.names[i] || data.keys[i]);

  const scores = (data, chosen) => {
    const lines = data.measures
      .filter(m => chosen.some(i => m.values[i] !== null))
      .map(m => {
        const cells = chosen.flatMap(i => [Words.withError(m.values[i], m.errors && m.errors[i])]);
        const s = data.setting[chosen[0]],
          over =
            chosen.length === 1 && m.seeds[s] > 1
              ? [`${Words.withError(m.means[s], m.halves && m.halves[s])} (${m.seeds[s]} seeds)`]
              : chosen.length === 1 && data.severalSeeds
                ? ['–']
                : [];
        return [m.title, ...cells, ...over];
      });
    if (!lines.length) return null;
    const heads = [
      'Score',
      ...(chosen.length > 1 ? ['1', '2'] : ['This trial ± standard error']),
      ...(chosen.length === 1 && data.severalSeeds ? ['Mean over seeds ± half of a 95 % interval'] : []),
    ];
    return section('Scores', rows(heads, lines), unscored(data, chosen));
  };

  const unscored = (data, chosen) => {
    const found = data.unscored.filter(one => chosen.some(i => data.keys[i] === one.key));
    return found.length
      ? make('ul', {}, ...found.map(one => make('li', {}, `No ${one.score}: ${one.note || 'no reason is recorded'}`)))
      : null;
  };

  const section = (title, ...inside) =>
    inside.some(Boolean) ? make('section', {}, make('h3', {}, title), ...inside) : null;

  const configuration = (data, chosen) => {
    const fields = data.fields.filter(f => chosen.some(i => f.code(i) >= 0));
    const line = f => [f.title, ...chosen.map(i => f.word(f.code(i)))],
      varied = fields.filter(f => f.varied),
      fixed = fields.filter(f => !f.varied);
    const heads = ['Field', ...(chosen.length > 1 ? ['1', '2'] : ['Value'])];
    return section(
      'Configuration',
      varied.length ? rows(heads, varied.map(line), chosen.length > 1) : null,
      fixed.length
        ? make(
            'details',
            {},
            make('summary', {}, `${fixed.length} fields that all trials share`),
            rows(
              ['Field', 'Value'],
              fixed.map(f => [f.title, f.word(f.code(chosen[0]))]),
            ),
          )
        : null,
    );
  };

  // Settings that differ from this one in a single field, or in fields that always change together. A field that has no
  // effect on one of the two, such as beta on a DAE, makes no difference.
  const neighbours = (data, i, view, open) => {
    const fields = data.fields.filter(f => f.config && f.varied && f.ofSettings && f.name !== 'seed'),
      measure = data.measure(view.y),
      own = data.setting[i],
      found = [];
    data.members.forEach((members, s) => {
      if (s === own) return;
      const other = members[0],
        differing = fields.filter(f => f.code(i) !== f.code(other)),
        counted = differing.filter(f => f.code(i) >= 0 && f.code(other) >= 0);
      if (!counted.length || counted.some(f => f.name === 'data' || f.axis !== counted[0].axis)) return;
      found.push({field: counted[0], differing, other, s});
    });
    if (!found.length) return null;
    found.sort(
      (a, b) =>
        data.fields.indexOf(a.field) - data.fields.indexOf(b.field) || a.field.code(a.other) - b.field.code(b.other),
    );
    const score = s => (measure ? Words.withError(measure.means[s], measure.halves && measure.halves[s]) : '–');
    const values = (differing, trial, title = () => '') =>
      differing
        .filter(f => f.code(trial) >= 0)
        .map(f => title(f) + f.word(f.code(trial)))
        .join('; ');
    const body = found.slice(0, 24).map(({differing, other, s}) => {
      const button = make('button', {
        type: 'button',
        className: 'link',
        textContent: values(differing, other, f => `${f.title} `),
      });
      button.addEventListener('click', () => open([i, other]));
      return make(
        'tr',
        {},
        make('td', {}, button),
        make('td', {}, `instead of ${values(differing, i)}`),
        make('td', {className: 'number'}, score(s)),
      );
    });
    return section(
      'Neighbours, which differ in one field',
      table(
        [
          columnHead('Compare with'),
          columnHead('Here'),
          columnHead(`${measure ? measure.title : 'Score'} (here ${score(own)})`, true),
        ],
        body,
      ),
      found.length > 24 ? make('p', {className: 'quiet'}, `${found.length - 24} more differ in one field.`) : null,
    );
  };

  const failures = (data, chosen) =>
    section(
      'Failures',
      ...chosen.flatMap(i =>
        (data.failures.get(data.keys[i]) || []).map(one =>
          make(
            'details',
            {open: true},
            make('summary', {}, `${one.type}: ${one.message.split('\n')[0]}`),
            make('p', {className: 'quiet'}, `${one.stage} on ${one.node}, ${one.time}`),
            make('pre', {tabIndex: 0}, one.traceback || one.message),
          ),
        ),
      ),
    );

  const commands = (data, chosen) => {
    const state = data.field('state');
    const of = i => (data.commands[state.word(state.code(i))] || []).map(text => text.replace('{key}', data.keys[i]));
    const known = chosen.filter(i => /^[0-9a-f]{12}$/.test(data.keys[i])).flatMap(of);
    const line = command => {
      const copy = make('button', {type: 'button', textContent: 'Copy'});
      copy.addEventListener('click', async () => {
        await navigator.clipboard.writeText(command);
        copy.textContent = 'Copied';
      });
      return make('p', {className: 'command'}, make('code', {}, command), navigator.clipboard ? copy : null);
    };
    return section('Continue with', ...[...new Set(known)].map(line));
  };

  const APART = 'The picture was not found. Keep this page in the store, or use aesweep explore --serve.';
  const absent = words => make('p', {className: 'absent'}, words);
  const picture = (source, alt, otherwise) => {
    const image = make('img', {src: source, alt, loading: 'lazy', decoding: 'async'});
    if (source.startsWith('data:')) return image;
    const link = make('a', {href: source, target: '_blank', rel: 'noopener'}, image);
    image.addEventListener('error', () => link.replaceWith(absent(otherwise)));
    return link;
  };
  const figure = (title, cells) =>
    make('figure', {}, make('figcaption', {}, title), make('div', {className: 'pair'}, ...cells));

  // Only a server has the models. Latents of one size are the same draws for both.
  const decoded = (data, chosen) => {
    const size = data.field('latent_size');
    if (!Data.live || chosen.length < 2 || size.value(chosen[0]) !== size.value(chosen[1])) return null;
    const button = make('button', {type: 'button', textContent: 'Decode the same latents with both'});
    button.addEventListener('click', () => {
      const cells = chosen.map(i =>
        picture(
          `decoded.png?key=${encodeURIComponent(data.keys[i])}`,
          `Decoded: ${data.names[i]}`,
          'no trained model',
        ),
      );
      button.parentElement.replaceWith(figure('The same 64 draws of N(0, I), decoded by both', cells));
    });
    return make('p', {}, button);
  };

  const pictures = (data, chosen, parts) => {
    const titles = [...new Set(parts.flatMap(part => part.pictures.map(one => one.title)))];
    const cell = (title, i, n) => {
      const found = parts[n].pictures.find(one => one.title === title);
      return found ? picture(found.source, `${title}: ${data.names[i]}`, APART) : absent('no picture');
    };
    const figures = titles.map(title =>
      figure(
        title,
        chosen.map((i, n) => cell(title, i, n)),
      ),
    );
    const className = chosen.length > 1 ? 'pictures two' : 'pictures';
    const shown = [...figures, decoded(data, chosen)].filter(Boolean);
    return shown.length ? section('Pictures', make('div', {className}, ...shown)) : null;
  };

  const losses = (data, chosen, curves) => {
    const lines = chosen.flatMap(i =>
      Object.entries(SERIES)
        .filter(
          ([name]) => (curves[data.keys[i]] || {})[name] && (chosen.length === 1 || ['loss', 'test'].includes(name)),
        )
        .map(([name, title]) => ({
          name: chosen.length > 1 ? `${title} (${chosen.indexOf(i) + 1})` : title,
          data: curves[data.keys[i]].epoch
            .map((e, j) => [e, curves[data.keys[i]][name][j]])
            .filter(([, v]) => v !== null),
        })),
    );
    if (!lines.length) return null;
    const canvas = make('div', {
      className: 'losses',
      role: 'img',
      'aria-label': `Losses by epoch; the last: ${lines.map(l => `${l.name} ${Words.number(l.data[l.data.length - 1][1])}`).join(', ')}`,
    });
    return {
      element: section(chosen.length > 1 ? 'Losses: 1 and 2' : 'Losses', canvas),
      draw: () => Chart.losses(canvas, lines),
    };
  };

  const latents = (data, chosen, parts) => {
    const clouds = parts.flatMap(({latents: one}, n) => (one ? [{...one, trial: n + 1}] : []));
    if (!clouds.length) return null;
    const count = clouds.reduce((sum, one) => sum + one.train.length + one.test.length, 0);
    const about = 'A point is one image. The trial\u2019s seed chose the two units.';
    const canvas = make('div', {className: 'latents', role: 'img', 'aria-label': `${count} images in two latent units`});
    return {
      element: section('Two latent units', canvas, make('p', {className: 'quiet'}, about)),
      draw: () => Chart.latents(canvas, clouds),
    };
  };

  const logs = (data, chosen, parts) =>
    section(
      'End of the log',
      ...chosen
        .map((i, n) =>
          parts[n].log
            ? make(
                'details',
                {open: data.failures.has(data.keys[i])},
                make('summary', {}, names(data, [i])[0]),
                make('pre', {tabIndex: 0}, parts[n].log),
              )
            : null,
        )
        .filter(Boolean),
    );

  return {SERIES, names, pictures, losses, latents, scores, configuration, neighbours, failures, commands, logs};
})();
