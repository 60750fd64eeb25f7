#!/usr/bin/env python3
"""Lays out the image of packaging/container/Containerfile and runs it, without a container engine.

    container_test.py DIST FOLDER     DIST: what scripts/portable left; as root on Debian 12

This system stands for the Containerfile's first stage, which is Debian 12 too. The payload is mounted
read-only as the root of its user, with /results and /tmp the only places to write. Prints the image's
size; exits 1 where something is wrong.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

CONTAINERFILE = pathlib.Path(__file__).resolve().parents[2] / "packaging/container/Containerfile"


def instructions():
    """The last stage: instruction to its words."""
    stage = CONTAINERFILE.read_text(encoding="utf-8").split("\nFROM ")[-1]
    found = dict(line.split(" ", 1) for line in ("FROM " + stage).splitlines() if line)
    assert found["FROM"] == "scratch", found
    return found


def lay_out(dist, root):
    shutil.rmtree(root, ignore_errors=True)
    run, = re.findall(r"^RUN /in/payload (.*)$", CONTAINERFILE.read_text(encoding="utf-8"), re.M)
    words = [{"/in": str(dist), '"$TARGETARCH"': "amd64", "/payload": str(root)}[word] for word in run.split()]
    subprocess.run([CONTAINERFILE.parent / "payload", *words], check=True)


def in_image(root, found, *words):
    user, folder = found["USER"], found["WORKDIR"]
    mounts = ('root=$1; user=$2; folder=$3; shift 3; mount --bind "$root" "$root" && mount -o remount,bind,ro "$root" && '
              'mount --bind "$root.results" "$root$folder" && mount -t tmpfs -o mode=1777 tmpfs "$root/tmp" && '
              'mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" && cd "$root$folder" && '
              'exec chroot --userspec="$user" "$root" "$@"')
    environment = dict(word.split("=", 1) for word in found["ENV"].split())
    return subprocess.run(["unshare", "-m", "sh", "-c", mounts, "sh", str(root), user, folder,
                           *json.loads(found["ENTRYPOINT"]), *words], capture_output=True, text=True,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment}, timeout=280, check=False)


def expect(condition, what, done):
    if not condition:
        sys.exit(f"FAILED: {what}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def main(dist, folder):
    if os.geteuid() != 0:
        sys.exit("container_test.py: needs root")
    root = pathlib.Path(folder).resolve() / "image"
    found = instructions()
    lay_out(pathlib.Path(dist).resolve(), root)
    results = root.with_name("image.results")
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    uid, gid = (int(part) for part in found["USER"].split(":"))
    os.chown(results, uid, gid)
    done = in_image(root, found, *json.loads(found["CMD"]))
    expect(done.returncode == 0 and "Usage: llmsweep" in done.stdout, "the help", done)
    done = in_image(root, found, "--version", "--verbose")
    expect("/etc/ssl/certs/ca-certificates.crt" in done.stdout, "the authorities", done)
    done = in_image(root, found, "demo", "--quick", "--out", found["WORKDIR"])
    expect(done.returncode == 0, "the demo", done)
    report = results / "demo/report.html"
    expect(report.exists() and report.stat().st_uid == uid, "its report, by its user", done)
    done = in_image(root, found, "demo", "--quick", "--out", "/elsewhere")
    expect(done.returncode == 2 and "Read-only file system" in done.stderr, "the root cannot be written", done)
    done = in_image(root, found, "selftest", "--streams", "8", "--rate", "50")
    expect(done.returncode in (0, 1) and "Ceiling: " in done.stdout, "the self-test", done)
    done = in_image(root, found, "check", "/usr/share/llmsweep/configs/simulated/demo-gb200-nvfp4.yaml")
    expect(done.returncode == 0, "the specs that are shipped", done)
    size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"the image works as user {found['USER']} on a read-only root; {size / 1e6:.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
