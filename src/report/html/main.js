// Builds the page once. The charts take their colours from the style sheet; the timeline's canvas is
// painted again when they change.

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
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawTimeline);
window.addEventListener('beforeprint', () => {
  document.documentElement.dataset.theme = 'light';
  drawTimeline();
});
window.addEventListener('afterprint', () => {
  delete document.documentElement.dataset.theme;
  drawTimeline();
});
