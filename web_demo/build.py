"""Assembles the codec in a web page: a folder for any host, and one HTML file that needs none.

    python web_demo/build.py               # into build/web
    python web_demo/build.py --port=8000   # and serves it on this machine

Needs npm, which fetches LiteRT for browsers once, and nothing but Python's own library.
"""

from __future__ import annotations

import argparse
import base64
import functools
import gzip
import hashlib
import html
import http.server
import json
import re
import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from web_demo import litert
from web_demo.join_modules import joined

SOURCE = Path(__file__).resolve().parent
ROOT = SOURCE.parent
SINGLE_FILE = "soundstream.html"
DENOISER = "denoiser.tflite.gz"  # loaded on first use, and kept from then on


def assemble(output: Path, packages: Path) -> None:
    """Writes the page into `output`, which is replaced; `packages` keeps what npm fetched.

    Raises:
      ValueError: something it is made of is missing.
    """
    script, wasm = litert.fetch(packages)
    files = _files(script, wasm)
    files["index.html"] = _folder_page().encode()
    files["service_worker.js"] = _service_worker(files).encode()
    if output.exists():
        shutil.rmtree(output)
    output.mkdir(parents=True)
    for name, data in files.items():
        (output / name).write_bytes(data)
    del files["index.html"], files["service_worker.js"]
    (output / SINGLE_FILE).write_text(_single_page(files))


def _files(script: bytes, wasm: bytes) -> dict[str, bytes]:
    """What the page loads, by name."""
    model, denoiser = ROOT / "pretrained" / "speech", ROOT / "pretrained" / "speech_denoise"
    codec = joined(SOURCE / "live" / "worker.js")
    files = {
        "worker.js": script + b"\n" + codec.encode(),
        "worklet.js": joined(SOURCE / "live" / "worklet.js").encode(),
        "page.js": joined(SOURCE / "page" / "main.js").encode(),
        "style.css": _read(SOURCE / "style.css"),
        "metadata.json": _read(model / "metadata.json"),
        "litert.wasm.gz": _packed(wasm),
        "encoder.tflite.gz": _packed(_read(model / "encoder_dynamic_int8.tflite")),
        "decoder.tflite.gz": _packed(_read(model / "decoder_dynamic_int8.tflite")),
        "tables.bin.gz": _packed(_read(model / "entropy_tables.bin")),
        DENOISER: _packed(_read(denoiser / "encoder_dynamic_int8.tflite")),
        "licence.txt": _read(ROOT / "LICENSE"),
    }
    clips = sorted((ROOT / "demo" / "clips").glob("*.flac"))
    files |= {clip.name: _read(clip) for clip in clips}
    titles = {file: language for file, language, _, _ in _attributions()}
    samples = [
        {"file": clip.name, "title": f"{titles[clip.name]}{suffix}", "noisy": noisy}
        for clips_here, suffix, noisy in ((clips, "", False), (clips[:1], ", in noise", True))
        for clip in clips_here
    ]
    files["samples.json"] = json.dumps(samples).encode()
    return files


def _attributions() -> list[list[str]]:
    """File, language, source and licence of each clip."""
    table = _read(ROOT / "demo" / "clips" / "ATTRIBUTION.md").decode()
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return [row for row in rows if len(row) == 4 and row[0].endswith(".flac")]


def _filled(template: str, values: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def _page(policy: str, style: str, scripts: str, licence: str) -> str:
    attribution = "".join(
        f"<li>{html.escape(f'{language}: {source}. {terms}.')}</li>"
        for _, language, source, terms in _attributions()
    )
    values = {
        "policy": policy,
        "style": style,
        "scripts": scripts,
        "licence": licence,
        "attribution": attribution,
        "version": litert.VERSION,
    }
    return _filled(_read(SOURCE / "index.html").decode(), values)


def _folder_page() -> str:
    policy = (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
        "style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    style = '<link rel="stylesheet" href="style.css">'
    return _page(policy, style, '<script src="page.js" defer></script>', "licence.txt")


def _single_page(files: dict[str, bytes]) -> str:
    """All in one: `files` are embedded, packed, in base64."""
    style, page = f"\n{files['style.css'].decode()}", f"\n{files['page.js'].decode()}"
    assert "</script" not in page and "</style" not in style
    policy = (
        f"default-src 'none'; script-src '{_hash(page)}' 'wasm-unsafe-eval' data:; "
        f"worker-src blob:; style-src '{_hash(style)}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    parts = []
    for name, data in files.items():
        if name not in ("style.css", "page.js", "licence.txt"):
            packed = data if name.endswith((".gz", ".flac")) else _packed(data)
            content = base64.b64encode(packed).decode()
            parts.append(f'<script type="text/plain" id="asset:{name}">{content}</script>')
    parts.append(f"<script>{page}</script>")
    licence = f"data:text/plain;base64,{base64.b64encode(files['licence.txt']).decode()}"
    return _page(policy, f"<style>{style}</style>", "\n".join(parts), licence)


def _service_worker(files: dict[str, bytes]) -> str:
    """Named after the content, so that a page that changed is fetched anew."""
    version = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    names = ["./", *(name for name in sorted(files) if name not in (DENOISER, "index.html"))]
    values = {"version": version, "files": json.dumps(names)}
    return _filled(_read(SOURCE / "service_worker.js").decode(), values)


def _hash(text: str) -> str:
    """The name by which a content security policy allows a script or a style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    return path.read_bytes()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing of each."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def server(folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """Serves `folder` on this machine alone; port 0 takes any that is free."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output_dir", type=Path, default=ROOT / "build" / "web")
    parser.add_argument(
        "--package_dir",
        type=Path,
        default=ROOT / "build" / "web_packages",
        help="Where LiteRT's package is kept between builds.",
    )
    parser.add_argument("--port", type=int, help="Serve the page there; default: do not.")
    flags = parser.parse_args()
    try:
        assemble(flags.output_dir, flags.package_dir)
        print(f"{flags.output_dir}: a folder for any host; {SINGLE_FILE} in it works alone")
        if flags.port is not None:
            with server(flags.output_dir, flags.port) as running:
                print(f"http://localhost:{running.server_port}/ (Ctrl-C ends it)", flush=True)
                running.serve_forever()
    except KeyboardInterrupt:
        print()
    except (ValueError, OSError) as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
