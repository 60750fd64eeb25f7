// Distributions of a level's requests, and its runs over time.

const kMetrics = [['e2e', 'E2E latency (ms)'], ['ttft', 'TTFT (ms)'], ['tpot', 'TPOT (ms per token)']];

// Readable on bars of any colour.
function outlined(ctx, text, x, y) {
  ctx.save();
  ctx.setLineDash([]);
  ctx.strokeStyle = color('bg');
  ctx.lineWidth = 4;
  ctx.lineJoin = 'round';
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
  ctx.restore();
}

const percentileLines = {
  id: 'percentile-lines',
  afterDatasetsDraw(chart) {
    const {low, step, counts, marks} = chart.canvas.bins || {step: 0, counts: [], marks: []};
    clipped(chart, (ctx, area) => {
      ctx.font = '600 12px system-ui, sans-serif';
      ctx.strokeStyle = ctx.fillStyle = color('ink');
      ctx.setLineDash([5, 4]);
      const taken = [];
      for (const [name, value] of marks) {
        if (value === null || value === undefined || !(step > 0)) continue;
        const x = area.left + (value - low) / (step * counts.length) * (area.right - area.left);
        if (x < area.left || x > area.right) continue;
        ctx.beginPath();
        ctx.moveTo(x, area.top); ctx.lineTo(x, area.bottom);
        ctx.stroke();
        let y = area.top + 12;
        while (taken.some((at) => Math.abs(at.x - x) < 34 && at.y === y)) y += 14;
        taken.push({x, y});
        ctx.textAlign = x > area.right - 40 ? 'right' : 'left';
        outlined(ctx, name, x + (ctx.textAlign === 'right' ? -4 : 4), y);
      }
    });
  },
};

const choice = {result: 0, level: 0, metric: 'e2e', run: 0};
let histogram = null;

function paintHistogram() {
  for (const scale of Object.values(histogram.options.scales)) {
    scale.grid.color = color('grid');
    scale.ticks.color = color('soft');
    scale.title.color = color('ink');
  }
}

function showHistogram() {
  const result = report.results[choice.result];
  const level = result.levels.find((entry) => entry.c === choice.level);
  const bins = result.bins[choice.level][choice.metric];
  const box = document.getElementById('chart-distribution');
  const summary = document.getElementById('distribution-summary');
  const edges = bins.counts.map((_, i) => bins.low + i * bins.step);
  histogram.canvas.bins = {...bins, marks: level ? kStatistics.slice(0, 4).map(([key]) => [key, level[choice.metric][key]]) : []};
  histogram.data.labels = edges;
  histogram.data.datasets[0].data = bins.counts;
  histogram.options.scales.x.title.text = kMetrics.find(([key]) => key === choice.metric)[1];
  const total = bins.counts.reduce((sum, count) => sum + count, 0) + bins.above;
  const figures = level ? kStatistics.map(([key, name]) => `${name} ${number(level[choice.metric][key], 4)}`).join(', ') : '';
  summary.textContent = `${number(total)} completed requests of ${result.name} at ${report.load} ${choice.level}. ` +
      (figures ? figures + ' ms. ' : '') +
      (bins.above ? `${number(bins.above)} lie beyond the right edge.` : '');
  box.setAttribute('aria-label', 'Histogram: ' + summary.textContent);
  paintHistogram();
  histogram.update('none');
}

function buildHistogram() {
  const canvas = document.getElementById('chart-distribution');
  histogram = new Chart(canvas, {
    type: 'bar',
    data: {labels: [], datasets: [{data: [], barPercentage: 1, categoryPercentage: 0.96,
                                   backgroundColor: () => seriesColor(choice.result)}]},
    options: {
      animation: false, maintainAspectRatio: false,
      scales: {
        x: {title: {display: true, text: '', font: {size: 13}}, grid: {display: false},
            ticks: {maxRotation: 0, autoSkipPadding: 24, callback(_, i) { return number(this.chart.data.labels[i]); }}},
        y: {title: {display: true, text: 'requests', font: {size: 13}}, grid: {}, ticks: {precision: 0}, beginAtZero: true},
      },
      plugins: {
        legend: {display: false},
        tooltip: {displayColors: false, callbacks: {
          title: (items) => {
            const {low, step} = histogram.canvas.bins;
            const from = low + items[0].dataIndex * step;
            return `${number(from, 4)} to ${number(from + step, 4)} ms`;
          },
          label: (item) => `${number(item.raw)} requests`,
        }},
      },
    },
    plugins: [percentileLines],
  });
}

const levelsWithBins = (result) => Object.keys(result.bins).map(Number).sort((a, b) => a - b);
const runName = (run) => `${report.load} ${run.c}, run ${run.repeat + 1}` + (run.steps ? ' (summarised)' : '');

function refillSelect(node, options) {
  node.replaceChildren(...options.map(([value, text]) => element('option', {value, textContent: text})));
}

function chooseResult(index, selects) {
  choice.result = index;
  const result = report.results[index];
  const levels = levelsWithBins(result);
  choice.level = levels[levels.length - 1];
  refillSelect(selects.level, levels.map((c) => [c, `${report.load} ${c}`]));
  selects.level.value = choice.level;
  refillSelect(selects.run, result.runs.map((run, i) => [i, runName(run)]));
  choice.run = Math.max(0, result.runs.findIndex((run) => run.spans && run.spans.length > 20));
  selects.run.value = choice.run;
  showHistogram();
  showTimeline(result.runs[choice.run], choice.result);
}

function buildRequests() {
  if (!document.getElementById('chart-distribution')) return;
  const withRequests = report.results.map((result, i) => [i, result.name])
                           .filter(([i]) => report.results[i].runs.length && levelsWithBins(report.results[i]).length);
  if (withRequests.length === 0) return;
  const selects = {};
  selects.result = select('Result', withRequests, (value) => chooseResult(Number(value), selects));
  selects.level = select('Level', [], (value) => { choice.level = Number(value); showHistogram(); });
  selects.metric = select('Metric', kMetrics, (value) => { choice.metric = value; showHistogram(); });
  selects.run = select('Run', [], (value) => {
    choice.run = Number(value);
    showTimeline(report.results[choice.result].runs[choice.run], choice.result);
  });
  document.getElementById('request-tools').append(...(withRequests.length > 1 ? [selects.result] : []));
  document.getElementById('distribution-tools').append(selects.level, selects.metric);
  document.getElementById('timeline-tools').append(selects.run);
  buildHistogram();
  buildTimeline();
  chooseResult(withRequests[0][0], selects);
}
