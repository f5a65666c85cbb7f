"""A copy of some of the sources with additions made up, and lathe built anew from what they touch:
each changed file is compiled as the build compiles its like, and put before what is built already."""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
MADE_UP = pathlib.Path(__file__).with_name("made_up")


class House:
    def __init__(self, folder, build):
        self.folder, self.build = folder, pathlib.Path(build).resolve()
        self.touched = {}  # recipe -> the files of the repository that its addition touches
        shutil.copytree(ROOT / "tools/operations", folder / "tools/operations")
        shutil.copy(ROOT / "tools/services.txt", folder / "tools")

    def touch(self, recipe, name):
        self.touched.setdefault(recipe, set()).add(name)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add(self, recipe, name):
        """A new file, from made_up/."""
        shutil.copy(MADE_UP / name, self.touch(recipe, name))

    def insert(self, recipe, name, text, before=None):
        """Text before the line that begins so, or at the end."""
        path = self.touch(recipe, name)
        old = (path if path.exists() else ROOT / name).read_text() if (
            path.exists() or (ROOT / name).exists()) else ""
        at = re.search(rf"^{re.escape(before)}", old, re.M).start() if before else len(old)
        path.write_text(old[:at] + text + old[at:])

    def compile(self):
        """lathe with all of it; the path."""
        self.compile_shapes()
        sources = sorted({*self.folder.glob("src/**/*.c"), *self.who_includes_headers(),
                          *self.changed_shapes()})
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(self.compile_one, sources))
        lathe = self.folder / "lathe"
        link = run("ninja", "-C", self.build, "-t", "commands", "lathe").splitlines()[-1]
        link = shlex.split(link.removeprefix(": && ").removesuffix(" && :"))
        at = link.index("-o")
        run(*link[:at], *objects, "-o", lathe, *link[at + 2:], cwd=self.build)
        return lathe

    def compile_shapes(self):
        cache = (self.build / "CMakeCache.txt").read_text()
        python = re.search(r"^LATHE_PYTHON:\w+=(.*)$", cache, re.M)[1].split(";")
        run(*python, ROOT / "tools/shapes.py", self.folder / "tools/services.txt",
            self.folder / "tools/operations", self.folder / "shapes")

    def changed_shapes(self):
        for path in (self.folder / "shapes").glob("*.c"):
            old = self.build / "shapes" / path.name
            if not old.exists() or old.read_text() != path.read_text():
                yield path

    def who_includes_headers(self):
        """A kind's name in the service's list reaches the file that makes the list of it."""
        if (self.folder / "src/service/sagemaker/sagemaker.h").exists():
            yield ROOT / "src/service/sagemaker/sagemaker.c"

    def compile_one(self, source):
        made = self.folder / "objects" / (re.sub(r"\W", "_", str(source)) + ".o")
        made.parent.mkdir(exist_ok=True)
        commands = json.loads((self.build / "compile_commands.json").read_text())
        like = next(one for one in commands if one["file"].endswith("src/service/sts/sts.c"))
        command = shlex.split(like["command"])
        command = command[:command.index("-o")]
        include = f"-I{self.folder / 'src'}"
        at = next(i for i, word in enumerate(command) if word.startswith("-I"))
        run(*command[:at], include, *command[at:], "-o", made, "-c", source, cwd=self.build)
        return made


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout
