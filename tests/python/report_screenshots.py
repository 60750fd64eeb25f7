"""Screenshots of an HTML report: desktop and phone, light and dark, and the print preview in grey.

usage: report_screenshots.py REPORT.html FOLDER
scripts/screenshots makes those of docs/images with it.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chromium import Chromium, find_chromium  # noqa: E402

PAPER = (794, 1123)  # A4 at 96 dots an inch


def take(browser, report, folder):
    for scheme in ("light", "dark"):
        for name, width, height in (("desktop", 1280, 1340), ("phone", 390, 1200)):
            browser.resize(width, height, mobile=name == "phone")
            browser.color_scheme(scheme)
            browser.open(report)
            browser.screenshot(os.path.join(folder, "report-%s-%s.png" % (name, scheme)),
                               full_page=False)
    browser.resize(*PAPER)
    browser.print_media(True)
    browser.open(report)
    browser.evaluate("document.documentElement.style.filter = 'grayscale(1)'")
    browser.frames()
    browser.screenshot(os.path.join(folder, "report-print-grey.png"), full_page=False)
    browser.print_media(False)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    chromium = Chromium(find_chromium())
    try:
        take(chromium, sys.argv[1], sys.argv[2])
    finally:
        chromium.close()
