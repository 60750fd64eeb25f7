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

    def marks(self, chart, result):
        """How many marks of a result are drawn, and that they have a size."""
        return self.run_script("""(() => {
            const marks = [...document.querySelectorAll('#chart-%s g.mark.r%d')];
            return marks.filter((mark) => mark.getBoundingClientRect().width > 5).length; })()""" % (chart, result))

    def point(self, index, chart=0):
        """Where a mark of a chart is in the window."""
        return self.run_script("""(() => {
            const chart = charts[%d];
            chart.svg.scrollIntoView({block: 'center', behavior: 'instant'});
            const box = chart.svg.getBoundingClientRect();
            const scale = box.width / chart.size.width;
            const {x, y} = chart.points[%d];
            return [box.left + x * scale, box.top + y * scale]; })()""" % (chart, index))

    def test_every_chart_is_drawn(self):
        ids = self.run_script("charts.map((chart) => chart.spec.id)")
        self.assertEqual(ids, ["throughput-latency", "gpu-throughput-speed", "latency-concurrency",
                               "throughput-concurrency", "percentiles"])
        for chart in ids:
            for result in range(3):
                self.assertGreaterEqual(self.marks(chart, result), 7, (chart, result))
        self.assertGreater(self.run_script("document.querySelectorAll('#chart-distribution rect.f0').length"), 10)
        self.assertGreater(self.pixels("chart-timeline", 0), 60)

    def test_marks_whiskers_and_texts_are_inside_their_drawing(self):
        for width in (1280, 800, 390):
            self.browser.resize(width, 900, mobile=width < 500)
            self.open("report.html")
            outside = self.run_script("""charts.flatMap((chart) => {
                const box = chart.svg.getBoundingClientRect();
                const out = (node) => { const b = node.getBoundingClientRect();
                    return b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1; };
                return [...chart.svg.querySelectorAll('text, g.mark')].filter(out)
                    .map((node) => chart.spec.id + ' ' + node.textContent); })""")
            self.assertEqual(outside, [], width)
            small = self.run_script("""Math.min(...charts.map((chart) =>
                12 * chart.svg.clientWidth / chart.size.width))""")
            self.assertGreater(small, 9.5, width)

    def test_no_text_of_a_chart_covers_another_or_a_target(self):
        for width in (1280, 390):
            self.browser.resize(width, 900, mobile=width < 500)
            self.open("report.html")
            self.assertEqual(self.run_script("""charts.flatMap((chart) => {
                const texts = [...chart.svg.querySelectorAll('text')].filter((node) => node.textContent);
                const lines = [...chart.svg.querySelectorAll('path.target')];
                const box = (node) => node.getBoundingClientRect();
                const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
                const found = [];
                texts.forEach((one, i) => texts.slice(i + 1).forEach((other) => {
                    if (meet(box(one), box(other))) found.push(one.textContent + ' / ' + other.textContent);
                }));
                for (const label of chart.svg.querySelectorAll('text.label')) {
                    if (lines.some((line) => meet(box(line), box(label)))) found.push(label.textContent + ' / target');
                }
                return found.map((text) => chart.spec.id + ': ' + text); })"""), [], width)

    def test_concurrency_has_whole_ticks(self):
        switch = "charts[2].tools.querySelectorAll('button')[0]"
        self.browser.click(switch)
        texts = self.run_script("charts[2].axis('x').ticks.map((tick) => tick[1])")
        self.assertEqual([text for text in texts if "." in text], [])

    def test_hovering_shows_exact_values_with_their_interval(self):
        x, y = self.point(0)
        self.browser.mouse("mouseMoved", x, y)
        self.browser.frames()
        self.assertFalse(self.run_script("charts[0].tip.hidden"))
        text = self.run_script("charts[0].tip.innerText")
        self.assertTrue(text.startswith("GB200 NVFP4, concurrency 1\n"), text)
        self.assertIn("median E2E 5,801 ms [5,685, 5,917]", text)
        self.assertIn("between runs", text)
        self.browser.mouse("mouseMoved", 5, 5)
        self.assertTrue(self.run_script("charts[0].tip.hidden"))

    def test_the_legend_hides_and_shows_a_result_in_every_chart(self):
        before = self.marks("gpu-throughput-speed", 0)
        self.browser.click("document.querySelector('#legend button')")
        self.assertEqual(self.run_script(
            "document.querySelector('#legend button').getAttribute('aria-pressed')"), "false")
        self.assertEqual(self.marks("gpu-throughput-speed", 0), 0)
        self.assertEqual(self.marks("throughput-latency", 0), 0)
        self.assertGreater(self.marks("gpu-throughput-speed", 1), 0)
        self.browser.click("document.querySelector('#legend button')")
        self.assertEqual(self.marks("gpu-throughput-speed", 0), before)

    def test_dragging_zooms_and_reset_undoes_it(self):
        x0, y0 = self.point(0)
        x1, y1 = self.point(3)
        ticks = "[...charts[0].svg.querySelectorAll('text.soft')].map((text) => text.textContent).filter((text) => text)"
        before = self.run_script(ticks)
        self.browser.drag(x0 - 20, y0 + 20, x1 + 20, y1 - 20)
        low, high = self.run_script("charts[0].shown.x")
        self.assertGreater(low, 0)
        self.assertLess(high, 1)
        self.assertTrue(any(text not in before for text in self.run_script(ticks)))
        self.browser.click("charts[0].tools.querySelector('[aria-label=\"Reset the zoom\"]')")
        self.assertEqual(self.run_script("charts[0].shown.x"), [0, 1])
        self.assertEqual(self.run_script(ticks), before)

    def test_the_keyboard_reaches_every_point(self):
        live = "document.getElementById('chart-live').textContent"
        self.run_script("charts[0].svg.focus()")
        self.browser.key("ArrowRight")
        self.assertIn("GB200 NVFP4, concurrency 1: ", self.run_script(live))
        self.browser.key("ArrowRight")
        self.assertIn("GB200 NVFP4, concurrency 2: ", self.run_script(live))
        self.browser.key("End")
        self.assertIn("H200 FP8, concurrency 64: ", self.run_script(live))
        self.assertIn("INVALID: ", self.run_script(live))
        self.browser.key("Escape")
        self.assertTrue(self.run_script("charts[0].tip.hidden"))
        self.run_script("document.getElementById('chart-distribution').focus()")
        self.browser.key("ArrowRight")
        self.assertIn("requests", self.run_script(live))
        self.run_script("document.getElementById('chart-timeline').focus()")
        self.browser.key("ArrowRight")
        self.assertIn("slot 1, warmup, ok", self.run_script(live))

    def test_the_keyboard_zooms(self):
        self.run_script("charts[0].svg.focus()")
        self.run_script("""charts[0].svg.dispatchEvent(new KeyboardEvent('keydown', {key: '+', bubbles: true}))""")
        self.assertGreater(self.run_script("charts[0].shown.x[0]"), 0)
        self.run_script("""charts[0].svg.dispatchEvent(new KeyboardEvent('keydown', {key: '0', bubbles: true}))""")
        self.assertEqual(self.run_script("charts[0].shown.x"), [0, 1])

    def test_scales_switch_between_linear_and_logarithmic(self):
        switch = "charts[0].tools.querySelectorAll('button')[0]"
        before = self.run_script("charts[0].axis('x').title")
        self.browser.click(switch)
        after = self.run_script("charts[0].axis('x').title")
        self.assertNotEqual(after, before)
        self.assertIn(after, self.run_script("charts[0].svg.textContent"))

    def test_the_latency_shown_is_a_choice(self):
        self.run_script("""(() => { const node = charts[2].tools.querySelector('select');
            node.value = [...node.options].find((option) => option.textContent === 'Median TTFT').value;
            node.dispatchEvent(new Event('change')); })()""")
        self.assertIn("median TTFT (ms)", self.run_script("charts[2].svg.textContent"))
        self.run_script("charts[2].svg.focus()")
        self.browser.key("ArrowRight")
        self.assertIn("concurrency 1: median TTFT 70",
                      self.run_script("document.getElementById('chart-live').textContent"))

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

    def test_the_figures_of_each_model_sort_copy_and_fit_a_phone(self):
        self.open("models.html")
        tables = "[...document.querySelectorAll('[aria-label^=\"By model\"] table')]"
        self.assertEqual(self.run_script(tables + ".length"), 2)
        models = tables + "[0].tBodies[0].rows[0].cells[1].textContent"
        slowest = tables + "[0].tHead.rows[0].cells[4].querySelector('button')"
        self.browser.click(slowest)
        self.assertEqual(self.run_script(models), "small")
        self.browser.click(slowest)
        self.assertEqual(self.run_script(models), "large")
        text = self.run_script("asTabs(%s[0])" % tables)
        self.assertTrue(text.startswith("concurrency\tmodel\trequests"), text)
        tools = tables + "[0].closest('.table-block').querySelectorAll('.table-tools button').length"
        self.assertEqual(self.run_script(tools), 2)
        self.browser.resize(375, 812, mobile=True)
        self.open("models.html")
        self.assertEqual(self.run_script("document.documentElement.scrollWidth"), 375)

    def test_requests_follow_the_choice(self):
        summary = "document.getElementById('distribution-summary').textContent"
        before = self.run_script(summary)
        self.run_script("""(() => { const node = document.querySelector('#distribution-tools select');
            node.value = '0'; node.dispatchEvent(new Event('change')); })()""")
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

    def test_the_servers_gauges_stand_under_the_timeline(self):
        self.assertEqual(self.run_script("timeline.run.gauges.map((gauge) => gauge.name)"), ["running", "waiting"])
        self.assertIn("waiting 0 to 5.50 requests",
                      self.run_script("document.getElementById('timeline-gauges').textContent"))
        x, y = self.run_script("""(() => {
            timeline.canvas.scrollIntoView({block: 'end', behavior: 'instant'});
            const box = timeline.canvas.getBoundingClientRect();
            const shape = geometry();
            return [box.left + shape.x(shape.end) - 20, box.top + shape.strip + 10]; })()""")
        self.browser.mouse("mouseMoved", x, y)
        self.assertIn("running 4 requests", self.run_script("timeline.tip.innerText"))

    def test_dark_colours_reach_the_charts(self):
        light = self.run_script("[getComputedStyle(document.body).backgroundColor, getComputedStyle(charts[0].svg.querySelector('.line.c0')).stroke]")
        self.browser.color_scheme("dark")
        dark = self.run_script("[getComputedStyle(document.body).backgroundColor, getComputedStyle(charts[0].svg.querySelector('.line.c0')).stroke]")
        self.assertNotEqual(light[0], dark[0])
        self.assertNotEqual(light[1], dark[1])

    def test_a_phone_scrolls_in_one_direction_only(self):
        self.browser.resize(375, 812, mobile=True)
        self.open("report.html")
        self.assertEqual(self.run_script("document.documentElement.scrollWidth"), 375)
        self.assertGreater(self.marks("throughput-latency", 0), 6)

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
        self.assertEqual(self.run_script("document.querySelectorAll('#chart-distribution rect.f0').length"), 1)
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

    def test_whether_a_level_is_valid_is_in_view_on_a_desktop(self):
        self.browser.resize(1280, 900)
        self.open("report.html")
        self.assertEqual(self.run_script("""[...document.querySelectorAll('#levels .scroll')]
            .filter((box) => box.scrollWidth > box.clientWidth + 1).length"""), 0)

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
