'use strict';
// How charts look: colours that follow the reader's scheme, panels side by side, axes.
const Look = (() => {
  const PALETTE = [
    '#3b6fd4',
    '#d1662b',
    '#2f9455',
    '#b43f8f',
    '#8a6d1c',
    '#1f93a8',
    '#c23b3b',
    '#7257c9',
    '#6b8e23',
    '#707880',
  ];
  const RAMP = {light: ['#8fb8f0', '#1d3f8f'], dark: ['#2f62c9', '#d5e4ff']};
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const isDark = () => matchMedia('(prefers-color-scheme: dark)').matches;

  const mix = (a, b, share) =>
    '#' +
    [1, 3, 5]
      .map(i =>
        Math.round(parseInt(a.slice(i, i + 2), 16) * (1 - share) + parseInt(b.slice(i, i + 2), 16) * share)
          .toString(16)
          .padStart(2, '0'),
      )
      .join('');
  // Numbers become shades of one colour, words distinct colours.
  const colourOf = (field, code) => {
    if (!field) return PALETTE[0];
    if (code < 0) return css('--quiet');
    if (!field.number) return PALETTE[code % PALETTE.length];
    const [from, to] = RAMP[isDark() ? 'dark' : 'light'];
    return mix(from, to, field.values.length < 2 ? 1 : code / (field.values.length - 1));
  };

  // Panels side by side: as many columns as fit.
  const columnsFor = (count, width) =>
    Math.max(1, Math.min(count, Math.floor(width / 300), Math.ceil(Math.sqrt(count))));
  const heightFor = (count, width) =>
    Math.max(440, Math.ceil(count / columnsFor(count, width)) * (count > 1 ? 290 : 400) + 60);
  const LEGEND = 30,
    TITLE = 24,
    NAME = 24,
    BOTTOM = 48; // above each panel its title and the name of its axis
  const layout = (count, width, height, titled) => {
    const columns = columnsFor(count, width),
      rows = Math.ceil(count / columns),
      left = 58,
      gap = 54,
      head = (titled ? TITLE : 0) + NAME;
    const w = (width - left - 18 - gap * (columns - 1)) / columns,
      h = (height - LEGEND) / rows - head - BOTTOM;
    return Array.from({length: count}, (_, i) => ({
      left: left + (i % columns) * (w + gap),
      top: LEGEND + head + Math.floor(i / columns) * (h + head + BOTTOM),
      width: w,
      height: h,
      edge: i % columns === 0,
    }));
  };

  const powersOfTwo = values => values.length > 1 && values.every(v => v > 0 && Number.isInteger(Math.log2(v)));

  const axes = (panels, x, y) => {
    const line = {lineStyle: {color: css('--line')}},
      label = {color: css('--quiet'), hideOverlap: true};
    const value = axis => (axis.log ? {type: 'log', logBase: axis.base || 10} : {type: 'value', scale: true});
    const ticks = axis =>
      axis.ticks
        ? {axisTick: {...line, customValues: axis.ticks}, axisLabel: {...common.axisLabel, customValues: axis.ticks}}
        : {};
    const common = {
      axisLine: line,
      axisTick: line,
      axisLabel: {...label, formatter: v => (typeof v === 'number' ? Words.number(v) : v)},
      splitLine: {lineStyle: {color: css('--line'), opacity: 0.6}},
      nameTextStyle: {color: css('--text')},
    };
    return {
      xAxis: panels.map((_, i) => ({
        gridIndex: i,
        name: x.title,
        nameLocation: 'middle',
        nameGap: 26,
        ...common,
        ...(x.words ? {type: 'category', data: x.words, splitLine: {show: false}} : value(x)),
        ...ticks(x),
        minInterval: x.step,
        min: x.min,
        max: x.max,
        interval: x.interval,
      })),
      yAxis: panels.map((panel, i) => ({
        gridIndex: i,
        name: panel.edge ? y.title : '',
        nameLocation: 'end',
        nameGap: 10,
        ...common,
        nameTextStyle: {color: css('--text'), align: 'left', padding: [0, 0, 0, -48]},
        ...value(y),
        ...ticks(y),
        min: y.min,
        max: y.max,
        interval: y.interval,
      })),
    };
  };

  const span = values => {
    let low = Infinity,
      high = -Infinity;
    for (const v of values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
    return [low, high];
  };

  // The same round limits for all panels, which also leave room for points at the edge.
  const round = ([low, high]) => {
    if (!Number.isFinite(low)) return {};
    const size = high - low || Math.abs(high) || 1,
      power = 10 ** Math.floor(Math.log10(size / 5));
    const interval = power * [1, 2, 5, 10].find(step => size / 5 <= step * power);
    return {min: Math.floor(low / interval) * interval, max: Math.ceil(high / interval) * interval, interval};
  };

  // Limits and ticks of a logarithmic axis. Left to ECharts it would begin and end at powers of the base.
  const roundLog = ([lowest, highest], base) => {
    if (!(lowest > 0) || !Number.isFinite(highest)) return {}; // no values, or an epoch of 0
    const [low, high] = lowest < highest ? [lowest, highest] : [lowest / base, highest * base]; // one value is in the middle
    const steps = base === 2 ? [1] : [1, 2, 5],
      first = Math.floor(Math.log(low) / Math.log(base)),
      last = Math.ceil(Math.log(high) / Math.log(base));
    const every = Array.from({length: last - first + 1}, (_, k) => steps.map(step => step * base ** (first + k))).flat();
    const min = every.findLast(v => v <= low * 1.000001),
      max = every.find(v => v >= high / 1.000001);
    let ticks = every.filter(v => v >= min && v <= max);
    if (ticks.length > 12 && steps.length > 1) ticks = ticks.filter(v => Number.isInteger(Math.round(1e6 * Math.log10(v)) / 1e6));
    if (ticks.length > 4 || base === 2) return {min, max, ticks};
    const linear = round([low, high]); // less than a factor of ten
    const count = Math.round((linear.max - linear.min) / linear.interval);
    const even = Array.from({length: count + 1}, (_, k) => linear.min + k * linear.interval);
    return linear.min > 0 ? {min: linear.min, max: linear.max, ticks: even} : {min, max, ticks};
  };

  const isLog = (wanted, values) => {
    const [low, high] = span(values);
    return low > 0 && (wanted === null ? high / low >= 8 : wanted);
  };

  const base = (panels, titles) => ({
    animation: false,
    backgroundColor: css('--card'),
    textStyle: {color: css('--text'), fontFamily: 'system-ui, sans-serif'},
    grid: panels.map(({left, top, width, height}) => ({left, top, width, height})),
    title: titles.map((text, i) => ({
      text,
      left: panels[i].left,
      top: panels[i].top - TITLE - NAME - 4,
      textStyle: {color: css('--text'), fontSize: 13, fontWeight: 600},
    })),
    aria: {enabled: false},
    darkMode: isDark(),
  });

  const legend = names => ({
    type: 'scroll',
    top: 4,
    left: 8,
    right: 8,
    data: names.map(name => ({name, icon: 'roundRect'})),
    textStyle: {color: css('--text')},
    pageTextStyle: {color: css('--text')},
    pageIconColor: css('--accent'),
    pageIconInactiveColor: css('--line'),
    tooltip: {show: false},
    itemWidth: 14,
    itemHeight: 8,
  });

  const tooltip = words => ({
    trigger: 'item',
    confine: true,
    backgroundColor: css('--card'),
    borderColor: css('--line'),
    textStyle: {color: css('--text'), fontSize: 13},
    formatter: params => {
      const lines = words(params);
      return lines ? Words.make('div', {className: 'tip'}, ...lines.map(line => Words.make('div', {}, line))) : '';
    },
  });
  return {PALETTE, colourOf, heightFor, layout, powersOfTwo, axes, span, round, roundLog, isLog, base, legend, tooltip};
})();
