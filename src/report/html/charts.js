// The interactive charts. Each draws every result; the legend's buttons act on all of them.

const charts = [];
const hidden = new Set();

const kStatistics = [['p50', 'median'], ['p90', 'p90'], ['p95', 'p95'], ['p99', 'p99'], ['mean', 'mean']];

const kCharts = [
  {
    id: 'throughput-latency', wide: true, title: 'Throughput against latency',
    xTitle: 'median E2E latency (ms)', yTitle: 'output throughput (tokens/s)', labels: true,
    at: (level) => ({x: level.e2e.p50, y: level.throughput.value, xInterval: level.e2e.ci, yInterval: level.throughput.ci}),
    targets: (target) => target.metric === 'e2e' && target.statistic === 'p50' ? 'x' : null,
  },
  {
    id: 'gpu-speed', title: 'Throughput per GPU against speed per user', pareto: true,
    xTitle: 'output speed per user (tokens/s)', yTitle: 'throughput per GPU (tokens/s)', labels: true,
    at: (level) => ({x: level.output_speed.value, y: level.throughput_per_gpu.value}),
  },
  {
    id: 'latency-concurrency', title: `Latency against ${report.load}`, metric: 'e2e', statistic: 'p50',
    xTitle: report.load, byLoad: true, choose: true,
    yTitle: (spec) => `${kStatistics.find(([key]) => key === spec.statistic)[1]} ` +
        `${report.latencies.find(([key]) => key === spec.metric)[1]} (ms)`,
    at: (level, spec) => ({
      x: level.c, y: level[spec.metric][spec.statistic],
      yInterval: spec.statistic === 'p50' ? level[spec.metric].ci : null,
    }),
    targets: (target, spec) =>
        target.metric === spec.metric && target.statistic === spec.statistic ? 'y' : null,
  },
  {
    id: 'throughput-concurrency', title: `Throughput against ${report.load}`, xTitle: report.load,
    yTitle: 'output throughput (tokens/s)', byLoad: true,
    at: (level) => ({x: level.c, y: level.throughput.value, yInterval: level.throughput.ci}),
  },
  {
    id: 'percentiles', title: 'Percentiles of the E2E latency', xTitle: report.load,
    yTitle: 'E2E latency (ms)', byLoad: true, percentiles: true,
  },
];

function pointsOf(result, spec, statistic) {
  const points = [];
  for (const level of result.levels) {
    const at = statistic ? {x: level.c, y: level.e2e[statistic]} : spec.at(level, spec);
    if (at.x === null || at.y === null || at.x === undefined || at.y === undefined) continue;
    points.push({...at, level, statistic});
  }
  return points;
}

function datasetOf(result, index, spec, statistic) {
  const dash = statistic ? kStatistics.findIndex(([key]) => key === statistic) : index;
  return {
    label: result.name + (statistic ? ' ' + statistic : ''),
    result: index, data: pointsOf(result, spec, statistic), showLine: true, tension: 0,
    pointStyle: kMarkers[index % kMarkers.length], borderDash: kDashes[dash % kDashes.length],
    borderWidth: 2, pointRadius: spec.percentiles ? 3 : 5, pointHoverRadius: 8, pointHitRadius: 12,
  };
}

function datasetsOf(spec) {
  const datasets = [];
  report.results.forEach((result, index) => {
    const statistics = spec.percentiles ? ['p50', 'p90', 'p95', 'p99'] : [null];
    for (const statistic of statistics) {
      const dataset = datasetOf(result, index, spec, statistic);
      if (dataset.data.length > 0 || !statistic) datasets.push(dataset);
    }
  });
  return datasets;
}

function paint(chart) {
  for (const dataset of chart.data.datasets) {
    const ink = seriesColor(dataset.result);
    dataset.borderColor = ink;
    dataset.pointBorderColor = ink;
    dataset.pointBackgroundColor = dataset.data.map((point) => point.level.valid ? ink : color('bg'));
  }
  for (const scale of Object.values(chart.options.scales)) {
    scale.grid.color = color('grid');
    scale.grid.borderColor = color('line');
    scale.ticks.color = color('soft');
    scale.title.color = color('ink');
  }
  chart.options.plugins.tooltip.backgroundColor = color('ink');
  chart.options.plugins.tooltip.titleColor = color('bg');
  chart.options.plugins.tooltip.bodyColor = color('bg');
}

function describe(point) {
  const level = point.level;
  const lines = [
    `output throughput ${number(level.throughput.value)} tokens/s${interval(level.throughput.ci)}` +
        (level.with_drain ? ' (with drain)' : ''),
    `per GPU ${number(level.throughput_per_gpu.value)} tokens/s`,
    `median E2E ${number(level.e2e.p50, 4)} ms${interval(level.e2e.ci)}`,
    `TTFT ${number(level.ttft.p50)} ms, TPOT ${number(level.tpot.p50)} ms`,
    `${number(level.completed)} completed, ${number(level.failed)} failed`,
  ];
  if (point.statistic && point.statistic !== 'p50') {
    lines.unshift(`${point.statistic} of E2E ${number(point.y, 4)} ms`);
  }
  if (level.e2e.ci) lines.push(`intervals: 95 %, ${level.between ? 'between runs' : 'within the run'}`);
  if (!level.valid) lines.push('INVALID: ' + level.reasons.join(' '));
  return lines;
}

function wrapped(line, width = 60) {
  const lines = [''];
  for (const word of line.split(' ')) {
    const last = lines.length - 1;
    if (lines[last] && lines[last].length + word.length > width) {
      lines.push(word);
    } else {
      lines[last] += (lines[last] ? ' ' : '') + word;
    }
  }
  return lines;
}

function pointTitle(dataset, point) {
  return `${dataset.label}, ${report.load} ${point.level.c}`;
}

function spread(values) {
  const positive = values.filter((value) => value > 0);
  return positive.length ? Math.max(...positive) / Math.min(...positive) : 1;
}

function valuesOf(spec, axis) {
  return datasetsOf(spec).flatMap((dataset) => dataset.data.map((point) => point[axis]));
}

// Targets beside the points are in the picture; one far away would squash them.
function targetValues(spec, axis, low, high) {
  if (!spec.targets) return [];
  return report.targets.filter((target) => spec.targets(target, spec) === axis)
      .map((target) => target.ms).filter((ms) => ms > low / 4 && ms < high * 4);
}

function setFullRange(chart, axis) {
  const scale = chart.options.scales[axis];
  const values = valuesOf(chart.canvas.spec, axis).filter((value) => value > 0);
  delete scale.min;
  delete scale.max;
  if (scale.type !== 'logarithmic' || values.length === 0) return;
  values.push(...targetValues(chart.canvas.spec, axis, Math.min(...values), Math.max(...values)));
  scale.min = Math.min(...values) / 1.3;
  scale.max = Math.max(...values) * 1.3;
}

function scaleOf(spec, axis, title) {
  const logarithmic = spread(valuesOf(spec, axis)) > 10;
  return {
    type: logarithmic ? 'logarithmic' : 'linear', beginAtZero: !logarithmic, grace: '6%',
    title: {display: true, text: title, font: {size: 13}}, grid: {}, ticks: {
      font: {size: 12}, maxRotation: 0, autoSkip: !logarithmic,
      callback(value) {
        if (this.type !== 'logarithmic') return number(value);
        const digit = value / Math.pow(10, Math.floor(Math.log10(value) + 1e-9));
        return [1, 2, 5].some((shown) => Math.abs(digit - shown) < 1e-6) ? number(value) : '';
      },
    },
  };
}

function loadTicks(scale) {
  const levels = new Set(report.results.flatMap((result) => result.levels.map((level) => level.c)));
  scale.afterBuildTicks = (axis) => {
    if (axis.type !== 'logarithmic') return;
    axis.ticks = [...levels].filter((c) => c >= axis.min && c <= axis.max).sort((a, b) => a - b)
                     .map((value) => ({value}));
  };
  const inherited = scale.ticks.callback;
  scale.ticks.callback = function(value) {
    return this.type === 'logarithmic' ? number(value) : inherited.call(this, value);
  };
}

function yTitle(spec) {
  return typeof spec.yTitle === 'function' ? spec.yTitle(spec) : spec.yTitle;
}

function build(spec, canvas) {
  canvas.spec = spec;  // the plugins draw from it, for the first time inside the constructor
  const chart = new Chart(canvas, {
    type: 'scatter',
    data: {datasets: datasetsOf(spec)},
    options: {
      animation: false, maintainAspectRatio: false, responsive: true,
      layout: {padding: {right: 28}}, interaction: {mode: 'nearest', intersect: true},
      scales: {x: scaleOf(spec, 'x', spec.xTitle), y: scaleOf(spec, 'y', yTitle(spec))},
      plugins: {
        legend: {display: false},
        tooltip: {
          displayColors: false, padding: 10,
          callbacks: {
            title: (items) => wrapped(pointTitle(items[0].dataset, items[0].raw)),
            label: (item) => describe(item.raw).flatMap((line) => wrapped(line)),
          },
        },
      },
    },
    plugins: [frontPlugin, targetPlugin, whiskerPlugin, labelPlugin, selectionPlugin],
  });
  if (spec.byLoad) loadTicks(chart.options.scales.x);
  setFullRange(chart, 'x');
  setFullRange(chart, 'y');
  paint(chart);
  chart.update('none');
  return chart;
}

function refill(chart) {
  chart.data.datasets = datasetsOf(chart.canvas.spec);
  chart.options.scales.y.title.text = yTitle(chart.canvas.spec);
  setFullRange(chart, 'y');
  chart.data.datasets.forEach((dataset, i) => chart.setDatasetVisibility(i, !hidden.has(dataset.result)));
  paint(chart);
  chart.update('none');
}

function toggle(result) {
  if (!hidden.delete(result)) hidden.add(result);
  for (const chart of charts) refill(chart);
  return !hidden.has(result);
}

function buildLegend() {
  const legend = document.getElementById('legend');
  report.results.forEach((result, index) => {
    const marks = result.marks.map((mark) => ` [${mark}]`).join('');
    const button = element('button', {type: 'button', 'aria-pressed': 'true'},
                           element('span', {className: `swatch s${index % kStyles}`}), result.name + marks);
    button.addEventListener('click', () => button.setAttribute('aria-pressed', String(toggle(index))));
    legend.append(button);
  });
}

function scaleButton(chart, axis) {
  const button = element('button', {type: 'button'});
  const show = () => {
    const logarithmic = chart.options.scales[axis].type === 'logarithmic';
    button.textContent = `${axis}: ${logarithmic ? 'log' : 'linear'}`;
    button.setAttribute('aria-label', `${axis} axis is ${logarithmic ? 'logarithmic' : 'linear'}; switch`);
  };
  button.addEventListener('click', () => {
    const scale = chart.options.scales[axis];
    scale.type = scale.type === 'logarithmic' ? 'linear' : 'logarithmic';
    scale.beginAtZero = scale.type === 'linear';
    scale.ticks.autoSkip = scale.type === 'linear';
    resetZoom(chart);
    show();
  });
  show();
  return button;
}

function buildChart(spec) {
  const canvas = element('canvas', {
    id: 'chart-' + spec.id, tabIndex: 0, role: 'img',
    'aria-label': `${spec.title}. Use the arrow keys to go through the points; the tables hold all values.`,
  });
  const tools = element('span', {className: 'tools'});
  const figure = element('figure', {className: spec.wide ? 'chart wide' : 'chart'},
                         element('figcaption', {}, spec.title, tools),
                         element('div', {className: 'canvas-box'}, canvas));
  document.getElementById('chart-grid').append(figure);
  const chart = build(spec, canvas);
  if (spec.choose) {
    const change = (key) => (value) => { spec[key] = value; refill(chart); };
    tools.append(select('Metric', report.latencies, change('metric')),
                 select('Statistic', kStatistics, change('statistic')));
  }
  tools.append(scaleButton(chart, 'x'), scaleButton(chart, 'y'), ...zoomButtons(chart));
  listenToPointer(chart);
  listenToKeys(chart);
  charts.push(chart);
}

function buildCharts() {
  buildLegend();
  const shown = kCharts.filter((spec) => datasetsOf(spec).some((dataset) => dataset.data.length > 0));
  shown.forEach(buildChart);
  if (shown.length % 2 === 0) charts[charts.length - 1].canvas.closest('.chart').classList.add('wide');
  charts.forEach((chart) => chart.resize());
}
