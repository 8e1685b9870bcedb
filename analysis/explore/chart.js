'use strict';
// The chart: points with error bars and lines, in panels, or learning curves. Drawn by ECharts.
const Chart = (() => {
  const MOST_PANELS = 12,
    MOST_GROUPS = 40,
    MOST_BARS = 4000,
    LARGE = 1500,
    SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'emptyCircle', 'arrow'];
  const {colourOf, heightFor, layout, axes, span, isLog, legend, tooltip} = Look;
  let chart = null,
    drawn = null;
  const beside = new Map(); // the small charts of what is open

  const groupName = (found, code, symbol) =>
    [
      found.colour && `${found.colour.title} ${found.colour.word(code)}`,
      found.symbol && `${found.symbol.title} ${found.symbol.word(symbol)}`,
    ]
      .filter(Boolean)
      .join(', ') || 'all';

  const scoreSeries = (found, facets, bars, logY) => {
    const place = new Map(facets.map((code, i) => [code, i])),
      groups = new Map();
    for (const p of found.shown) {
      if (!place.has(p.facet)) continue;
      const id = `${p.facet} ${p.colour} ${p.symbol}`;
      if (!groups.has(id)) groups.set(id, []);
      groups.get(id).push(p);
    }
    const ordered = [...groups.values()].sort((a, b) => a[0].colour - b[0].colour || a[0].symbol - b[0].symbol);
    return ordered.flatMap(group => {
      const first = group[0],
        color = colourOf(found.colour, first.colour),
        name = groupName(found, first.colour, first.symbol);
      const at = {
        name,
        xAxisIndex: place.get(first.facet),
        yAxisIndex: place.get(first.facet),
        color,
        itemStyle: {color},
        emphasis: {disabled: true},
        animation: false,
      };
      group.sort((a, b) => (a.line < b.line ? -1 : a.line > b.line ? 1 : a.x - b.x));
      const strokes = []; // a line through the points and their error bars: one series, since each costs half a millisecond
      if (found.x.field && found.shown.length <= MOST_BARS)
        group.forEach((p, i) => {
          if (i && p.line !== group[i - 1].line) strokes.push([p.x, null]);
          strokes.push([p.x, p.y]);
        });
      const lowEnd = p => (logY ? Math.max(p.y - p.error, p.y * 1e-9) : p.y - p.error); // else a bar to 0 would have no place
      if (bars)
        for (const p of group.filter(p => p.error))
          strokes.push([p.x, null], [p.x, lowEnd(p)], [p.x, p.y + p.error]);
      const series = [];
      if (strokes.length)
        series.push({
          ...at,
          type: 'line',
          data: strokes,
          showSymbol: false,
          silent: true,
          lineStyle: {color, width: 1.6, opacity: found.shown.length > 400 ? 0.45 : 0.7, cap: 'butt'},
          z: 1,
          tooltip: {show: false},
        });
      series.push({
        ...at,
        type: 'scatter',
        data: group.map(p => [p.x, p.y]),
        points: group,
        symbol: SYMBOLS[Math.max(0, first.symbol) % SYMBOLS.length],
        symbolSize: found.shown.length > 2000 ? 5 : 9,
        large: found.shown.length > LARGE,
        largeThreshold: 100,
        z: 2,
        cursor: 'pointer',
      });
      return series;
    });
  };

  const put = (box, option, height) => {
    box.style.height = `${height}px`;
    if (!chart) chart = echarts.init(box, null, {renderer: 'canvas'});
    if (chart.getWidth() !== box.clientWidth || chart.getHeight() !== box.clientHeight) {
      chart.clear(); // else it would draw what it showed before once more, at the new size
      chart.resize();
    }
    chart.setOption(option, {notMerge: true});
  };

  const facetsOf = found => (found.facet ? [...new Set(found.shown.map(p => p.facet))].sort((a, b) => a - b) : [0]);

  const scores = (box, view, found, describe) => {
    const every = facetsOf(found),
      facets = every.slice(0, MOST_PANELS),
      width = box.clientWidth,
      height = heightFor(facets.length, width);
    const panels = layout(facets.length || 1, width, height, Boolean(found.facet)),
      withBars = found.shown.length <= MOST_BARS && found.shown.some(p => p.error);
    const logX =
        !found.x.words &&
        isLog(
          view.logX,
          found.shown.map(p => p.x),
        ),
      logY =
        view.logY &&
        isLog(
          true,
          found.shown.map(p => p.y),
        );
    // On a logarithmic axis a bar that comes near 0 goes to the end of the axis.
    const lowEnd = p => (logY && p.y - p.error < p.y / 10 ? p.y : p.y - p.error);
    const reach = span(found.shown.flatMap(p => (withBars && p.error ? [lowEnd(p), p.y + p.error] : [p.y])));
    const yAxis = {
      title: found.y ? found.y.title : '',
      log: logY,
      ...(logY ? Look.roundLog(reach, 10) : Look.round(reach)),
    };
    const series = scoreSeries(found, facets, withBars, logY);
    const names = [...new Set(series.map(one => one.name))];
    const titles = found.facet ? facets.map(code => `${found.facet.title} ${found.facet.word(code)}`) : [];
    const base = found.x.field && Look.powersOfTwo(found.x.field.values) ? 2 : 10;
    const xAxis = {
      title: found.x.title,
      words: found.x.words,
      log: logX,
      base,
      ...(logX ? Look.roundLog(span(found.shown.map(p => p.x)), base) : {min: null, max: null}),
    };
    drawn = params => (params.seriesType === 'scatter' ? series[params.seriesIndex].points[params.dataIndex] : null);
    put(
      box,
      {
        ...Look.base(panels, titles),
        ...axes(panels, xAxis, yAxis),
        series,
        tooltip: tooltip(params => {
          const p = drawn(params);
          return p && describe(p);
        }),
        legend: names.length > 1 && names.length <= MOST_GROUPS ? legend(names) : {show: false},
      },
      height,
    );
    return {leftOut: every.length - facets.length, bars: withBars};
  };

  const learning = (box, data, view, found, curves, describe) => {
    const shown = found.filter(p => curves[p.key] && curves[p.key][view.series]);
    const colour = data.field(view.colour),
      facet = data.field(view.facet),
      codes = facet && facet.varied ? [...new Set(shown.map(p => facet.code(p.i)))].sort((a, b) => a - b) : [0];
    const facets = codes.slice(0, MOST_PANELS),
      place = new Map(facets.map((code, i) => [code, i])),
      width = box.clientWidth,
      height = heightFor(facets.length, width),
      panels = layout(facets.length || 1, width, height, Boolean(facet && facet.varied));
    const values = shown.flatMap(p => curves[p.key][view.series].filter(v => v !== null)),
      logY = view.logY && isLog(true, values),
      logX = view.logX === true;
    const epochs = shown.flatMap(p => curves[p.key].epoch);
    const [first, last] = span(epochs),
      ends = facets.length > 1 && last > first ? {min: first, max: last} : {}; // the same in all panels
    const xAxis = {title: 'epoch', step: 1, log: logX, ...(logX ? Look.roundLog([first, last], 10) : ends)},
      limits = logY ? Look.roundLog(span(values), 10) : Look.round(span(values)),
      yAxis = {title: Sections.SERIES[view.series], log: logY, ...limits};
    const series = shown
      .filter(p => place.has(facet && facet.varied ? facet.code(p.i) : 0))
      .map(p => {
        const at = place.get(facet && facet.varied ? facet.code(p.i) : 0),
          color = colourOf(colour && colour.varied ? colour : null, colour ? colour.code(p.i) : 0);
        const points = curves[p.key].epoch
          .map((epoch, j) => [epoch, curves[p.key][view.series][j]])
          .filter(([, v]) => v !== null);
        return {
          type: 'line',
          name: colour && colour.varied ? `${colour.title} ${colour.word(colour.code(p.i))}` : 'all',
          point: p,
          data: points,
          xAxisIndex: at,
          yAxisIndex: at,
          color,
          showSymbol: points.length < 2,
          symbolSize: 5,
          triggerLineEvent: true,
          animation: false,
          lineStyle: {
            color,
            width: p.running ? 2.4 : 1.3,
            type: p.running ? 'dashed' : 'solid',
            opacity: shown.length > 40 ? 0.6 : 0.9,
          },
          emphasis: {lineStyle: {width: 3, opacity: 1}},
        };
      });
    const names = [...new Set(series.map(one => one.name))],
      titles = facet && facet.varied ? facets.map(code => `${facet.title} ${facet.word(code)}`) : [];
    drawn = params => (params.componentType === 'series' ? series[params.seriesIndex].point : null);
    put(
      box,
      {
        ...Look.base(panels, titles),
        ...axes(panels, xAxis, yAxis),
        series,
        tooltip: tooltip(params => {
          const p = drawn(params);
          return p && describe(p, params);
        }),
        legend: names.length > 1 && names.length <= MOST_GROUPS ? legend(names) : {show: false},
      },
      height,
    );
    return {leftOut: codes.length - facets.length, lines: series.length};
  };

  const onPoint = (box, open) => {
    chart.off('click');
    chart.on('click', params => {
      const p = drawn && drawn(params);
      if (p) open(p);
    });
  };
  const save = name => {
    const link = Words.make('a', {href: chart.getDataURL({type: 'png', pixelRatio: 2}), download: name});
    link.click();
  };
  // ECharts keeps a chart until it is disposed of, also when its element is gone.
  const small = (name, box, option) => {
    if (beside.has(name)) beside.get(name).dispose();
    beside.set(name, echarts.init(box, null, {renderer: 'canvas'}));
    beside.get(name).setOption(option);
  };
  const losses = (box, lines) => {
    const panels = [{left: 52, top: 38, width: box.clientWidth - 64, height: box.clientHeight - 82, edge: true}];
    const series = lines.map(({name, data}, i) => ({
      type: 'line',
      name,
      data,
      showSymbol: data.length < 2,
      color: Look.PALETTE[i],
      lineStyle: {width: 1.6},
      animation: false,
    }));
    small('losses', box, {
      ...Look.base(panels, []),
      ...axes(panels, {title: 'epoch', step: 1}, {title: ''}),
      series,
      legend: legend(lines.map(one => one.name)),
      tooltip: tooltip(params => [`${params.seriesName}, epoch ${params.data[0]}: ${Words.number(params.data[1])}`]),
    });
  };
  // A panel per trial, all with the same limits: its images in two latent units, and the circle that holds 95 % of N(0, I).
  const CIRCLE = Array.from({length: 73}, (_, i) => [2.447 * Math.cos((i * Math.PI) / 36), 2.447 * Math.sin((i * Math.PI) / 36)]);
  const latents = (box, clouds) => {
    const side = Math.min(300, (box.clientWidth - 24 - 52 * clouds.length) / clouds.length);
    const panels = clouds.map((_, i) => ({left: 48 + i * (side + 52), top: 56, width: side, height: side, edge: true}));
    const {min, max, interval} = Look.round(span([...CIRCLE, ...clouds.flatMap(one => [...one.train, ...one.test])].flat()));
    const series = clouds.flatMap((one, i) => {
      const at = {xAxisIndex: i, yAxisIndex: i, animation: false, silent: true};
      const cloud = (name, data, n) => ({
        ...at, type: 'scatter', name, data, symbolSize: 4, color: Look.PALETTE[n], itemStyle: {opacity: 0.6},
      });
      return [
        cloud('training images', one.train, 0),
        cloud('test images', one.test, 1),
        {
          ...at, type: 'line', name: '95 % of N(0, I)', data: CIRCLE, showSymbol: false, color: Look.PALETTE[9],
          lineStyle: {color: Look.PALETTE[9], width: 1.4, type: 'dashed'},
        },
      ];
    });
    box.style.height = `${side + 110}px`;
    const drawing = axes(panels, {title: '', min, max, interval}, {title: '', min, max, interval});
    clouds.forEach((one, i) => {
      drawing.xAxis[i].name = `unit ${one.units[0]}`;
      drawing.yAxis[i].name = `unit ${one.units[1]}${clouds.length > 1 ? ` of trial ${one.trial}` : ''}`;
    });
    small('latents', box, {
      ...Look.base(panels, []),
      ...drawing,
      series,
      legend: legend(['training images', 'test images', '95 % of N(0, I)']),
    });
  };
  return {scores, learning, onPoint, save, losses, latents, MOST_BARS};
})();
