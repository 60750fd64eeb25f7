// The charts: what is shown of them, and what the mouse and the keys do. Each draws every result;
// the legend's buttons act on all of them.

const charts = [];
const hidden = new Set();  // results
const kReach = 24;         // of a pointer, in units of the drawing

class Chart {
  constructor(spec) {
    this.spec = spec;
    this.at = -1;  // the point that the keys are at
    this.drag = null;
    this.choose(0);
    this.svg = svg('svg', {id: 'chart-' + spec.id, tabindex: 0, role: 'application',
                           'aria-roledescription': 'chart', 'aria-label':
        `${spec.title}. Arrow keys go through the points, plus and minus zoom, 0 resets; the tables hold all values.`});
    this.tip = element('div', {className: 'tip', hidden: true});
    this.box = element('div', {className: 'canvas-box'}, this.svg, this.tip);
    this.note = element('p', {className: 'hint'});
    this.tools = element('span', {className: 'tools'});
    this.figure = element('figure', {className: spec.wide ? 'chart wide' : 'chart'},
                          element('figcaption', {}, spec.title, this.tools), this.box, this.note);
  }

  choose(index) {
    this.view = this.spec.views[index];
    this.log = {x: this.view.x.log, y: this.view.y.log};
    this.showAll();
  }
  showAll() { this.shown = {x: [0, 1], y: [0, 1]}; }
  scale(axis) { return this.log[axis] ? 1 : 0; }
  axis(name) { return this.view[name].axes[this.scale(name)]; }

  draw() {
    this.size = fittingSize(this.view.sizes, this.box.clientWidth);
    this.placed = this.size.at[2 * this.scale('x') + this.scale('y')];
    this.frame = new Frame(this.placed.area, this.shown);
    this.points = this.visiblePoints();
    this.svg.setAttribute('viewBox', `0 0 ${this.size.width} ${this.size.height}`);
    const inside = clippedGroup(this.frame);
    inside.append(...this.front(), ...this.whiskers(), ...this.curves(), ...this.targets());
    this.svg.replaceChildren(drawTicks(this.frame, this.axis('x'), this.axis('y')),
                             drawTitles(this.frame, this.axis('x'), this.axis('y')), inside,
                             ...this.points.map((point) => this.mark(point)), ...this.labels());
    this.note.textContent = [this.view.notes, this.placed.note].filter((text) => text).join(' · ');
    this.tip.hidden = true;
  }

  place(entry) {
    return {x: entry.x[this.scale('x')], y: entry.y[this.scale('y')]};
  }
  path(entries) {
    const steps = entries.map((entry) => this.place(entry)).filter(({x, y}) => x !== null && y !== null);
    return steps.map(({x, y}, i) => `${i ? 'L' : 'M'}${this.frame.x(x)} ${this.frame.y(y)}`).join('');
  }
  visibleCurves() {
    return this.view.curves.filter((curve) => !hidden.has(curve.result));
  }
  visiblePoints() {
    return this.visibleCurves().flatMap((curve) => curve.points.map((point) => {
      const {x, y} = this.place(point);
      const seen = x !== null && y !== null && this.frame.has('x', x) && this.frame.has('y', y);
      return seen ? {curve, point, x: this.frame.x(x), y: this.frame.y(y)} : null;
    })).filter((entry) => entry);
  }

  front() {
    if (hidden.size > 0 || this.view.front.length < 2) return [];
    return [svg('path', {d: this.path(this.view.front), class: 'front'})];
  }
  whiskers() {
    const nodes = [];
    for (const {curve, point, x, y} of this.points) {
      let d = '';
      const [across, along] = [point.xi && point.xi[this.scale('x')], point.yi && point.yi[this.scale('y')]];
      if (across) {
        const [from, to] = [this.frame.x(across[0]), this.frame.x(across[1])];
        d += `M${from} ${y}H${to}`;
        if (across[2]) d += `M${from} ${y - 3}v6`;
        if (across[3]) d += `M${to} ${y - 3}v6`;
      }
      if (along) {
        const [from, to] = [this.frame.y(along[0]), this.frame.y(along[1])];
        d += `M${x} ${from}V${to}`;
        if (along[2]) d += `M${x - 3} ${from}h6`;
        if (along[3]) d += `M${x - 3} ${to}h6`;
      }
      if (d) nodes.push(svg('path', {d, class: `whisker c${curve.result % kStyles}`}));
    }
    return nodes;
  }
  curves() {
    return this.visibleCurves().map((curve) => svg('path', {
      d: this.path(curve.points.filter((point) => !point.most)),
      class: `line c${curve.result % kStyles}`,
      'stroke-dasharray': report.styles.dashes[curve.dash % report.styles.dashes.length],
    }));
  }
  targets() {
    return this.placed.targets.flatMap(([index, dx, dy]) => {
      const target = this.view.targets[index];
      const axis = target.vertical ? 'x' : 'y';
      const share = target.at[this.scale(axis)];
      if (share === null || !this.frame.has(axis, share)) return [];
      const {left, top, right, bottom} = this.frame;
      const at = this.frame[axis](share);
      const [d, x, y] = target.vertical ? [`M${at} ${top}V${bottom}`, at + dx, top + dy]
                                        : [`M${left} ${at}H${right}`, right + dx, at + dy];
      return [svg('path', {d, class: 'target'}), svgText(x, y, target.text, 'start', 'target-text')];
    });
  }
  mark({curve, point, x, y}) {
    const style = curve.result % kStyles;
    const group = svg('g', {transform: `translate(${x} ${y})`, class: `mark r${style}`});
    if (point.ring) group.append(svg('circle', {r: 9.5, class: `ring c${style}`}));
    if (point.most) group.append(svg('path', {d: 'M0 0h-30m7 -4.5l-7 4.5l7 4.5', class: `ring c${style}`}));
    group.append(svg('path', {d: report.styles.markers[style], class: point.no ? `open c${style}` : `full f${style}`}));
    if (point.no) group.append(svg('path', {d: 'M-7.5 7.5L7.5 -7.5', class: `open c${style}`}));
    return group;
  }
  labels() {
    return this.placed.labels.flatMap(([c, p, text, dx, dy, ...leader]) => {
      const point = this.view.curves[c].points[p];
      const mark = this.points.find((entry) => entry.point === point);
      if (!mark) return [];
      const nodes = [svgText(mark.x + dx, mark.y + dy, text, 'middle', 'label')];
      if (leader.length) {
        const [x0, y0, x1, y1] = leader;
        nodes.unshift(svg('path', {d: `M${mark.x + x0} ${mark.y + y0}L${mark.x + x1} ${mark.y + y1}`,
                                   class: `leader c${mark.curve.result % kStyles}`}));
      }
      return nodes;
    });
  }

  zoom(factor) {
    const around = ([from, to]) => {
      const half = Math.max(0.03, Math.min(0.5, (to - from) / 2 * factor));
      const middle = Math.min(1 - half, Math.max(half, (from + to) / 2));
      return [middle - half, middle + half];
    };
    this.shown = {x: around(this.shown.x), y: around(this.shown.y)};
    this.draw();
  }
  reset() { this.showAll(); this.draw(); }

  show(entry) {
    const level = report.results[entry.curve.result].levels[entry.point.l];
    const lines = [level.title, ...(entry.point.text ? [entry.point.text] : []), ...level.lines];
    const scale = this.svg.clientWidth / this.size.width;
    placeTip(this.tip, lines, entry.x * scale, entry.y * scale);
    return `${lines[0]}: ${lines.slice(1).join('; ')}`;
  }
}

// Where a pointer is, in units of the drawing.
function pointerAt(chart, event) {
  const box = chart.svg.getBoundingClientRect();
  const scale = chart.size.width / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
}

function nearest(chart, x, y) {
  const distance = (entry) => Math.hypot(entry.x - x, entry.y - y);
  return chart.points.filter((entry) => distance(entry) < kReach)
      .reduce((best, entry) => best && distance(best) <= distance(entry) ? best : entry, null);
}

// A mouse or a pen draws the area to show; a finger scrolls the page and uses the buttons.
function listenToPointer(chart) {
  const {svg: node, tip} = chart;
  const selection = svg('rect', {class: 'selection'});
  const bounded = (event) => {
    const [x, y] = pointerAt(chart, event);
    const {left, right, top, bottom} = chart.frame;
    return [Math.min(right, Math.max(left, x)), Math.min(bottom, Math.max(top, y))];
  };
  const hover = (event) => {
    const entry = nearest(chart, ...pointerAt(chart, event));
    if (entry) chart.show(entry); else tip.hidden = true;
  };
  node.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'touch') return hover(event);
    if (event.button !== 0) return;
    chart.drag = bounded(event);
    node.setPointerCapture(event.pointerId);
  });
  node.addEventListener('pointermove', (event) => {
    if (!chart.drag) return hover(event);
    const [[x0, y0], [x1, y1]] = [chart.drag, bounded(event)];
    for (const [key, value] of [['x', Math.min(x0, x1)], ['y', Math.min(y0, y1)],
                                ['width', Math.abs(x1 - x0)], ['height', Math.abs(y1 - y0)]]) {
      selection.setAttribute(key, value);
    }
    node.append(selection);
  });
  node.addEventListener('pointerup', (event) => {
    if (!chart.drag) return;
    const [[x0, y0], [x1, y1]] = [chart.drag, bounded(event)];
    chart.drag = null;
    selection.remove();
    if (Math.abs(x1 - x0) < 8 || Math.abs(y1 - y0) < 8) return;
    chart.shown = {x: [chart.frame.shareX(Math.min(x0, x1)), chart.frame.shareX(Math.max(x0, x1))],
                   y: [chart.frame.shareY(Math.max(y0, y1)), chart.frame.shareY(Math.min(y0, y1))]};
    chart.draw();
  });
  node.addEventListener('pointercancel', () => { chart.drag = null; selection.remove(); });
  node.addEventListener('pointerleave', () => { tip.hidden = true; });
  node.addEventListener('dblclick', () => chart.reset());
}

function listenToKeys(chart) {
  stepByKeys(chart.svg, () => chart.points.length, chart, (index) => sayLive(chart.show(chart.points[index])));
  const acts = {'+': () => chart.zoom(0.7), '=': () => chart.zoom(0.7), '-': () => chart.zoom(1 / 0.7),
                '0': () => chart.reset()};
  chart.svg.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
  chart.svg.addEventListener('blur', () => { chart.at = -1; chart.tip.hidden = true; });
}

function toggle(result) {
  if (!hidden.delete(result)) hidden.add(result);
  for (const chart of charts) chart.draw();
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
    button.textContent = `${axis}: ${chart.log[axis] ? 'log' : 'linear'}`;
    button.setAttribute('aria-label', `${button.textContent}; switch the scale of the ${axis} axis`);
  };
  button.addEventListener('click', () => {
    chart.log[axis] = !chart.log[axis];
    chart.reset();
    show();
  });
  show();
  return {button, show};
}

function zoomButtons(chart) {
  const button = (text, label, act) => {
    const node = element('button', {type: 'button', textContent: text, 'aria-label': label});
    node.addEventListener('click', act);
    return node;
  };
  return [button('+', 'Zoom in', () => chart.zoom(0.7)), button('−', 'Zoom out', () => chart.zoom(1 / 0.7)),
          button('Reset', 'Reset the zoom', () => chart.reset())];
}

function buildChart(spec) {
  const chart = new Chart(spec);
  document.getElementById('chart-grid').append(chart.figure);
  const scales = ['x', 'y'].map((axis) => scaleButton(chart, axis));
  if (spec.views.length > 1) {
    chart.tools.append(select('What is shown', spec.views.map((view, i) => [i, view.name]), (index) => {
      chart.choose(Number(index));
      chart.draw();
      for (const scale of scales) scale.show();
    }));
  }
  chart.tools.append(...scales.map((scale) => scale.button), ...zoomButtons(chart));
  listenToPointer(chart);
  listenToKeys(chart);
  charts.push(chart);
}

function buildCharts() {
  buildLegend();
  report.charts.forEach(buildChart);
  if (charts.length > 0 && charts.length % 2 === 0) charts[charts.length - 1].figure.classList.add('wide');
  const resized = new ResizeObserver((entries) => {
    for (const {target} of entries) {
      const chart = charts.find((one) => one.box === target);
      if (fittingSize(chart.view.sizes, chart.box.clientWidth) !== chart.size) chart.draw();
    }
  });
  for (const chart of charts) {
    chart.draw();
    resized.observe(chart.box);
  }
}
