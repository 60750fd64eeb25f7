#!/usr/bin/env python3
"""Makes a wheel of an installed portable build, for pip and pipx: no Python in it.

    wheel.py PREFIX VERSION PLATFORM FOLDER       PLATFORM such as manylinux_2_28_x86_64

The program becomes a script of the environment, with configs, completions and manual below its
share/. The same files give the same bytes; SOURCE_DATE_EPOCH dates them. Prints the wheel's path.
"""

import base64
import hashlib
import os
import pathlib
import sys
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ("share/llmsweep", "share/man", "share/bash-completion", "share/zsh", "share/fish")


def metadata(version):
    return f"""Metadata-Version: 2.1
Name: llmsweep
Version: {version}
Summary: Measures LLM serving, and prints its own error next to its results
License: MIT
License-File: LICENSE
License-File: licenses.txt
Keywords: LLM,benchmark,inference,latency,throughput
Classifier: Environment :: Console
Classifier: License :: OSI Approved :: MIT License
Classifier: Operating System :: POSIX :: Linux
Classifier: Topic :: System :: Benchmark
Requires-Python: >=3.7
Description-Content-Type: text/plain

{(ROOT / "packaging/description").read_text(encoding="utf-8")}"""


def tags(platform):
    return f"""Wheel-Version: 1.0
Generator: llmsweep
Root-Is-Purelib: false
Tag: py3-none-{platform}
"""


def contents(prefix, version, platform):
    """Name in the wheel to bytes and whether it may be executed, the metadata last."""
    data, info = f"llmsweep-{version}.data", f"llmsweep-{version}.dist-info"
    yield f"{data}/scripts/llmsweep", (prefix / "bin/llmsweep").read_bytes(), True
    for folder in SHARED:
        for path in sorted((prefix / folder).rglob("*")):
            if path.is_file():
                yield f"{data}/data/{path.relative_to(prefix)}", path.read_bytes(), False
    documents = prefix / "share/doc/llmsweep"
    yield f"{info}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes(), False
    yield f"{info}/licenses/licenses.txt", (documents / "licenses.txt").read_bytes(), False
    yield f"{info}/sboms/llmsweep.spdx.json", (documents / "llmsweep.spdx.json").read_bytes(), False
    yield f"{info}/METADATA", metadata(version).encode(), False
    yield f"{info}/WHEEL", tags(platform).encode(), False


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def write_wheel(prefix, version, platform, folder):
    path = pathlib.Path(folder) / f"llmsweep-{version}-py3-none-{platform}.whl"
    date = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))[:6]
    record = ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        def add(name, data, executable=False):
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: the mode counts
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            wheel.writestr(entry, data)

        for name, data, executable in contents(pathlib.Path(prefix), version, platform):
            add(name, data, executable)
            record += record_line(name, data)
        name = f"llmsweep-{version}.dist-info/RECORD"
        add(name, record + f"{name},,\n")
    return path


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    print(write_wheel(*sys.argv[1:]))
