'use strict';
// What the page knows: the document of columns, and the parts of single trials, from this file or from the server.
const Data = (() => {
  const live = document.body.dataset.live === 'yes',
    chunk = Number(document.body.dataset.chunk);
  const block = id => {
    const found = document.getElementById(id);
    return found ? JSON.parse(found.textContent) : null;
  };
  const kept = new Map(); // blocks that were read, and answers of the server by address with their tags

  const ask = async address => {
    const known = kept.get(address);
    const answer = await fetch(address, {headers: known ? {'If-None-Match': known.tag} : {}, cache: 'no-store'});
    if (answer.status === 304) return known.value;
    if (!answer.ok) throw new Error(`the server says ${answer.status}`);
    const value = await answer.json();
    if (address === 'now.json' || address === 'data.json') kept.set(address, {tag: answer.headers.get('ETag'), value});
    return value;
  };

  const fromBlocks = (name, keys, place) => {
    const found = {};
    for (const key of keys) {
      const id = `${name}-${Math.floor(place.get(key) / chunk)}`;
      if (!kept.has(id)) kept.set(id, block(id) || {});
      if (kept.get(id)[key]) found[key] = kept.get(id)[key];
    }
    return found;
  };

  // A field of the document, with what the page asks of it.
  const prepareField = (raw, setting, settings) => {
    const code = raw.codes ? i => raw.codes[i] : () => (raw.values.length ? 0 : -1);
    const first = new Int32Array(settings).fill(-2); // whether all trials of a setting have the same value
    let ofSettings = true;
    setting.forEach((s, i) => {
      if (first[s] === -2) first[s] = code(i);
      else if (first[s] !== code(i)) ofSettings = false;
    });
    const word = c => (c < 0 ? '–' : raw.number ? Words.number(raw.values[c]) : raw.values[c]);
    return {
      ...raw,
      code,
      ofSettings,
      word,
      varied: raw.codes !== null,
      value: i => (code(i) < 0 ? null : raw.values[code(i)]),
    };
  };

  const prepare = raw => {
    const settings = raw.setting.reduce((most, s) => Math.max(most, s + 1), 0);
    const members = Array.from({length: settings}, () => []);
    raw.setting.forEach((s, i) => members[s].push(i));
    const fields = raw.fields.map(one => prepareField(one, raw.setting, settings));
    const failures = new Map();
    raw.failures.forEach(one => failures.set(one.key, [...(failures.get(one.key) || []), one]));
    return {
      ...raw,
      fields,
      members,
      failures,
      place: new Map(raw.keys.map((key, i) => [key, i])),
      field: name => fields.find(one => one.name === name),
      measure: name => raw.measures.find(one => one.name === name),
      severalSeeds: settings < raw.keys.length,
    };
  };

  const load = async () => prepare(live ? await ask('data.json') : block('data'));
  const now = () => ask('now.json');
  const curves = async (data, keys) =>
    live ? ask(`curves.json?keys=${keys.join(',')}`) : fromBlocks('curves', keys, data.place);
  const trial = async (data, key) =>
    (live ? await ask(`trial.json?key=${key}`) : fromBlocks('trials', [key], data.place)[key]) || {
      pictures: [],
      log: '',
      latents: null,
    };
  return {live, load, now, curves, trial};
})();
