// Distributions of a level's requests, and its runs over time.

const choice = {result: 0, level: 0, metric: 0, run: 0};
const histogram = {svg: null, tip: null, box: null, data: null, size: null, at: -1};

function barText(index) {
  const {low, step, counts} = histogram.data;
  const from = low + index * step;
  return [`${number(from, 4)} to ${number(from + step, 4)} ms`, `${number(counts[index])} requests`];
}

function barShape(frame, index) {
  const {from, wide, counts, high, most} = histogram.data;
  const left = frame.x(from + index * wide);
  const top = frame.y(high * counts[index] / most);
  return {x: left, y: top, width: Math.max(2, frame.lengthX * wide - 1), height: frame.bottom - top};
}

function percentileLine(frame, [name, share], row) {
  const x = frame.x(share);
  const left = x > (frame.left + frame.right) / 2;
  return [svg('path', {d: `M${x} ${frame.top}V${frame.bottom}`, class: 'target'}),
          svgText(x + (left ? -5 : 5), frame.top + 12 + 16 * row, name, left ? 'end' : 'start', 'target-text')];
}

function drawHistogram() {
  const {data, box} = histogram;
  if (!data || box.clientWidth === 0) return;
  const size = fittingSize(data.sizes, box.clientWidth);
  const frame = new Frame(size.area);
  Object.assign(histogram, {size, frame});
  const inside = clippedGroup(frame);
  const style = choice.result % kStyles;
  data.counts.forEach((_, i) => inside.append(svg('rect', {...barShape(frame, i), class: `f${style}`})));
  data.marks.forEach((mark, i) => inside.append(...percentileLine(frame, mark, i)));
  histogram.svg.setAttribute('viewBox', `0 0 ${size.width} ${size.height}`);
  histogram.svg.replaceChildren(drawTicks(frame, data.x, data.y), drawTitles(frame, data.x, data.y), inside);
  histogram.tip.hidden = true;
}

function showBar(index) {
  const {frame, size} = histogram;
  const shape = barShape(frame, index);
  const scale = histogram.svg.clientWidth / size.width;
  placeTip(histogram.tip, barText(index), (shape.x + shape.width) * scale, shape.y * scale);
}

function barUnder(event) {
  const box = histogram.svg.getBoundingClientRect();
  const x = (event.clientX - box.left) * histogram.size.width / box.width;
  const {from, wide, counts} = histogram.data;
  const index = Math.floor((histogram.frame.shareX(x) - from) / wide);
  return index >= 0 && index < counts.length ? index : -1;
}

function showHistogram() {
  const levels = report.results[choice.result].distributions;
  const {metrics} = levels[choice.level];
  histogram.data = metrics[Math.min(choice.metric, metrics.length - 1)];
  histogram.at = -1;
  document.getElementById('distribution-summary').textContent = histogram.data.summary;
  histogram.svg.setAttribute('aria-label', 'Histogram: ' + histogram.data.summary +
      ' Arrow keys go through the bars.');
  drawHistogram();
}

function buildHistogram() {
  histogram.svg = document.getElementById('chart-distribution');
  histogram.tip = document.getElementById('distribution-tip');
  histogram.box = histogram.svg.parentElement;
  histogram.svg.addEventListener('pointermove', (event) => {
    const index = barUnder(event);
    if (index < 0) histogram.tip.hidden = true; else showBar(index);
  });
  histogram.svg.addEventListener('pointerleave', () => { histogram.tip.hidden = true; });
  histogram.svg.addEventListener('blur', () => { histogram.at = -1; histogram.tip.hidden = true; });
  stepByKeys(histogram.svg, () => histogram.data.counts.length, histogram, (index) => {
    showBar(index);
    sayLive(barText(index).join(': '));
  });
  new ResizeObserver(drawHistogram).observe(histogram.box);
}

function refillSelect(node, names) {
  node.replaceChildren(...names.map((textContent, value) => element('option', {value, textContent})));
}

function chooseLevel(index, selects) {
  choice.level = index;
  const {metrics} = report.results[choice.result].distributions[index];
  refillSelect(selects.metric, metrics.map((metric) => metric.title));
  choice.metric = Math.min(choice.metric, metrics.length - 1);
  selects.metric.value = choice.metric;
  showHistogram();
}

function chooseResult(index, selects) {
  choice.result = index;
  const {distributions, runs} = report.results[index];
  refillSelect(selects.level, distributions.map((level) => level.name));
  selects.level.value = distributions.length - 1;
  refillSelect(selects.run, runs.map((run) => run.name));
  choice.run = Math.max(0, runs.findIndex((run) => run.spans && run.spans.length > 20));
  selects.run.value = choice.run;
  chooseLevel(distributions.length - 1, selects);
  showTimeline(runs[choice.run], choice.result);
}

function buildRequests() {
  if (!document.getElementById('chart-distribution')) return;
  const withRequests = report.results.map((result, i) => [i, result.name])
                           .filter(([i]) => report.results[i].runs.length && report.results[i].distributions.length);
  if (withRequests.length === 0) return;
  const selects = {};
  selects.result = select('Result', withRequests, (value) => chooseResult(Number(value), selects));
  selects.level = select('Level', [], (value) => chooseLevel(Number(value), selects));
  selects.metric = select('Metric', [], (value) => { choice.metric = Number(value); showHistogram(); });
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
