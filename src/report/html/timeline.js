// A run's requests over time: one bar a request, or areas where they are too many to tell apart.
// A span is [slot, start, first token, last token, end, phase, outcome, error], in ms from the
// run's start; -1: did not happen.

const timeline = {canvas: null, run: null, result: 0, tip: null, at: -1};
const kLeft = 56;
const kBottom = 34;
const kTop = 8;
const kGauge = 34;  // height of a gauge's strip

function failedSpan(span) {
  return span[6] !== 'ok' && !(span[5] === 'filler' && span[6] === 'cancelled');
}

function geometry() {
  const {canvas, run} = timeline;
  const width = canvas.clientWidth;
  const slots = run.spans ? Math.max(...run.spans.map((span) => span[0])) + 1 : 0;
  const row = run.spans ? Math.max(3, Math.min(22, 420 / slots)) : 0;
  const base = run.spans ? kTop + Math.max(60, slots * row) : 300 - kBottom;
  const strip = base + kBottom;  // where the gauges begin
  const height = strip + run.gauges.length * kGauge;
  const end = Math.max(run.end_ms, 1e-3);
  return {width, height, base, strip, slots, row, end, x: (ms) => kLeft + ms / end * (width - kLeft - 12)};
}

function drawAxis(ctx, shape) {
  const base = shape.base;
  const length = shape.x(shape.end) - kLeft;
  ctx.font = '12px system-ui, sans-serif';
  ctx.fillStyle = color('soft');
  ctx.strokeStyle = color('grid');
  ctx.textAlign = 'center';
  for (const [share, text, from] of timeline.run.ticks) {
    if (from > length) continue;
    const x = shape.x(share * shape.end);
    ctx.beginPath();
    ctx.moveTo(x, kTop); ctx.lineTo(x, base);
    ctx.stroke();
    ctx.fillText(text, x, base + 16);
  }
  ctx.textAlign = 'left';
  ctx.fillText('since the first request', kLeft, base + 30);
}

function drawSpans(ctx, shape) {
  const ink = seriesColor(timeline.result);
  for (const span of timeline.run.spans) {
    const [slot, start, first, last, end, phase] = span;
    const y = kTop + slot * shape.row + shape.row * 0.12;
    const h = Math.max(2, shape.row * 0.76);
    const bad = failedSpan(span);
    ctx.globalAlpha = phase === 'measured' ? 1 : 0.4;
    const split = first < 0 ? end : first;
    ctx.fillStyle = bad ? color('bad') : color('soft');
    ctx.fillRect(shape.x(start), y + h * 0.3, Math.max(1, shape.x(split) - shape.x(start)), h * 0.4);
    if (first >= 0) {
      ctx.fillStyle = bad ? color('bad') : ink;
      ctx.fillRect(shape.x(first), y, Math.max(1, shape.x(Math.max(last, first)) - shape.x(first)), h);
    }
    ctx.globalAlpha = 1;
    if (bad) cross(ctx, shape.x(end), y + h / 2);
  }
  ctx.fillStyle = color('soft');
  ctx.textAlign = 'right';
  const every = Math.max(1, Math.ceil(18 / shape.row));
  for (let slot = 0; slot < shape.slots; slot += every) {
    ctx.fillText('slot ' + (slot + 1), kLeft - 6, kTop + slot * shape.row + shape.row / 2 + 4);
  }
}

function cross(ctx, x, y) {
  ctx.strokeStyle = color('bad');
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.moveTo(x - 4, y - 4); ctx.lineTo(x + 4, y + 4);
  ctx.moveTo(x - 4, y + 4); ctx.lineTo(x + 4, y - 4);
  ctx.stroke();
}

function drawSteps(ctx, shape) {
  const {steps, most} = timeline.run;
  const base = shape.base;
  const y = (share) => base - share * (base - kTop);
  const width = shape.end / steps.length;
  ctx.fillStyle = seriesColor(timeline.result);
  steps.forEach(([flying], i) => {
    ctx.globalAlpha = 0.55;
    const top = y(flying / most);
    ctx.fillRect(shape.x(i * width), top, shape.x((i + 1) * width) - shape.x(i * width) + 0.5, base - top);
  });
  ctx.globalAlpha = 1;
  ctx.fillStyle = color('soft');
  ctx.textAlign = 'right';
  for (const [share, text, from] of timeline.run.y_ticks) {
    if (from <= base - kTop) ctx.fillText(text, kLeft - 6, y(share) + 4);
  }
  steps.forEach(([, , bad], i) => {
    if (bad > 0) cross(ctx, shape.x((i + 0.5) * width), kTop + 8);
  });
}

// What a reader of the page without its drawing is told of the strips: of the load or the server.
function stripText(run, of, head) {
  const texts = run.gauges.filter((gauge) => gauge.of === of).map((gauge) => gauge.text);
  return texts.length === 0 ? '' : head + texts.join('; ') + '. ';
}

// Each gauge by itself, from 0 to its largest value, as a line from reading to reading.
function drawGauges(ctx, shape) {
  timeline.run.gauges.forEach((gauge, index) => {
    const bottom = shape.strip + (index + 1) * kGauge - 4;
    const y = (value) => bottom - value / gauge.most * (kGauge - 18);
    ctx.strokeStyle = color('grid');
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(kLeft, bottom); ctx.lineTo(shape.x(shape.end), bottom);
    ctx.stroke();
    ctx.save();
    ctx.beginPath();
    ctx.rect(kLeft, bottom - kGauge, shape.x(shape.end) - kLeft, kGauge + 2);
    ctx.clip();
    ctx.strokeStyle = seriesColor(timeline.result);
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    gauge.points.forEach(([ms, value], i) => {
      if (i === 0) ctx.moveTo(shape.x(ms), y(value)); else ctx.lineTo(shape.x(ms), y(value));
    });
    ctx.stroke();
    ctx.restore();
    ctx.fillStyle = color('soft');
    ctx.textAlign = 'left';
    ctx.fillText(gauge.text, kLeft + 4, bottom - kGauge + 14);
  });
}

function drawTimeline() {
  const {canvas} = timeline;
  if (!canvas || !timeline.run || canvas.clientWidth === 0) return;
  const shape = geometry();
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = shape.height + 'px';
  canvas.width = Math.round(shape.width * ratio);
  canvas.height = Math.round(shape.height * ratio);
  const ctx = canvas.getContext('2d');
  ctx.scale(ratio, ratio);
  drawAxis(ctx, shape);
  if (timeline.run.spans) {
    drawSpans(ctx, shape);
  } else {
    drawSteps(ctx, shape);
  }
  drawGauges(ctx, shape);
}

function spanText(span) {
  const [slot, start, first, last, end, phase, outcome, error] = span;
  const lines = [`slot ${slot + 1}, ${phase}, ${outcome}`, `sent at ${number(start / 1000, 4)} s`];
  if (first >= 0) lines.push(`first token after ${number(first - start)} ms`);
  if (last >= 0) lines.push(`last token after ${number(last - start, 4)} ms`);
  if (last < 0) lines.push(`ended after ${number(end - start, 4)} ms`);
  if (error) lines.push(error);
  return lines.join('\n');
}

function stepText(index) {
  const [flying, ended, bad] = timeline.run.steps[index];
  return `${number(flying)} in flight, ${number(ended)} completed, ${number(bad)} failed in this step`;
}

function gaugeText(gauge, ms) {
  const near = gauge.points.reduce((best, point) =>
      Math.abs(point[0] - ms) < Math.abs(best[0] - ms) ? point : best);
  return `${gauge.name} ${number(near[1])} ${gauge.unit}\nread at ${number(near[0] / 1000, 4)} s`;
}

function textAt(x, y) {
  const shape = geometry();
  const ms = (x - kLeft) / (shape.width - kLeft - 12) * shape.end;
  if (y >= shape.strip) {
    const gauge = timeline.run.gauges[Math.floor((y - shape.strip) / kGauge)];
    return gauge ? gaugeText(gauge, ms) : '';
  }
  if (timeline.run.steps) {
    const index = Math.floor(ms / shape.end * timeline.run.steps.length);
    return index >= 0 && index < timeline.run.steps.length ? stepText(index) : '';
  }
  const slot = Math.floor((y - kTop) / shape.row);
  const span = timeline.run.spans.find((entry) => entry[0] === slot && entry[1] <= ms && ms <= entry[4]);
  return span ? spanText(span) : '';
}

function showTip(event) {
  const box = timeline.canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const text = textAt(x, y);
  placeTip(timeline.tip, text ? text.split('\n') : [], x, y);
}

// By key: request after request, or step after step.
function showEntry(index) {
  const shape = geometry();
  const {spans, steps} = timeline.run;
  const text = spans ? spanText(spans[index]) : stepText(index);
  const x = spans ? shape.x(spans[index][1]) : shape.x((index + 0.5) * shape.end / steps.length);
  placeTip(timeline.tip, text.split('\n'), x, spans ? kTop + spans[index][0] * shape.row : 2 * kTop);
  sayLive(text.replaceAll('\n', '; '));
}

function failureRows(run) {
  const failures = run.spans ? run.spans.filter(failedSpan) : run.failures;
  return failures.slice(0, 20).map((span) => element('li', {textContent:
      `${number(span[1] / 1000, 4)} s, slot ${span[0] + 1}: ${span[6]}${span[7] ? ': ' + span[7] : ''}`}));
}

function showTimeline(run, result) {
  timeline.run = run;
  timeline.result = result;
  timeline.at = -1;
  const failed = run.spans ? run.spans.filter(failedSpan).length
                           : run.steps.reduce((sum, step) => sum + step[2], 0);
  document.getElementById('timeline-summary').textContent =
      `${number(run.requests)} requests in ${number(run.end_ms / 1000)} s, ${number(failed)} failed. ` +
      (run.spans ? 'Thin grey: waiting for the first token. Coloured: tokens arriving. Pale: warm-up and ' +
                   'filler requests. A red cross: a failure.'
                 : 'Too many to draw one by one: the area is the number in flight, a red cross a step with failures.');
  document.getElementById('timeline-gauges').textContent =
      stripText(run, 'load', 'Rates over time, on one scale: ') +
      stripText(run, 'server', 'The server, by its own gauges: ');
  document.getElementById('timeline-failures').replaceChildren(...failureRows(run));
  timeline.canvas.setAttribute('aria-label', 'Requests over time: ' +
      document.getElementById('timeline-summary').textContent + ' Arrow keys go through it.');
  drawTimeline();
}

function buildTimeline() {
  timeline.canvas = document.getElementById('chart-timeline');
  timeline.tip = document.getElementById('timeline-tip');
  timeline.canvas.addEventListener('pointermove', showTip);
  timeline.canvas.addEventListener('pointerleave', () => { timeline.tip.hidden = true; });
  timeline.canvas.addEventListener('blur', () => { timeline.at = -1; timeline.tip.hidden = true; });
  const count = () => (timeline.run.spans || timeline.run.steps).length;
  stepByKeys(timeline.canvas, count, timeline, showEntry);
  new ResizeObserver(drawTimeline).observe(timeline.canvas.parentElement);
}
