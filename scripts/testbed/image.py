#!/usr/bin/env python3
"""Packs programs of this machine, with the shared libraries they load, into a
container image archive that `ctr images import` takes. No registry is needed.

usage: image.py NAME[:TAG] OUT.tar --program SRC[:DST] ... [--copy SRC:DST] --entrypoint 'PROGRAM ARG ...'

A SRC of --copy may be a folder; links are followed.
"""
import argparse, hashlib, io, json, os, platform, shlex, shutil, subprocess, tarfile, tempfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def loaded_libraries(program):
    """Paths of the shared libraries `program` loads; none for a static one."""
    program = os.path.realpath(program)
    listing = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    missing = [line.split()[0] for line in listing.splitlines() if "not found" in line]
    if missing:
        raise SystemExit(f"image.py: {program} loads libraries that are not on this machine: {', '.join(missing)}")
    return [word for line in listing.splitlines() for word in line.split() if word.startswith("/")]


def copy_into(root, source, destination):
    target = root + destination
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(os.path.realpath(source), target)


def add_bytes(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def readable(info):
    """Root's, and readable for the user a pod runs as, whatever the modes were here; no dates."""
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = "root"
    info.mode |= 0o555 if info.isdir() else 0o444
    return info


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("out")
    parser.add_argument("--program", action="append", default=[], metavar="SRC[:DST]")
    parser.add_argument("--copy", action="append", default=[], metavar="SRC:DST")
    parser.add_argument("--entrypoint", required=True, metavar="'PROGRAM ARG ...'")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as root:
        for directory in ("etc", "run", "tmp", "dev", "var/log/nginx", "var/lib/nginx", "www"):
            os.makedirs(f"{root}/{directory}")
        with open(f"{root}/etc/passwd", "w") as f:
            f.write("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        with open(f"{root}/etc/group", "w") as f:
            f.write("root:x:0:\nnogroup:x:65534:\n")
        for program in options.program:
            source, _, destination = program.partition(":")
            copy_into(root, source, destination or source)
            for path in loaded_libraries(source):
                copy_into(root, path, path)
        for pair in options.copy:
            source, destination = pair.split(":", 1)
            copy_into(root, source, destination)

        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as layer:
            for entry in sorted(os.listdir(root)):
                layer.add(f"{root}/{entry}", arcname=entry, filter=readable)
        layer = buffer.getvalue()

    config = json.dumps({
        "architecture": ARCHITECTURES[platform.machine()], "os": "linux",
        "config": {"Entrypoint": shlex.split(options.entrypoint), "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [options.name], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(options.out, "w") as archive:
        add_bytes(archive, config_name, config)
        add_bytes(archive, "layer.tar", layer)
        add_bytes(archive, "manifest.json", manifest)


if __name__ == "__main__":
    main()
