// Draws what the program has computed. Places are shares of an axis, 0 to 1 and y upwards; all else
// is in the units of the drawing, which scales with the page.

function svg(tag, properties = {}, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(properties)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function svgText(x, y, text, anchor, css) {
  return svg('text', {x, y, 'text-anchor': anchor, class: css}, text);
}

// The widest drawing that is not squeezed.
function fittingSize(sizes, width) {
  return sizes.find((size) => size.width <= width * 1.25) || sizes[sizes.length - 1];
}

// The area between the axes, of which `shown` = {x: [from, to], y: [from, to]} is in view.
class Frame {
  constructor([left, top, right, bottom], shown = {x: [0, 1], y: [0, 1]}) {
    Object.assign(this, {left, top, right, bottom, shown});
    this.lengthX = (right - left) / (shown.x[1] - shown.x[0]);
    this.lengthY = (bottom - top) / (shown.y[1] - shown.y[0]);
  }
  x(share) { return this.left + (share - this.shown.x[0]) * this.lengthX; }
  y(share) { return this.bottom - (share - this.shown.y[0]) * this.lengthY; }
  shareX(x) { return (x - this.left) / this.lengthX + this.shown.x[0]; }
  shareY(y) { return (this.bottom - y) / this.lengthY + this.shown.y[0]; }
  has(axis, share) { return share >= this.shown[axis][0] - 1e-6 && share <= this.shown[axis][1] + 1e-6; }
}

function drawTicks(frame, x, y) {
  const group = svg('g');
  const each = (axis, ticks, length, draw) => {
    for (const [share, text, from, line] of ticks) {
      if (!frame.has(axis, share) || (from > length && !line)) continue;
      draw(share, from > length ? '' : text);
    }
  };
  each('x', x.ticks, frame.lengthX, (share, text) => group.append(
      svg('path', {d: `M${frame.x(share)} ${frame.top}V${frame.bottom}`, class: 'grid'}),
      svgText(frame.x(share), frame.bottom + 20, text, 'middle', 'soft')));
  each('y', y.ticks, frame.lengthY, (share, text) => group.append(
      svg('path', {d: `M${frame.left} ${frame.y(share)}H${frame.right}`, class: 'grid'}),
      svgText(frame.left - 8, frame.y(share) + 4, text, 'end', 'soft')));
  group.append(svg('path', {d: `M${frame.left} ${frame.top}V${frame.bottom}H${frame.right}`, class: 'axis'}));
  return group;
}

function drawTitles(frame, x, y) {
  const middle = (frame.top + frame.bottom) / 2;
  return svg('g', {}, svgText((frame.left + frame.right) / 2, frame.bottom + 39, x.title, 'middle', 'title'),
             svg('g', {transform: `rotate(-90 14 ${middle})`}, svgText(14, middle, y.title, 'middle', 'title')));
}

let clips = 0;

// A group of which only what lies between the axes is seen.
function clippedGroup(frame) {
  const id = `clip-${++clips}`;
  const {left, top, right, bottom} = frame;
  const rect = svg('rect', {x: left, y: top, width: right - left, height: bottom - top});
  return svg('g', {'clip-path': `url(#${id})`}, svg('clipPath', {id}, rect));
}

// Text in a box beside (x, y), in the page's pixels.
function placeTip(tip, lines, x, y) {
  tip.replaceChildren(...lines.map((line) => element('div', {textContent: line})));
  tip.hidden = lines.length === 0;
  const room = tip.parentElement.clientWidth;
  tip.style.left = Math.max(0, Math.min(x + 14, room - tip.offsetWidth)) + 'px';
  tip.style.top = Math.max(0, y - 20) + 'px';
}

function sayLive(text) {
  document.getElementById('chart-live').textContent = text;
}

// Arrow keys, Home and End go through `count()` entries from state.at on; Escape hides the tip.
function stepByKeys(node, count, state, show) {
  node.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = count() - 1;
    const next = {ArrowRight: state.at + 1, ArrowDown: state.at + 1, ArrowLeft: state.at - 1,
                  ArrowUp: state.at - 1, Home: 0, End: last}[event.key];
    if (event.key === 'Escape') state.tip.hidden = true;
    if (next === undefined || last < 0) return;
    event.preventDefault();
    state.at = next < 0 ? last : next > last ? 0 : next;
    show(state.at);
  });
}
