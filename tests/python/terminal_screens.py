"""What the program prints on terminals of 80, 100 and 160 columns, as pictures.

usage: terminal_screens.py FOLDER LLMSWEEP WORD...
Runs LLMSWEEP with the words in a terminal of each width and leaves screen-80.png, … in FOLDER.
"""

import fcntl
import html
import os
import pty
import re
import struct
import sys
import tempfile
import termios

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chromium import Chromium, find_chromium  # noqa: E402

STYLES = {"1": "font-weight: 700", "2": "opacity: .65", "31": "color: #a3200d", "32": "color: #1a6b3c",
          "33": "color: #7a4d00", "36": "color: #00609a"}
PAGE = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; } pre { margin: 0; padding: 14px; display: inline-block; color: #16191d;
background: #fff; font: 13px/1.4 "DejaVu Sans Mono", monospace; }</style><pre>%s</pre>"""


def printed(words, columns):
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
        os.execvp(words[0], words)
    text = b""
    while True:
        try:
            read = os.read(terminal, 1 << 16)
        except OSError:  # the other end is closed
            read = b""
        if not read:
            break
        text += read
    os.waitpid(pid, 0)
    os.close(terminal)
    return text.decode("utf-8").replace("\r\n", "\n")


def marked_up(text):
    """Its colours as spans; other escape sequences are an error: this is no terminal."""
    parts = re.split(r"\x1b\[([0-9;]*)m", text)
    body, is_open = html.escape(parts[0]), False
    for codes, rest in zip(parts[1::2], parts[2::2]):
        body += "</span>" if is_open else ""
        styles = [STYLES[code] for code in codes.split(";") if code not in ("", "0")]
        is_open = bool(styles)
        body += '<span style="%s">' % "; ".join(styles) if is_open else ""
        body += html.escape(rest)
    if "\x1b" in body:
        sys.exit("an escape sequence that is no colour")
    return body + ("</span>" if is_open else "")


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    folder, words = sys.argv[1], sys.argv[2:]
    browser = Chromium(find_chromium())
    try:
        for columns in (80, 100, 160):
            text = printed(words, columns)
            with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as page:
                page.write(PAGE % marked_up("$ llmsweep " + " ".join(words[1:]) + "\n" + text.rstrip()))
                page.flush()
                browser.resize(2000, 200)
                browser.open(page.name)
                width, height = browser.evaluate(
                    "(({width, height}) => [Math.ceil(width), Math.ceil(height)])(document.querySelector('pre').getBoundingClientRect())")
                browser.resize(width, height)
                browser.screenshot(os.path.join(folder, "screen-%d.png" % columns), full_page=False)
    finally:
        browser.close()


main()
