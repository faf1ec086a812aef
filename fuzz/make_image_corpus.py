#!/usr/bin/env python3
"""Writes the seed corpora of the image readers: fuzz/make_image_corpus.py [folder, default fuzz/corpus beside this file].

Each file is as small as its point allows: a sound one a feature, and one a message of the reader, under a name that says
which. The unit test data/image_corpus_test.cc reads them all and checks that no message of a reader is missing.
"""
import pathlib
import struct
import sys
import zlib

from make_corpus import Entry, make_zip

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def chunk(kind, content=b""):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(scanlines, width=1, height=1, depth=8, color=GREY, interlaced=0, before=b"", end=chunk(b"IEND")):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(scanlines, 9)) + end


def png_corpus():
    palette = chunk(b"PLTE", bytes(range(6)))
    good = png(b"\0\1")
    return {
        "grey": good, "rgb": png(b"\0\1\2\3", color=RGB), "palette": png(b"\0\1", color=PALETTE, before=palette),
        "palette-alpha": png(b"\0\1", color=PALETTE, before=palette + chunk(b"tRNS", b"\7")),
        "grey-key": png(b"\0\1", before=chunk(b"tRNS", b"\0\1")), "grey-alpha": png(b"\0\1\2", color=GREY_ALPHA),
        "rgba": png(b"\0\1\2\3\4", color=RGBA), "bit": png(b"\0\xa5", width=8, depth=1),
        "two-bits": png(b"\0\x1b", width=4, depth=2), "sixteen-bits": png(b"\0\1\2", depth=16),
        "sixteen-bits-rgba": png(b"\0" + bytes(8), depth=16, color=RGBA),
        "interlaced": png(b"\0\1\0\2\0\3\4", width=2, height=2, interlaced=1),
        "filters": png(b"\0\1\1\1\2\1\3\1\4\1", height=5), "text": png(b"\0\1", before=chunk(b"tEXt", b"key\0value")),
        "not-png": b"GIF89a", "cut": good[:40], "no-end": png(b"\0\1", end=b""), "crc": good[:-1] + b"x",
        "huge": png(b"\0\1", width=1000000, height=1000000), "too-wide": png(b"\0\1", width=2**31 - 1),
        "no-width": png(b"\0\1", width=0), "depth": png(b"\0\1", depth=3), "filter": png(b"\x09\1"),
        "short": png(b"\0\1", height=2), "long": png(b"\0\1\2\3"), "no-palette": png(b"\0\1", color=PALETTE),
        "palette-index": png(b"\0\2", color=PALETTE, before=palette),
        "memory": png(bytes(16385 // 8 * 5000), width=16384, height=4999, depth=1),
    }


def segment(marker, content):
    return struct.pack(">HH", 0xFF00 | marker, len(content) + 2) + content


def jpeg(components=1, width=8, height=8, frame=0xC0, scans=None, app=b"", tables=True, end=b"\xff\xd9"):
    """Grey blocks: each is one bit for "no change of the mean" and one for "end of block"."""
    out = b"\xff\xd8" + app + segment(0xDB, b"\0" + b"\1" * 64)
    shape = struct.pack(">BHHB", 8, height, width, components)
    out += segment(frame, shape + b"".join(struct.pack("BBB", k + 1, 0x11, 0) for k in range(components)))
    if tables:
        for kind in (0x00, 0x10):
            out += segment(0xC4, bytes([kind, 1] + [0] * 15 + [0]))
    if scans is None:
        scans = [(range(components), 0, 63, b"\x00" * ((components * 2 + 7) // 8))]
    for chosen, first, last, content in scans:
        parts = b"".join(struct.pack("BB", k + 1, 0) for k in chosen)
        out += segment(0xDA, bytes([len(chosen)]) + parts + bytes([first, last, 0])) + content
    return out + end


def exif(orientation, order="<"):
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return segment(0xE1, b"Exif\0\0" + tiff + struct.pack(order + "H", 1) + entry + bytes(4))


def jpeg_corpus():
    progressive = [([0], 0, 0, b"\0"), ([0], 1, 63, b"\0")]
    good = jpeg()
    return {
        "grey": good, "colour": jpeg(3), "cmyk": jpeg(4), "progressive": jpeg(frame=0xC2, scans=progressive),
        "arithmetic": jpeg(frame=0xC9), "restart": jpeg(app=segment(0xDD, b"\0\1")),
        "adobe-ycck": jpeg(4, app=segment(0xEE, b"Adobe\0\x64\0\0\0\0\2")), "turned": jpeg(app=exif(6)),
        "turned-big-endian": jpeg(app=exif(5, ">")), "exif-far": jpeg(app=exif(6).replace(b"\x08\0\0\0", b"\xff" * 4)),
        "not-jpeg": b"GIF89a", "cut": good[:30], "no-end": jpeg(end=b""), "components": jpeg(2),
        "huge": jpeg(width=65500, height=65500), "no-width": jpeg(width=0), "no-tables": jpeg(tables=False),
        "memory": jpeg(width=16000, height=16000, frame=0xC9),
        "scans": jpeg(frame=0xC2, scans=progressive[:1] + progressive[1:] * 150),
    }


def edm_zip_corpus():
    one, two = png(b"\0\1"), png(b"\0\1\2", width=2)
    labels = b'{"labels": [["a/1.png", 6], ["b/2.png", 0], ["gone.png", 1]]}'
    with_json = lambda text: make_zip([Entry("a/1.png", one), Entry("b/2.png", one), Entry("dataset.json", text)])
    return {
        "labels": with_json(labels), "null": with_json(b'{"labels": null, "other": [{"x": [1, 2.5, -1, true]}]}'),
        "folders": make_zip([Entry("b/1.png", one), Entry("a/2.png", one, method=8), Entry("a/")]),
        "mixed": make_zip([Entry("1.png", one), Entry("2.png", png(b"\0\1\2\3", color=RGB)), Entry("LICENSE", b"x")]),
        "jpeg": make_zip([Entry("1.jpg", jpeg(app=exif(3)))]), "cmyk": make_zip([Entry("1.jpg", jpeg(4))]),
        "sixteen-bits-alpha": make_zip([Entry("1.png", png(b"\0" + bytes(8), depth=16, color=RGBA))]),
        "hidden": make_zip([Entry(".x.png", b"x"), Entry("__MACOSX/x.png", b"x"), Entry("1.png", one)]),
        "empty": make_zip([]), "no-image": make_zip([Entry("x.txt", b"x")]),
        "not-image": make_zip([Entry("x.png", b"x")]), "damaged": make_zip([Entry("x.png", one[:50])]),
        "sizes": make_zip([Entry("1.png", one), Entry("2.png", two)]),
        "beside": make_zip([Entry("a/1.png", one), Entry("2.png", one)]), "crc": make_zip([Entry("1.png", one, crc=1)]),
        "encrypted": make_zip([Entry("1.png", one, flags=1)]), "outside": make_zip([Entry("../1.png", one)]),
        "twice": make_zip([Entry("1.png", one), Entry("1.png", one)]),
        "bomb": make_zip([Entry("1.png", bytes(1000), method=8, size=2**31)]),
        "json-broken": with_json(b'{"labels": ['), "json-list": with_json(b"[]"), "json-number": with_json(b'{"labels": 7}'),
        "json-label": with_json(b'{"labels": [["a/1.png", -1]]}'), "json-vector": with_json(b'{"labels": [["a", [0, 1]]]}'),
        "json-two": with_json(b'{"labels": [["a", 1], ["a", 1]]}'), "json-missing": with_json(b'{"labels": []}'),
        "json-key": with_json(b'{"labels": null, "labels": []}'), "json-deep": with_json(b'{"x": ' + b"[" * 200),
        "json-alone": labels,
    }


def main():
    here = pathlib.Path(__file__).resolve().parent
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "corpus"
    for reader, files in {"png": png_corpus(), "jpeg": jpeg_corpus(), "edm_zip": edm_zip_corpus()}.items():
        folder = root / reader
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
