'use strict';
// Making elements, and writing numbers. Whatever comes from a store becomes text, never markup.
const Words = (() => {
  const make = (name, properties, ...inside) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties || {})) {
      if (key in made) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...inside.filter(one => one !== null && one !== undefined));
    return made;
  };
  const number = value => {
    if (value === null || value === undefined) return '–';
    const size = Math.abs(value);
    if (value === 0 || (Number.isInteger(value) && size < 1e6)) return String(value);
    return size >= 1e6 || size < 1e-3 ? value.toExponential(2) : Number(value.toPrecision(4)).toString();
  };
  const withError = (value, error) =>
    error ? `${number(value)} ± ${number(Number(error.toPrecision(2)))}` : number(value);
  const count = (n, what) => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;
  const seconds = s =>
    s === null
      ? ''
      : s >= 3600
        ? `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`
        : s >= 100
          ? `${Math.round(s / 60)} min`
          : `${Math.round(s)} s`;
  return {make, number, withError, count, seconds};
})();
