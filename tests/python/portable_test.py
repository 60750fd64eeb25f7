"""What the portable build rests on: its check of a binary, its pins, its wheel.

usage: portable_test.py CMAKE BUILD_FOLDER
The wheel is made of the build that is tested, installed by pip without an index and run. Binaries
that scripts/portable has left are checked again.
"""

import base64
import csv
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ROOT / "packaging/portable"
sys.path.insert(0, str(PARTS))
sys.dont_write_bytecode = True  # not beside the sources
import fetch  # noqa: E402


def run(*words, **options):
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        raise AssertionError(f"{words}: {result.stdout}{result.stderr}")
    return result.stdout


class InAFolder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="llmsweep-portable-"))
        self.addCleanup(shutil.rmtree, self.folder)


@unittest.skipUnless(shutil.which("cc") and shutil.which("readelf"), "no compiler, or no readelf")
class Check(InAFolder):
    def shared_object(self, source, *options):
        code = self.folder / "code.c"
        code.write_text(source, encoding="utf-8")
        made = self.folder / "made.so"
        run("cc", "-shared", "-fPIC", "-nostartfiles", "-O0", "-fno-builtin", "-o", made, code, *options)
        return made

    def objections(self, *files):
        done = subprocess.run([PARTS / "check_binary.py", *files], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        self.assertIn(done.returncode, (0, 1))
        return done.stdout if done.returncode == 1 else ""

    def test_old_symbols_of_glibc_are_no_objection(self):
        made = self.shared_object('int puts(const char*); int f(void) { return puts("x"); }')
        self.assertEqual(self.objections(made), "")
        self.assertIn("newest symbol GLIBC_2.2.5", run(PARTS / "check_binary.py", made))

    def test_a_newer_symbol_is_named(self):
        made = self.shared_object("double hypot(double, double); double f(double x) { return hypot(x, x); }", "-lm")
        self.assertIn("GLIBC_2.35, above GLIBC_2.28", self.objections(made))

    def test_another_library_is_named(self):
        made = self.shared_object("int BIO_free(void*); int f(void) { return BIO_free(0); }", "-lcrypto")
        self.assertIn("needs libcrypto.so.3", self.objections(made))

    def test_places_to_look_in_are_named(self):
        made = self.shared_object("int f(void) { return 0; }", "-Wl,-rpath,/opt/lib")
        self.assertIn("RUNPATH /opt/lib", self.objections(made))

    def test_an_executable_stack_is_named(self):
        made = self.shared_object("int f(void) { return 0; }", "-Wl,-z,execstack")
        self.assertIn("executable stack", self.objections(made))

    def test_a_program_at_a_fixed_place_is_named(self):
        code = self.folder / "main.c"
        code.write_text("int main(void) { return 0; }", encoding="utf-8")
        run("cc", "-no-pie", "-o", self.folder / "fixed", code)
        self.assertIn("not position-independent", self.objections(self.folder / "fixed"))

    def test_the_debian_build_is_none(self):
        if "build/portable" in BUILD:
            self.skipTest("this is no build of Debian's libraries")
        self.assertIn("libstdc++", self.objections(os.path.join(BUILD, "llmsweep")))

    def test_what_was_built_passes(self):
        built = sorted((ROOT / "build/portable").glob("*/build/llmsweep"))
        if not built:
            print("SKIPPED: scripts/portable has not been run")  # counted by skipped.py
            self.skipTest("no portable build")
        self.assertEqual(self.objections(*built), "")


class Pins(InAFolder):
    def test_every_file_has_its_sum_and_the_table_stays_as_it_is(self):
        table = PARTS / "sources.txt"
        comments, components = fetch.read_table(table)
        self.assertGreater(len(components), 10)
        for component in components:
            self.assertRegex(component.version, r"^\d", component.name)
            self.assertTrue(component.sums, component.name)
            for file, digest in component.sums.items():
                self.assertRegex(digest, r"^[0-9a-f]{64}$", file)
        fetch.write_table(self.folder / "again.txt", comments, components)
        self.assertEqual((self.folder / "again.txt").read_text(), table.read_text())

    def test_another_file_than_the_pinned_one_is_refused_and_not_kept(self):
        component = fetch.Component("x", "deb", "x", "1", "MIT")
        component.sums = {"x.deb": hashlib.sha256(b"right").hexdigest()}

        class Registry:
            @staticmethod
            def get(_, folder):
                (folder / "x.deb").write_bytes(Registry.answer)
                return subprocess.CompletedProcess([], 0, "", "")

        Registry.answer = b"wrong"
        with self.assertRaisesRegex(SystemExit, "x.deb is not what was expected"):
            fetch.fetch(component, Registry, self.folder, False)
        self.assertFalse((self.folder / "downloads/x.deb").exists())
        Registry.answer = b"right"
        self.assertTrue(fetch.fetch(component, Registry, self.folder, False))
        self.assertFalse(fetch.fetch(component, None, self.folder, False))  # it is there
        (self.folder / "downloads/x.deb").write_bytes(b"spoilt")
        self.assertTrue(fetch.fetch(component, Registry, self.folder, False))


class Notices(InAFolder):
    def test_components_of_other_sources_are_named_with_their_package(self):
        (self.folder / "CMakeLists.txt").write_text(
            f"cmake_minimum_required(VERSION 3.25)\nproject(x VERSION 1.2 LANGUAGES NONE)\n"
            f"include({ROOT}/cmake/Notices.cmake)\n", encoding="utf-8")
        (self.folder / "LICENSE").write_text("our licence", encoding="utf-8")
        (self.folder / "notice").write_text("their notice", encoding="utf-8")
        (self.folder / "components").write_text(
            f"one|1.0|MIT|pkg:deb/debian/one@1.0?arch=source|{self.folder}/notice\n"
            f"two|2.0|Zlib|https://example.org/two|{self.folder}/notice\n", encoding="utf-8")
        run(CMAKE, "-S", self.folder, "-B", self.folder / "build",
            f"-DLLMSWEEP_COMPONENTS={self.folder}/components")
        notices = (self.folder / "build/licenses.txt").read_text(encoding="utf-8")
        for part in ("our licence", "one 1.0: MIT", "two 2.0: Zlib", "their notice"):
            self.assertIn(part, notices)
        _, one, two = json.loads((self.folder / "build/llmsweep.spdx.json").read_text(encoding="utf-8"))["packages"]
        self.assertEqual(one["externalRefs"][0]["referenceLocator"], "pkg:deb/debian/one@1.0?arch=source")
        self.assertEqual((one["downloadLocation"], two["downloadLocation"]), ("NOASSERTION", "https://example.org/two"))
        self.assertNotIn("externalRefs", two)


class Wheel(InAFolder):
    def test_pip_installs_it_and_the_program_finds_its_data(self):
        prefix = self.folder / "prefix"
        run(CMAKE, "--install", BUILD, "--prefix", prefix)
        with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as cache:
            version = next(line for line in cache if line.startswith("CMAKE_PROJECT_VERSION:")).split("=")[1].strip()
        platform = f"manylinux_2_28_{os.uname().machine}"
        make = [PARTS / "wheel.py", prefix, version, platform]
        dated = dict(os.environ, SOURCE_DATE_EPOCH="1700000000")
        wheel = pathlib.Path(run(*make, self.folder, env=dated).strip())
        self.assertEqual(wheel.name, f"llmsweep-{version}-py3-none-{platform}.whl")
        first = wheel.read_bytes()
        run(*make, self.folder, env=dated)
        self.assertEqual(wheel.read_bytes(), first)
        self.check_record(wheel)

        environment = self.folder / "environment"
        run(sys.executable, "-m", "venv", environment)
        run(environment / "bin/python", "-m", "pip", "install", "--no-index", "--no-deps", wheel)
        llmsweep = environment / "bin/llmsweep"
        self.assertEqual(run(llmsweep, "--version").strip(), f"llmsweep {version}")
        self.assertIn("Requires: ", run(environment / "bin/python", "-m", "pip", "show", "llmsweep"))
        (self.folder / "spec.yaml").write_text(
            "name: x\nsystem: {gpus: 1}\nload: {concurrency: [1]}\n"
            "endpoint: {simulator: configs/simulators/toy.yaml}\n", encoding="utf-8")
        plan = run(llmsweep, "run", "spec.yaml", "--dry-run", cwd=self.folder)
        self.assertIn(str(environment / "share/llmsweep/configs/simulators/toy.yaml"), plan)
        run(environment / "bin/python", "-m", "pip", "uninstall", "--yes", "llmsweep")
        self.assertFalse(llmsweep.exists())
        self.assertEqual([path for path in (environment / "share").rglob("*") if path.is_file()], [])

    def check_record(self, path):
        with zipfile.ZipFile(path) as wheel:
            names = set(wheel.namelist())
            record, = (name for name in names if name.endswith(".dist-info/RECORD"))
            rows = list(csv.reader(wheel.read(record).decode().splitlines()))
            self.assertEqual({row[0] for row in rows}, names)
            for name, digest, size in rows:
                if name == record:
                    continue
                data = wheel.read(name)
                expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                self.assertEqual((digest, int(size)), (f"sha256={expected}", len(data)), name)
            for part in ("licenses/licenses.txt", "sboms/llmsweep.spdx.json", "licenses/LICENSE"):
                self.assertIn(record.replace("RECORD", part), names)


if __name__ == "__main__":
    CMAKE, BUILD = sys.argv[1:3]
    del sys.argv[1:3]
    unittest.main()
