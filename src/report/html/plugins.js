// What Chart.js does not draw: intervals, targets, the Pareto front, labels; and zooming.

function visiblePoints(chart) {
  const points = [];
  chart.data.datasets.forEach((dataset, datasetIndex) => {
    if (!chart.isDatasetVisible(datasetIndex)) return;
    const elements = chart.getDatasetMeta(datasetIndex).data;
    dataset.data.forEach((point, index) => points.push({dataset, datasetIndex, index, point,
                                                        element: elements[index]}));
  });
  return points;
}

function clipped(chart, draw) {
  const {ctx, chartArea: area} = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
  ctx.clip();
  draw(ctx, area);
  ctx.restore();
}

const whiskerPlugin = {
  id: 'whiskers',
  beforeDatasetsDraw(chart) {
    clipped(chart, (ctx) => {
      ctx.lineWidth = 1.3;
      for (const {dataset, point, element: mark} of visiblePoints(chart)) {
        ctx.strokeStyle = dataset.borderColor;
        for (const [pair, scale] of [[point.xInterval, chart.scales.x], [point.yInterval, chart.scales.y]]) {
          if (!pair) continue;
          const [from, to] = pair.map((value) => scale.getPixelForValue(value));
          ctx.beginPath();
          if (scale.axis === 'x') {
            ctx.moveTo(from, mark.y); ctx.lineTo(to, mark.y);
            for (const x of [from, to]) { ctx.moveTo(x, mark.y - 4); ctx.lineTo(x, mark.y + 4); }
          } else {
            ctx.moveTo(mark.x, from); ctx.lineTo(mark.x, to);
            for (const y of [from, to]) { ctx.moveTo(mark.x - 4, y); ctx.lineTo(mark.x + 4, y); }
          }
          ctx.stroke();
        }
      }
    });
  },
};

const targetPlugin = {
  id: 'targets',
  beforeDatasetsDraw(chart) {
    chart.canvas.targetBoxes = [];  // of their texts; the labels keep off them
    if (!chart.canvas.spec.targets) return;
    clipped(chart, (ctx, area) => {
      ctx.strokeStyle = color('ink');
      ctx.fillStyle = color('ink');
      ctx.font = '600 12px system-ui, sans-serif';
      ctx.lineWidth = 1.3;
      for (const target of report.targets) {
        const axis = chart.canvas.spec.targets(target, chart.canvas.spec);
        if (!axis) continue;
        const at = chart.scales[axis].getPixelForValue(target.ms);
        const text = `target ${number(target.ms)} ms`;
        const w = ctx.measureText(text).width;
        ctx.setLineDash([6, 4]);
        ctx.beginPath();
        let x = area.right - 6 - w;
        let y = at - 6;
        if (axis === 'x') {
          ctx.moveTo(at, area.top); ctx.lineTo(at, area.bottom);
          x = at + 6 + w > area.right ? at - 6 - w : at + 6;
          y = area.top + 14;
        } else {
          ctx.moveTo(area.left, at); ctx.lineTo(area.right, at);
        }
        ctx.textAlign = 'left';
        ctx.fillText(text, x, y);
        chart.canvas.targetBoxes.push({x, y: y - 12, w, h: 16});
        ctx.stroke();
      }
    });
  },
};

// Nothing valid is both faster for a user and higher per GPU than a point of the front.
function paretoFront(points) {
  const candidates = points.filter(({point}) => point.level.valid)
                         .sort((a, b) => b.point.x - a.point.x || b.point.y - a.point.y);
  const front = [];
  for (const candidate of candidates) {
    if (front.length === 0 || candidate.point.y > front[front.length - 1].point.y) front.push(candidate);
  }
  return front;
}

const frontPlugin = {
  id: 'front',
  beforeDatasetsDraw(chart) {
    if (!chart.canvas.spec.pareto) return;
    const front = paretoFront(visiblePoints(chart));
    if (front.length < 2) return;
    clipped(chart, (ctx) => {
      ctx.strokeStyle = color('soft');
      ctx.globalAlpha = 0.22;
      ctx.lineWidth = 12;
      ctx.lineCap = ctx.lineJoin = 'round';
      ctx.beginPath();
      front.forEach(({element: mark}, i) => i ? ctx.lineTo(mark.x, mark.y) : ctx.moveTo(mark.x, mark.y));
      ctx.stroke();
    });
  },
};

function meets(a, b) {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

// Small boxes along the curves, so that labels keep off them.
function curveBoxes(chart, points) {
  const boxes = [];
  points.forEach(({datasetIndex, element: mark}, i) => {
    const next = points[i + 1];
    if (!next || next.datasetIndex !== datasetIndex) return;
    const [dx, dy] = [next.element.x - mark.x, next.element.y - mark.y];
    const steps = Math.min(200, Math.ceil(Math.hypot(dx, dy) / 4));
    for (let k = 1; k < steps; ++k) {
      boxes.push({x: mark.x + dx * k / steps - 1, y: mark.y + dy * k / steps - 1, w: 2, h: 2});
    }
  });
  return boxes;
}

// "c8" beside its point where there is room; the tooltip has the rest.
const labelPlugin = {
  id: 'labels',
  afterDatasetsDraw(chart) {
    if (!chart.canvas.spec.labels) return;
    const points = visiblePoints(chart);
    const taken = points.map(({element: mark}) => ({x: mark.x - 6, y: mark.y - 6, w: 12, h: 12}));
    taken.push(...curveBoxes(chart, points), ...chart.canvas.targetBoxes);
    clipped(chart, (ctx, area) => {
      ctx.font = '12px system-ui, sans-serif';
      ctx.textAlign = 'left';
      ctx.textBaseline = 'middle';
      for (const {point, element: mark} of points) {
        const text = point.level.name + (point.level.valid ? '' : ' invalid');
        const w = ctx.measureText(text).width + 2;
        const places = [[-w - 8, -15], [-w / 2, -22], [9, -7], [8, 4], [-w / 2, 9], [-w - 8, 4], [8, -16], [-w - 9, -7]];
        for (const [dx, dy] of places) {
          const box = {x: mark.x + dx, y: mark.y + dy, w, h: 14};
          const inside = box.x > area.left && box.x + w < area.right && box.y > area.top &&
                         box.y + 14 < area.bottom;
          if (!inside || taken.some((other) => meets(box, other))) continue;
          ctx.fillStyle = color('ink');
          ctx.fillText(text, box.x + 1, box.y + 7);
          taken.push(box);
          break;
        }
      }
    });
  },
};

const selectionPlugin = {
  id: 'selection',
  afterDraw(chart) {
    const box = chart.selection;
    if (!box) return;
    const {ctx} = chart;
    ctx.save();
    ctx.fillStyle = ctx.strokeStyle = color('accent');
    ctx.globalAlpha = 0.15;
    ctx.fillRect(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
    ctx.globalAlpha = 1;
    ctx.strokeRect(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
    ctx.restore();
  },
};

function setRange(chart, axis, low, high) {
  chart.options.scales[axis].min = Math.min(low, high);
  chart.options.scales[axis].max = Math.max(low, high);
}

function resetZoom(chart) {
  setFullRange(chart, 'x');
  setFullRange(chart, 'y');
  chart.update('none');
}

// Around the middle of what is shown now, in pixels, so that it suits both kinds of scale.
function zoom(chart, factor) {
  const {left, right, top, bottom} = chart.chartArea;
  const shrink = (from, to) => {
    const middle = (from + to) / 2;
    return [middle + (from - middle) * factor, middle + (to - middle) * factor];
  };
  const [x0, x1] = shrink(left, right).map((pixel) => chart.scales.x.getValueForPixel(pixel));
  const [y0, y1] = shrink(bottom, top).map((pixel) => chart.scales.y.getValueForPixel(pixel));
  setRange(chart, 'x', x0, x1);
  setRange(chart, 'y', y0, y1);
  chart.update('none');
}

function zoomButtons(chart) {
  const button = (text, label, act) => {
    const node = element('button', {type: 'button', textContent: text, 'aria-label': label});
    node.addEventListener('click', act);
    return node;
  };
  return [button('+', 'Zoom in', () => zoom(chart, 0.7)), button('−', 'Zoom out', () => zoom(chart, 1 / 0.7)),
          button('Reset', 'Reset the zoom', () => resetZoom(chart))];
}

// A mouse or a pen draws the area to show; a finger scrolls the page and uses the buttons.
function listenToPointer(chart) {
  const canvas = chart.canvas;
  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    const {left, right, top, bottom} = chart.chartArea;
    return [Math.min(right, Math.max(left, event.clientX - box.left)),
            Math.min(bottom, Math.max(top, event.clientY - box.top))];
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'touch' || event.button !== 0) return;
    const [x, y] = position(event);
    chart.selection = {x0: x, y0: y, x1: x, y1: y};
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!chart.selection) return;
    [chart.selection.x1, chart.selection.y1] = position(event);
    chart.draw();
  });
  canvas.addEventListener('pointerup', () => {
    const box = chart.selection;
    chart.selection = null;
    if (!box) return;
    if (Math.abs(box.x1 - box.x0) > 8 && Math.abs(box.y1 - box.y0) > 8) {
      const {x, y} = chart.scales;
      setRange(chart, 'x', x.getValueForPixel(box.x0), x.getValueForPixel(box.x1));
      setRange(chart, 'y', y.getValueForPixel(box.y0), y.getValueForPixel(box.y1));
    }
    chart.update('none');
  });
  canvas.addEventListener('pointercancel', () => { chart.selection = null; chart.draw(); });
  canvas.addEventListener('dblclick', () => resetZoom(chart));
}

function showPoint(chart, entry) {
  const active = [{datasetIndex: entry.datasetIndex, index: entry.index}];
  chart.setActiveElements(active);
  chart.tooltip.setActiveElements(active, {x: entry.element.x, y: entry.element.y});
  chart.update('none');
  document.getElementById('chart-live').textContent =
      pointTitle(entry.dataset, entry.point) + ': ' + describe(entry.point).join('; ');
}

function listenToKeys(chart) {
  let at = -1;
  chart.canvas.addEventListener('keydown', (event) => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    const points = visiblePoints(chart);
    if (!step || points.length === 0) return;
    event.preventDefault();
    at = (at + step + points.length) % points.length;
    showPoint(chart, points[at]);
  });
  chart.canvas.addEventListener('blur', () => {
    chart.setActiveElements([]);
    chart.tooltip.setActiveElements([], {x: 0, y: 0});
    chart.update('none');
  });
}
