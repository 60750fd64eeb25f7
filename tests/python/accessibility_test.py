"""Looks at the HTML report with axe-core, an accessibility checker, in a headless Chromium.

usage: accessibility_test.py REPORT_TEST_PROGRAM
LLMSWEEP_AXE names axe.min.js, which the nightly tier fetches from npm's registry; the repository
does not hold it. Exits with 77, saying so, where it or Chromium is missing.
"""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chromium import Chromium, find_chromium  # noqa: E402

# What was found, a line an element: the rule and where.
CHECK = """axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.flatMap((rule) =>
    rule.nodes.map((node) => rule.id + ': ' + node.target.join(' ') + ': ' + node.failureSummary.slice(0, 300))))"""


class Accessibility(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        environment = dict(os.environ, LLMSWEEP_FIGURES_DIR=cls.folder.name)
        subprocess.run([PROGRAM, "--gtest_filter=HtmlReport.*"], env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        cls.browser = Chromium(CHROMIUM)
        with open(AXE, encoding="utf-8") as file:
            cls.axe = file.read()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.folder.cleanup()

    def test_nothing_is_found(self):
        for scheme in ("light", "dark"):
            for width, height in ((1280, 900), (390, 844)):
                for page in ("report.html", "million.html", "hostile.html"):
                    with self.subTest(scheme=scheme, width=width, page=page):
                        self.browser.resize(width, height, mobile=width < 500)
                        self.browser.color_scheme(scheme)
                        self.browser.open(os.path.join(self.folder.name, page))
                        self.browser.evaluate(self.axe + "; true")
                        self.assertEqual(self.browser.evaluate(CHECK), [])

    def test_it_would_find_something(self):
        self.browser.open(os.path.join(self.folder.name, "report.html"))
        self.browser.evaluate("document.querySelector('#legend button').replaceChildren()")
        self.browser.evaluate(self.axe + "; true")
        self.assertTrue(any(line.startswith("button-name") for line in self.browser.evaluate(CHECK)))


if __name__ == "__main__":
    CHROMIUM = find_chromium()
    AXE = os.environ.get("LLMSWEEP_AXE")
    if CHROMIUM is None:
        print("SKIPPED: no Chromium is installed")
        sys.exit(77)
    if not AXE:
        print("SKIPPED: nightly: axe-core is fetched by the nightly tier (LLMSWEEP_AXE)")
        sys.exit(77)
    PROGRAM = sys.argv.pop(1)
    unittest.main()
