// Builds the page once; repaints when the colour scheme changes or the page is printed.

function repaint() {
  for (const chart of charts) {
    paint(chart);
    chart.update('none');
  }
  if (histogram) {
    paintHistogram();
    histogram.update('none');
  }
  if (timeline.canvas) drawTimeline();
}

function buildDownloads() {
  const box = document.getElementById('downloads');
  const raws = [...document.querySelectorAll('script[data-result]')];
  for (const raw of raws) {
    const name = raw.dataset.result;
    const button = element('button', {type: 'button', textContent: 'Download ' + name});
    button.addEventListener('click', () => save(name, 'application/json', raw.textContent));
    box.append(button);
  }
  if (report.csv) {
    const button = element('button', {type: 'button', textContent: 'Download levels.csv'});
    button.addEventListener('click', () => save('levels.csv', 'text/csv', report.csv));
    box.append(button);
  }
}

buildCharts();
buildTables();
buildRequests();
buildDownloads();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
window.addEventListener('beforeprint', () => {
  document.documentElement.dataset.theme = 'light';
  repaint();
  for (const chart of charts) chart.resize();
});
window.addEventListener('afterprint', () => {
  delete document.documentElement.dataset.theme;
  repaint();
  for (const chart of charts) chart.resize();
});
