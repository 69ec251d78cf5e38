# SPDX-License-Identifier: MIT
"""make install and uninstall, and the completions that go with it."""

import functools
import glob
import os
import shutil
import subprocess

from runner import Case
from scene import TREE, Skipped, expect

PROGRAMS = ["bin/childproof", "lib/childproof/childproof",
            "lib/childproof/childproof-guard",
            "lib/childproof/libchildproof.so"]
COMPLETIONS = {"bash": "share/bash-completion/completions/childproof",
               "zsh": "share/zsh/site-functions/_childproof",
               "fish": "share/fish/vendor_completions.d/childproof.fish"}
EXAMPLES = ["share/doc/childproof/childproof.rules.yml"]


def make(s, root, target):
    """Runs it as a packager would; what is built is not built again."""
    host = s.spawn(["make", "-C", TREE, "SETUP=true",
                    f"BUILD={s.setting.build}", f"DESTDIR={root}",
                    "PREFIX=/usr", target])
    expect(host.wait(60) == 0, f"make {target}: {s.read(s.err)[-400:]!r}")


def files(root):
    return {os.path.relpath(os.path.join(d, f), root)
            for d, _, names in os.walk(root) for f in names}


def install(s):
    root = os.path.join(s.dir, "root")
    theirs = os.path.join(root, "usr/share/fish/vendor_completions.d/x.fish")
    os.makedirs(os.path.dirname(theirs))
    open(theirs, "w").close()
    before = files(root)
    make(s, root, "install")
    pages = [f"share/man/man{p[-1]}/{os.path.basename(p)}"
             for d in ("shim", "tools")
             for p in glob.glob(os.path.join(TREE, d, "*.[1-8]"))]
    expect(pages, "no manual pages")
    ours = {"usr/" + f for f in PROGRAMS + pages + EXAMPLES
            + [*COMPLETIONS.values()]}
    expect(files(root) - before == ours,
           f"differs: {sorted((files(root) - before) ^ ours)}")
    for name in sorted(ours):
        mode = os.stat(os.path.join(root, name)).st_mode & 0o777
        wanted = 0o755 if name[4:] in PROGRAMS else 0o644
        expect(mode == wanted, f"{name} has mode {mode:o}")
    open(s.out, "w").close()
    doctor = s.spawn([os.path.join(root, "usr/bin/childproof"), "doctor",
                      "--journal=none"])
    expect(doctor.wait() == 0, f"doctor: {s.read(s.out)[-400:]}")
    expect(root in s.read(s.out), "the doctor looked elsewhere")
    make(s, root, "uninstall")
    expect(files(root) == before, f"left: {files(root) - before}")
    expect(not os.path.exists(os.path.join(root, "usr/lib/childproof")),
           "lib/childproof is left")


# --- completions ------------------------------------------------------------


def completions(s, shell):
    return os.path.join(s.setting.build, "completions",
                        os.path.basename(COMPLETIONS[shell]))


def need(shell):
    if shutil.which(shell) is None:
        raise Skipped(f"no {shell} here")


def syntax(s, shell):
    """It is what the program prints, and the shell understands it."""
    with open(completions(s, shell)) as f:
        text = f.read()
    host = s.spawn([s.part("childproof"), f"--completions={shell}"])
    expect(host.wait() == 0, f"exit {host.raw:#x}")
    expect(s.read(s.out) == text, "it is not what the program prints")
    expect("exit-grace" in text and "doctor" in text, "nothing of ours")
    need(shell)
    checked = subprocess.run([shell, "-n", completions(s, shell)],
                             capture_output=True, text=True)
    expect(checked.returncode == 0 and checked.stderr == "",
           f"{shell} -n: {checked.stderr}")


# What bash does on TAB, without a terminal: words are split at "=".
BASH = r"""
compopt() { printf 'compopt %s\n' "$*"; }
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_childproof
printf '%s\n' "${COMPREPLY[@]}"
"""

FISH = "source $argv[1]; complete --do-complete=$argv[2]"


def in_bash(s, words):
    got = subprocess.run(["bash", "--norc", "-c", BASH, "bash",
                          completions(s, "bash"), *words],
                         capture_output=True, text=True,
                         env={"PATH": os.path.join(s.work, "bin")
                              + ":/usr/bin:/bin"})
    expect(got.stderr == "", f"{words}: {got.stderr}")
    return {w for w in got.stdout.splitlines()
            if w and not w.startswith("compopt")}, got.stdout


def in_fish(s, words):
    line = " ".join(words).replace(" = ", "=").replace(" =", "=")
    got = subprocess.run([shutil.which("fish"), "--no-config", "-c", FISH,
                          completions(s, "fish"), line],
                         capture_output=True, text=True,
                         env={"PATH": os.path.join(s.work, "bin")
                              + ":/usr/bin:/bin", "HOME": s.work})
    found = {x.split("\t")[0].split("=")[-1]
             for x in got.stdout.splitlines()}
    return found, got.stdout


# Words to the cursor, what must be offered, and what must not.
ROWS = {
    "options":  (["--exit"], {"--exit-grace="}, {"--term="}),
    "all-options": (["--"], {"--grace=", "--journal=", "--inherit",
                             "--help", "--version"}, {"--completions="}),
    "commands": (["doc"], {"doctor", "doctest-cp"}, {"wrap"}),
    "no-command-behind-options": (["--term", "=", "3s", "doc"],
                                  {"doctest-cp"}, {"doctor"}),
    "no-command-behind-dashes": (["--", "doc"], {"doctest-cp"}, {"doctor"}),
    "words":    (["--pdeathsig", "=", "a"], {"auto", "always"}, {"off"}),
    "all-words": (["--children", "="], {"stdio", "all"}, set()),
    "next-word": (["--children", ""], {"stdio", "all"}, set()),
    "switch":   (["--inherit", "=", ""], {"yes", "no"}, set()),
    "no-next-word": (["--inherit", "doc"], {"doctest-cp"}, {"yes", "doctor"}),
    "of-command": (["doctor", "--jou"], {"--journal="}, {"--term="}),
    "not-of-command": (["doctor", "--vers"], set(), {"--version"}),
    "value-of-command": (["doctor", "--journal", "=", "sys"], {"syslog"},
                         {"none"}),
    "command-of-command": (["wrap", "doc"], {"doctest-cp"}, {"doctor"}),
    "behind-command": (["doctor", "--", "doc"], {"doctest-cp"}, {"doctor"}),
    "program-options": (["true", "--exit"], set(), {"--exit-grace="}),
}


def completes(s, shell, words, offered, kept):
    need(shell)
    os.mkdir(os.path.join(s.work, "bin"))
    program = os.path.join(s.work, "bin", "doctest-cp")
    with open(program, "w") as f:
        f.write("#!/bin/sh\n")
    os.chmod(program, 0o755)
    found, text = {"bash": in_bash, "fish": in_fish}[shell](
        s, ["childproof", *words])
    if shell == "fish":  # it shows options without their "="
        offered = {w.rstrip("=") for w in offered}
        kept = {w.rstrip("=") for w in kept}
    expect(offered <= found, f"not offered: {offered - found} of {text!r}")
    expect(not kept & found, f"offered: {kept & found}")


def no_space(s):
    """Behind "=" the value follows at once."""
    _, text = in_bash(s, ["childproof", "--exit"])
    expect("compopt -o nospace" in text, text)
    _, text = in_bash(s, ["childproof", "--inher"])
    expect("compopt" not in text, text)


def files_too(s):
    _, text = in_bash(s, ["childproof", "--journal", "=", "/tm"])
    expect("compopt -o default" in text, text)


def unknown_shell(s):
    host = s.spawn([s.part("childproof"), "--completions=tcsh"])
    expect(host.wait() == 125 << 8, f"wait status {host.raw:#x}")
    expect("tcsh" in s.read(s.err), "stderr does not name it")


def cases():
    P = functools.partial
    yield Case("install/destdir", install, False)
    for shell in COMPLETIONS:
        yield Case(f"completions/syntax/{shell}", P(syntax, shell=shell),
                   False)
    for shell in ("bash", "fish"):
        for name, (words, offered, kept) in ROWS.items():
            yield Case(f"completions/{name}/{shell}",
                       P(completes, shell=shell, words=words,
                         offered=offered, kept=kept), False)
    yield Case("completions/no-space/bash", no_space, False)
    yield Case("completions/files-too/bash", files_too, False)
    yield Case("completions/unknown-shell", unknown_shell, False)
