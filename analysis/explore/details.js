'use strict';
// What is known of one trial, or of two side by side: opened by a click on a point or a row.
const Details = (() => {
  const {make} = Words;
  const box = () => document.getElementById('details');

  // `seeds`: the trials of the point that was clicked. `actions`: open(chosen), compare(i), close().
  const show = async (data, view, chosen, seeds, actions, focus) => {
    const into = box();
    const title = make(
      'h2',
      {id: 'details-title', tabIndex: -1},
      chosen.length > 1 ? 'Two trials' : Sections.names(data, chosen)[0],
    );
    const keys = chosen.map(i => data.keys[i]),
      still = () => into.dataset.keys === keys.join();
    const button = (text, act) => {
      const made = make('button', {type: 'button', textContent: text});
      made.addEventListener('click', act);
      return made;
    };
    const seed = data.field('seed');
    const tools = make(
      'p',
      {className: 'tools'},
      ...(chosen.length === 1
        ? [button('Compare with another…', () => actions.compare(chosen[0]))]
        : chosen.map((i, n) => button(`Only ${n + 1}`, () => actions.open([i])))),
      button('Close', actions.close),
      ...(chosen.length === 1 && seeds.length > 1
        ? [
            make('span', {className: 'quiet'}, 'Seeds:'),
            ...seeds.map(i => {
              const made = button(seed ? seed.word(seed.code(i)) : data.keys[i], () => actions.open([i], seeds));
              if (i === chosen[0]) made.setAttribute('aria-current', 'true');
              return made;
            }),
          ]
        : []),
    );
    const state = data.field('state');
    const about = make(
      'p',
      {className: 'quiet'},
      chosen.length > 1
        ? make(
            'span',
            {},
            chosen.map((i, n) => `${n + 1}: ${Sections.names(data, [i])[0]} (${state.word(state.code(i))})`).join('; '),
          )
        : `${data.keys[chosen[0]]}, ${state.word(state.code(chosen[0]))}`,
    );
    into.dataset.keys = keys.join();
    into.hidden = false;
    const waiting = make('p', {className: 'quiet'}, 'Loading…');
    into.replaceChildren(title, about, tools, waiting);
    if (focus) {
      into.scrollIntoView({block: 'start'});
      title.focus({preventScroll: true});
    }
    let parts,
      curves,
      trouble = '';
    try {
      [curves, ...parts] = await Promise.all([Data.curves(data, keys), ...keys.map(key => Data.trial(data, key))]);
    } catch (error) {
      parts = keys.map(() => ({pictures: [], log: ''}));
      curves = {};
      trouble = `Pictures, losses and logs could not be loaded (${error.message}).`;
    }
    if (!still()) return;
    const charts = [Sections.losses(data, chosen, curves), Sections.latents(data, chosen, parts)].filter(Boolean);
    waiting.replaceWith(
      ...[
        trouble ? make('p', {className: 'notice'}, trouble) : null,
        Sections.failures(data, chosen),
        make(
          'div',
          {className: 'columns'},
          ...[
            Sections.pictures(data, chosen, parts),
            ...charts.map(one => one.element),
            Sections.scores(data, chosen),
            Sections.configuration(data, chosen),
            chosen.length === 1 ? Sections.neighbours(data, chosen[0], view, actions.open) : null,
          ].filter(Boolean),
        ),
        Sections.commands(data, chosen),
        Sections.logs(data, chosen, parts),
      ].filter(Boolean),
    );
    charts.forEach(one => one.draw());
  };

  const close = () => {
    const into = box();
    into.hidden = true;
    into.replaceChildren();
    delete into.dataset.keys;
  };
  return {show, close};
})();
