'use strict';
// Shown above the chart: the state of the sweep, what runs now, and what failed and why.
const News = (() => {
  const MOST_LISTED = 5;
  const MOST_UNFOLDED = 200;
  const {make} = Words;
  const at = id => document.getElementById(id);

  const list = (data, id, items, open) => {
    at(id).hidden = !items.length;
    const [first, rest] = at(id).querySelectorAll('ul');
    const more = at(id).querySelector('details');
    const item = ({key, words}) => {
      const name = data.names[data.place.get(key)] || key;
      const button = make('button', {
        type: 'button',
        className: 'link',
        textContent: name,
        disabled: !data.place.has(key),
      });
      button.addEventListener('click', () => open([data.place.get(key)]));
      return make('li', {}, button, ` ${words}`);
    };
    first.replaceChildren(...items.slice(0, MOST_LISTED).map(item));
    rest.replaceChildren(...items.slice(MOST_LISTED, MOST_UNFOLDED).map(item));
    more.hidden = items.length <= MOST_LISTED;
    more.firstElementChild.textContent = `${(items.length - MOST_LISTED).toLocaleString('en')} more`;
  };

  const progress = trial =>
    [
      `epoch ${trial.epoch} of ${trial.epochs}`,
      trial.loss === null ? '' : `loss ${Words.number(trial.loss)}`,
      trial.test_loss === null ? '' : `test ${Words.number(trial.test_loss)}`,
      trial.silent_seconds ? `no sign of life for ${Words.seconds(trial.silent_seconds)}` : '',
    ]
      .filter(Boolean)
      .join(', ');

  const running = (data, now, open) => {
    const trials = Object.entries(now.running || {}).map(([key, trial]) => ({key, words: progress(trial)}));
    list(data, 'running', trials, open);
    const left = now.left === null || now.left === undefined ? '' : `about ${Words.seconds(now.left)} left`;
    at('left').textContent = left;
  };

  const failed = (data, open) => {
    const state = data.field('state');
    const why = key => {
      const [last] = data.failures.get(key) || [];
      return last ? `${last.type}: ${last.message.split('\n')[0]}` : '(aesweep status says why)';
    };
    const keys = data.keys.filter((_, i) => state.word(state.code(i)) === 'failed');
    list(
      data,
      'failed',
      keys.map(key => ({key, words: why(key)})),
      open,
    );
  };

  const state = (data, open) => {
    const field = data.field('state');
    const counts = new Map();
    data.keys.forEach((_, i) =>
      counts.set(field.word(field.code(i)), (counts.get(field.word(field.code(i))) || 0) + 1),
    );
    const name = data.sweeps.join(', ');
    document.title = `${name || 'explore'} – aesweep`;
    at('title').textContent = name || 'aesweep explore';
    const parts = [data.store, ...[...counts].map(([word, n]) => `${n.toLocaleString('en')} ${word}`)];
    if (!Data.live) parts.push(`as of ${data.written.slice(0, 16).replace('T', ' ')} UTC`);
    const report = data.report ? [' · ', make('a', {href: data.report}, 'Report')] : [];
    at('about').replaceChildren(parts.join(' · '), ...report);
    failed(data, open);
  };

  // The line that screen readers read out when it changes; `wanted` is the name of a trial that waits for a second one.
  const say = (now, wanted) => {
    const drivers = now.drivers || [];
    const work = drivers.length ? `A driver is at work: ${drivers.join(', ')}.` : 'No driver is at work.';
    let words = Data.live ? now.trouble || `${work} This page follows the store.` : '';
    if (wanted) words = `Choose the trial to compare with ${wanted}: click on its point, or on its row of the table.`;
    at('now').classList.toggle('asks', Boolean(wanted) || Boolean(now.trouble));
    if (at('now').textContent !== words) at('now').textContent = words;
  };

  return {state, running, say};
})();
