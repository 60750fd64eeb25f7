#!/usr/bin/env python3
"""Gets what the portable build is made of, by the host's own apt and pip, and unpacks it.

    fetch.py TABLE FOLDER             the versions that TABLE pins, each file by its SHA-256
    fetch.py TABLE FOLDER --renew     the newest ones, and writes them into TABLE

FOLDER/downloads/ keeps the files; what lies there with the right sum is not fetched again.
FOLDER/src/COMPONENT/ is the unpacked Debian source or package. apt runs with lists of its own, made
of the host's sources with `deb-src` added: nothing of the host's configuration changes.
"""

import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys


class Component:
    def __init__(self, name, form, package, version, licence):
        self.name, self.form, self.package, self.version, self.licence = name, form, package, version, licence
        self.sums = {}

    def inside(self):
        return self.licence != "-"

    def purl(self):
        version = self.version.replace("+", "%2B").replace(":", "%3A")
        return f"pkg:deb/debian/{self.package}@{version}" + ("?arch=source" if self.form == "source" else "")


def fail(what, where, following):
    sys.exit(f"portable: {what}\n  in: {where}\n  next: {following}")


def read_table(path):
    components, comments = [], []
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comments.append(line)
        elif line.startswith(" "):
            file, digest = line.split()
            components[-1].sums[file] = digest
        elif line:
            components.append(Component(*line.split(maxsplit=4)))
    return comments, components


def write_table(path, comments, components):
    lines = list(comments)
    for c in components:
        lines.append(f"{c.name} {c.form} {c.package} {c.version} {c.licence}")
        lines += [f"  {file} {digest}" for file, digest in c.sums.items()]
    pathlib.Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def with_sources(path):
    """A file of apt's sources that names the source packages too."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sources":
        return re.sub(r"(?m)^Types:.*$", "Types: deb deb-src", text)
    return text + "\n" + "\n".join("deb-src" + line[3:] for line in text.splitlines() if line.startswith("deb "))


class Apt:
    def __init__(self, folder):
        self.folder = folder / "apt"
        self.ready = False

    def prepare(self):
        if self.ready:
            return
        settings = dict(re.findall(r"(\w)='(.*)'", subprocess.run(
            ["apt-config", "shell", "F", "Dir::Etc::sourcelist/f", "D", "Dir::Etc::sourceparts/d"],
            capture_output=True, text=True, check=True).stdout))
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("sources", "lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True)
        files = [pathlib.Path(settings["F"]), *sorted(pathlib.Path(settings["D"]).glob("*"))]
        for number, file in enumerate(files):
            if file.is_file() and file.suffix in (".list", ".sources"):
                (self.folder / "sources" / f"{number}{file.suffix}").write_text(with_sources(file), encoding="utf-8")
        self.run(["update", "-qq"], self.folder)
        self.ready = True

    def run(self, words, folder, program="apt-get"):
        options = {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": self.folder / "sources",
                   "Dir::State::lists": self.folder / "lists", "Dir::Cache": self.folder / "cache",
                   "Acquire::Languages": "none", "Acquire::Retries": 3,
                   "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false"}
        if os.geteuid() == 0:
            options["APT::Sandbox::User"] = "root"  # its own user may not write here
        command = [program] + [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return subprocess.run(command + words, cwd=folder, capture_output=True, text=True, check=False)

    def get(self, component, folder):
        self.prepare()
        words = ["source", "--download-only", "-qq"] if component.form == "source" else ["download", "-qq"]
        return self.run([*words, f"{component.package}={component.version}"], folder)

    def versions(self, component):
        """Those in the registry's lists, the newest first."""
        self.prepare()
        words = ["showsrc", "--only-source"] if component.form == "source" else ["show", "--all-versions"]
        said = self.run([*words, component.package], self.folder, "apt-cache").stdout
        older = functools.cmp_to_key(lambda a, b: -1 if subprocess.run(
            ["dpkg", "--compare-versions", a, "gt", b], check=False).returncode == 0 else 1)
        return sorted(set(re.findall(r"(?m)^Version: (.*)$", said)), key=older)


def get_wheel(component, folder):
    python = folder.parent / "venv/bin/python"  # Debian's own has no pip
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    return subprocess.run(
        [python, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", ".",
         f"{component.package}=={component.version}"], cwd=folder, capture_output=True, text=True, check=False)


def download(component, apt, into):
    """The component's files, in a folder of their own until their sums are known."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    print(f"portable: {component.package} {component.version}", flush=True)
    done = get_wheel(component, into) if component.form == "wheel" else apt.get(component, into)
    if done.returncode != 0 or not any(into.iterdir()):
        raise LookupError(done.stderr.strip() or done.stdout.strip())
    return sorted(into.iterdir())


def download_newest(component, apt, into):
    """Sets the version: the newest that can be had. A list may name one that its mirror does not have."""
    if component.form == "wheel":
        return download(component, apt, into)
    for version in apt.versions(component):
        component.version = version
        try:
            return download(component, apt, into)
        except LookupError as error:
            print(f"portable: {component.package} {version} is listed but not served: {error}", flush=True)
    raise LookupError("no version of it is served")


def fetch(component, apt, folder, renew):
    """True where something was downloaded."""
    downloads = folder / "downloads"
    if not renew and component.sums and all((downloads / file).is_file() and sha256(downloads / file) == digest
                                            for file, digest in component.sums.items()):
        return False
    try:
        files = (download_newest if renew else download)(component, apt, folder / "incoming")
    except LookupError as error:
        fail(f"{component.package} {component.version} cannot be had: {error}", component.name,
             "look whether the registry answers; where it has dropped this version, `scripts/portable --renew` "
             "pins the newest")
    found = {file.name: sha256(file) for file in files}
    if renew:
        component.sums = found
    for file in set(component.sums) | set(found):
        if component.sums.get(file) != found.get(file):
            fail(f"{file} is not what was expected: SHA-256 {found.get(file)} in the place of "
                 f"{component.sums.get(file)}", component.name, "nothing was kept; find out why before you pin it")
    downloads.mkdir(exist_ok=True)
    for file in files:
        file.replace(downloads / file.name)
    return True


def unpack(component, folder):
    target = folder / "src" / component.name
    stamp = folder / "src" / f"{component.name}.version"
    sums = "\n".join(component.sums.values())
    if component.form == "wheel" or (stamp.exists() and stamp.read_text(encoding="utf-8") == sums):
        return
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    if component.form == "source":
        dsc, = (file for file in component.sums if file.endswith(".dsc"))
        words = ["dpkg-source", "--no-check", "-x", folder / "downloads" / dsc, target]
    else:
        words = ["dpkg-deb", "-x", folder / "downloads" / next(iter(component.sums)), target]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(done.stderr.strip(), component.name, "remove its files in downloads/ and try again")
    stamp.write_text(sums, encoding="utf-8")


def main(table, folder, *flags):
    folder = pathlib.Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    comments, components = read_table(table)
    apt = Apt(folder)
    for component in components:
        fetch(component, apt, folder, "--renew" in flags)
    if "--renew" in flags:
        write_table(table, comments, components)
    for component in components:
        unpack(component, folder)
    shutil.rmtree(folder / "incoming", ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
