'use strict';

// Set before the first paint of what follows: sections that need a script become visible.
document.documentElement.classList.add('scripted');

const report = JSON.parse(document.getElementById('report-data').textContent);
const kStyles = report.styles.markers.length;

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

function seriesColor(index) {
  return color('s' + (index % kStyles));
}

// 14716.4 -> "14,716", 8 -> "8"; what is not whole keeps three significant digits.
function number(value, significant = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  const digits = Number.isInteger(value) ? 0 : Math.min(12, Math.max(0, significant - 1 - magnitude));
  return value.toLocaleString('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits});
}

// An element with properties and children; text is text, never markup.
function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in node) {
      node[key] = value;
    } else {
      node.setAttribute(key, value);
    }
  }
  node.append(...children);
  return node;
}

function select(label, options, onChange) {
  const node = element('select', {'aria-label': label});
  for (const [value, text] of options) node.append(element('option', {value, textContent: text}));
  node.addEventListener('change', () => onChange(node.value));
  return node;
}

function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  const link = element('a', {href: url, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (error) {
      // A file opened from disk may not be allowed to; the selection below still is.
    }
  }
  const area = element('textarea', {value: text});
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}
