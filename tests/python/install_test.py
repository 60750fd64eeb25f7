"""Installs a build into a folder and packs it as a Debian package.

usage: install_test.py CMAKE BUILD_FOLDER
What needs a tool that is not there (dpkg-deb, lintian) is skipped.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

FILES = [
    "bin/llmsweep",
    "share/bash-completion/completions/llmsweep",
    "share/fish/vendor_completions.d/llmsweep.fish",
    "share/man/man1/llmsweep.1.gz",
    "share/llmsweep/configs/simulators/toy.yaml",
    "share/llmsweep/datasets/sharegpt-sample.json",
    "share/doc/llmsweep/copyright",
]


def run(*words, **options):
    result = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        raise AssertionError("%s: %s%s" % (" ".join(words), result.stdout, result.stderr))
    return result.stdout


class Installation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="llmsweep-install-")
        self.addCleanup(shutil.rmtree, self.folder)

    def test_everything_is_there_and_finds_its_data_from_anywhere(self):
        prefix = os.path.join(self.folder, "moved")
        run(CMAKE, "--install", BUILD, "--prefix", os.path.join(self.folder, "first"))
        os.rename(os.path.join(self.folder, "first"), prefix)
        for name in FILES + ["share/zsh/site-functions/_llmsweep"]:
            self.assertTrue(os.path.getsize(os.path.join(prefix, name)) > 100, name)
        spec = os.path.join(self.folder, "spec.yaml")
        with open(spec, "w", encoding="utf-8") as file:
            file.write("name: x\nsystem: {gpus: 1}\nload: {concurrency: [1]}\n"
                       "endpoint: {simulator: configs/simulators/toy.yaml}\n")
        plan = run(os.path.join(prefix, "bin/llmsweep"), "run", spec, "--dry-run", cwd=self.folder)
        self.assertIn(os.path.join(prefix, "share/llmsweep/configs/simulators/toy.yaml"), plan)

    @unittest.skipUnless(shutil.which("dpkg-deb"), "no dpkg-deb")
    def test_the_debian_package_is_whole(self):
        run("cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", self.folder)
        package, = (name for name in os.listdir(self.folder) if name.endswith(".deb"))
        package = os.path.join(self.folder, package)
        listed = run("dpkg-deb", "-c", package)
        for name in FILES + ["share/zsh/vendor-completions/_llmsweep"]:
            self.assertIn(" ./usr/%s\n" % name, listed)
        self.assertIn("libc6", run("dpkg-deb", "-f", package, "Depends"))
        if shutil.which("lintian") is None:
            print("SKIPPED: no lintian")  # counted by skipped.py
            self.skipTest("no lintian")
        found = subprocess.run(["lintian", "--allow-root", package], capture_output=True, text=True,
                               check=False).stdout
        self.assertEqual([line for line in found.splitlines() if line.startswith("E:")], [])


if __name__ == "__main__":
    CMAKE, BUILD = sys.argv[1:3]
    del sys.argv[1:3]
    unittest.main()
