"""Opens the HTML report in a headless Chromium and uses it as a reader would.

usage: html_report_test.py REPORT_TEST_PROGRAM
The program writes the pages (tests/report/html_test.cc). Exits with 77, saying so, where no
Chromium is installed. With LLMSWEEP_SHOTS_DIR set it leaves screenshots there.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report_screenshots  # noqa: E402
from chromium import Chromium, find_chromium  # noqa: E402

# Pixels of a canvas that are near the series colour `index`.
COUNT_PIXELS = """(id, index) => {
  const canvas = document.getElementById(id);
  const read = (width, height) => Object.assign(document.createElement('canvas'), {width, height})
      .getContext('2d', {willReadFrequently: true});
  const probe = read(1, 1);
  probe.fillStyle = seriesColor(index);
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const copied = read(canvas.width, canvas.height);
  copied.drawImage(canvas, 0, 0);
  const data = copied.getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const near = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 24;
    count += near && data[i + 3] > 200 ? 1 : 0;
  }
  return count;
}"""


class HtmlReport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        environment = dict(os.environ, LLMSWEEP_FIGURES_DIR=cls.folder.name)
        subprocess.run([PROGRAM, "--gtest_filter=HtmlReport.*"], env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        cls.browser = Chromium(CHROMIUM)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.folder.cleanup()

    def setUp(self):
        self.browser.resize(1280, 900)
        self.browser.color_scheme("light")
        self.open("report.html")

    def open(self, name):
        self.browser.open(os.path.join(self.folder.name, name))

    def tearDown(self):
        self.assertEqual(self.browser.problems(), [])

    def run_script(self, expression):
        return self.browser.evaluate(expression)

    def pixels(self, canvas, index):
        return self.run_script("(%s)(%s, %d)" % (COUNT_PIXELS, json.dumps(canvas), index))

    def point(self, dataset, index):
        """Where a mark of the first chart is in the window."""
        return self.run_script("""(() => {
            const chart = charts[0];
            chart.canvas.scrollIntoView({block: 'center', behavior: 'instant'});
            const box = chart.canvas.getBoundingClientRect();
            const mark = chart.getDatasetMeta(%d).data[%d];
            return [box.left + mark.x, box.top + mark.y]; })()""" % (dataset, index))

    def test_every_chart_is_drawn(self):
        canvases = self.run_script("charts.map((chart) => chart.canvas.id)")
        self.assertEqual(len(canvases), 5)
        for canvas in canvases:
            for result in range(3):
                self.assertGreater(self.pixels(canvas, result), 60, (canvas, result))
        self.assertGreater(self.pixels("chart-distribution", 0), 60)
        self.assertGreater(self.pixels("chart-timeline", 0), 60)

    def test_hovering_shows_exact_values_with_their_interval(self):
        x, y = self.point(0, 0)
        self.browser.mouse("mouseMoved", x, y)
        self.browser.frames()
        tooltip = self.run_script("""({shown: charts[0].tooltip.opacity, title: charts[0].tooltip.title.join(' '),
            body: charts[0].tooltip.body.flatMap((part) => part.lines).join(' ')})""")
        self.assertGreater(tooltip["shown"], 0)
        self.assertEqual(tooltip["title"], "GB200 NVFP4, concurrency 1")
        self.assertIn("median E2E 5,801 ms [5,685, 5,917]", tooltip["body"])
        self.assertIn("between runs", tooltip["body"])

    def test_the_legend_hides_and_shows_a_result_in_every_chart(self):
        before = self.pixels("chart-gpu-speed", 0)
        self.browser.click("document.querySelector('#legend button')")
        self.assertEqual(self.run_script(
            "document.querySelector('#legend button').getAttribute('aria-pressed')"), "false")
        self.assertLess(self.pixels("chart-gpu-speed", 0), 5)
        self.assertLess(self.pixels("chart-throughput-latency", 0), 5)
        self.assertGreater(self.pixels("chart-gpu-speed", 1), 60)
        self.browser.click("document.querySelector('#legend button')")
        self.assertEqual(self.pixels("chart-gpu-speed", 0), before)

    def test_dragging_zooms_and_reset_undoes_it(self):
        before = self.run_script("[charts[0].scales.x.min, charts[0].scales.x.max]")
        x0, y0 = self.point(0, 0)
        x1, y1 = self.point(0, 3)
        self.browser.drag(x0 - 20, y0 + 20, x1 + 20, y1 - 20)
        low, high = self.run_script("[charts[0].scales.x.min, charts[0].scales.x.max]")
        self.assertGreater(low, before[0])
        self.assertLess(high, before[1])
        self.browser.click("charts[0].canvas.closest('.chart').querySelector('[aria-label=\"Reset the zoom\"]')")
        self.assertEqual(self.run_script("[charts[0].scales.x.min, charts[0].scales.x.max]"), before)

    def test_the_keyboard_reaches_every_point(self):
        self.run_script("charts[0].canvas.focus()")
        self.browser.key("ArrowRight")
        first = self.run_script("document.getElementById('chart-live').textContent")
        self.browser.key("ArrowRight")
        second = self.run_script("document.getElementById('chart-live').textContent")
        self.assertIn("GB200 NVFP4, concurrency 1: ", first)
        self.assertIn("GB200 NVFP4, concurrency 2: ", second)

    def test_scales_switch_between_linear_and_logarithmic(self):
        switch = "charts[0].canvas.closest('.chart').querySelectorAll('.tools button')[0]"
        before = self.run_script("charts[0].scales.x.type")
        self.browser.click(switch)
        self.assertNotEqual(self.run_script("charts[0].scales.x.type"), before)

    def test_tables_sort_and_copy(self):
        column = "[...document.querySelectorAll('#levels table')[0].tBodies[0].rows].map((row) => row.cells[0].textContent)"
        heading = "document.querySelectorAll('#levels th button')[0]"
        self.browser.click(heading)
        self.assertEqual(self.run_script(column)[0], "1")
        self.browser.click(heading)
        self.assertEqual(self.run_script(column), ["64", "32", "16", "8", "4", "2", "1"])
        text = self.run_script("asTabs(document.querySelectorAll('#levels table')[0])")
        self.assertEqual(len(text.split("\n")), 8)
        self.assertTrue(text.split("\n")[1].startswith("64\t2,832 [2,747, 2,917]\t"))
        self.assertIn("| --- |", self.run_script(
            "asMarkdown(document.querySelectorAll('#levels table')[0])").replace("|---", "| --- "))

    def test_requests_follow_the_choice(self):
        summary = "document.getElementById('distribution-summary').textContent"
        before = self.run_script(summary)
        self.run_script("""(() => { const node = document.querySelector('#distribution-tools select');
            node.value = '1'; node.dispatchEvent(new Event('change')); })()""")
        self.assertNotEqual(self.run_script(summary), before)
        self.assertIn("at concurrency 1.", self.run_script(summary))
        x, y = self.run_script("""(() => {
            timeline.canvas.scrollIntoView({block: 'center', behavior: 'instant'});
            const box = timeline.canvas.getBoundingClientRect();
            const shape = geometry();
            const span = timeline.run.spans[0];
            return [box.left + shape.x((span[1] + span[4]) / 2), box.top + kTop + shape.row / 2]; })()""")
        self.browser.mouse("mouseMoved", x, y)
        self.assertIn("slot 1, warmup, ok", self.run_script("timeline.tip.innerText"))

    def test_dark_colours_reach_the_charts(self):
        light = self.run_script("[getComputedStyle(document.body).backgroundColor, charts[0].data.datasets[0].borderColor]")
        self.browser.color_scheme("dark")
        dark = self.run_script("[getComputedStyle(document.body).backgroundColor, charts[0].data.datasets[0].borderColor]")
        self.assertNotEqual(light[0], dark[0])
        self.assertNotEqual(light[1], dark[1])

    def test_a_phone_scrolls_in_one_direction_only(self):
        self.browser.resize(375, 812, mobile=True)
        self.open("report.html")
        self.assertEqual(self.run_script("document.documentElement.scrollWidth"), 375)
        self.assertGreater(self.pixels("chart-throughput-latency", 0), 60)

    def test_the_raw_result_can_be_taken_out(self):
        names = self.run_script(
            "[...document.querySelectorAll('script[data-result]')].map((raw) => JSON.parse(raw.textContent).name)")
        self.assertEqual(names, ["GB200 NVFP4", "GB200 FP8", "H200 FP8"])
        self.assertEqual(self.run_script("document.querySelectorAll('#downloads button').length"), 4)

    def test_hostile_text_stays_text(self):
        self.open("hostile.html")
        self.assertEqual(self.run_script("document.images.length"), 0)
        self.assertEqual(self.run_script("report.results[0].name"), "</script><script>alert(1)</script>")
        self.assertIn("</script><script>alert(1)</script>", self.run_script("document.querySelector('h1').textContent"))
        self.assertEqual(self.run_script("JSON.parse(document.querySelector('script[data-result]').textContent).name"),
                         "</script><script>alert(3)</script>")
        self.browser.resize(375, 812, mobile=True)
        self.open("hostile.html")
        self.assertEqual(self.run_script("document.documentElement.scrollWidth"), 375)

    def test_a_million_requests_are_summarised(self):
        self.open("million.html")
        self.assertGreater(self.pixels("chart-distribution", 0), 60)
        self.assertIn("1,000,000 requests", self.run_script("document.getElementById('timeline-summary').textContent"))

    def test_screenshots(self):
        folder = os.environ.get("LLMSWEEP_SHOTS_DIR")
        if not folder:
            self.skipTest("LLMSWEEP_SHOTS_DIR is not set")
        report_screenshots.take(self.browser, os.path.join(self.folder.name, "report.html"), folder)

    def test_headings_of_tables_break_between_words(self):
        for width in (1280, 390):
            self.browser.resize(width, 900, mobile=width < 800)
            self.open("report.html")
            broken = self.run_script("""[...document.querySelectorAll('thead th button')].filter((head) => {
                const style = getComputedStyle(head);
                const pen = document.createElement('canvas').getContext('2d');
                pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
                const words = (head.firstChild || head).textContent.split(/\\s|(?=\\/)/);
                return Math.max(...words.map((word) => pen.measureText(word).width)) >
                    head.getBoundingClientRect().width + 1;
            }).map((head) => head.textContent)""")
            self.assertEqual(broken, [])

    def test_print_hides_what_only_works_on_a_screen(self):
        self.browser.print_media(True)
        self.addCleanup(self.browser.print_media, False)
        self.open("report.html")
        tools = self.run_script("""[...document.querySelectorAll('.tools, .table-tools button')]
            .map((tool) => tool.offsetParent !== null)""")
        self.assertGreater(len(tools), 4)
        self.assertNotIn(True, tools)
        self.assertEqual(self.run_script("getComputedStyle(document.body).backgroundColor"),
                         "rgb(255, 255, 255)")
        width = self.run_script("document.documentElement.scrollWidth - window.innerWidth")
        self.assertLessEqual(width, 0)


if __name__ == "__main__":
    CHROMIUM = find_chromium()
    if CHROMIUM is None:
        print("SKIPPED: no Chromium is installed")
        sys.exit(77)
    PROGRAM = sys.argv.pop(1)
    unittest.main()
