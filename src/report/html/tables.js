// Tables that sort by a click on a heading and copy as tab-separated text or Markdown.

function valueOf(cell) {
  const stored = cell.dataset.value;
  return stored === undefined ? cell.textContent.trim() : stored === '' ? null : Number(stored);
}

function compareValues(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);  // absent ones last
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

function sortBy(table, column, ascending) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const order = ascending ? 1 : -1;
  rows.sort((a, b) => {
    const [x, y] = [valueOf(a.cells[column]), valueOf(b.cells[column])];
    return x === null || y === null ? compareValues(x, y) : order * compareValues(x, y);
  });
  body.append(...rows);
}

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    if (heading.tagName !== 'TH') return;  // says nothing
    const button = element('button', {type: 'button'});
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener('click', () => {
      const ascending = heading.getAttribute('aria-sort') !== 'ascending';
      for (const other of headings) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
      sortBy(table, column, ascending);
    });
  });
}

function cellsOf(row) {
  return [...row.cells].map((cell) => cell.textContent.trim().replace(/\s+/g, ' '));
}

function asTabs(table) {
  return [...table.rows].map((row) => cellsOf(row).join('\t')).join('\n');
}

function asMarkdown(table) {
  const line = (cells) => '| ' + cells.map((cell) => cell.replace(/[\\|]/g, '\\$&')).join(' | ') + ' |';
  const [head, ...body] = [...table.rows].map(cellsOf);
  return [line(head), '|' + head.map(() => '---').join('|') + '|', ...body.map(line)].join('\n');
}

function buildTables() {
  for (const table of document.querySelectorAll('table.data')) {
    makeSortable(table);
    const tools = table.closest('.table-block').querySelector('.table-tools');
    for (const [text, render] of [['Copy', asTabs], ['Copy as Markdown', asMarkdown]]) {
      const button = element('button', {type: 'button', textContent: text});
      button.addEventListener('click', async () => {
        button.textContent = await copy(render(table)) ? 'Copied' : 'Could not copy';
        setTimeout(() => { button.textContent = text; }, 1500);
      });
      tools.append(button);
    }
  }
}
