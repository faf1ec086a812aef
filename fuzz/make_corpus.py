#!/usr/bin/env python3
"""Writes the seed corpora of the table readers: fuzz/make_corpus.py [folder, default fuzz/corpus beside this file].

Each file is as small as its point allows: a sound one a feature, and one a message of the reader, under a name that says
which. The unit tests data/corpus_test.cc and learn/safetensors_test.cc read them all and check that no message of a
reader is missing.
"""
import gzip
import json
import pathlib
import struct
import sys
import zlib


def idx(kind, shape, content):
    return bytes([0, 0, kind, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape) + content


def packed(content):
    return gzip.compress(content, mtime=0)


def npy(descr="'<f4'", shape="(2, 2)", content=bytes(16), fortran="False", version=1, header=None):
    text = header if header is not None else f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + content


def raw_deflate(content):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(content) + squeeze.flush()


class Entry:
    """What stands in a zip; every number can lie."""

    def __init__(self, name, content=b"", method=0, flags=0, **lies):
        self.name, self.content, self.method, self.flags, self.lies = name, content, method, flags, lies


def make_zip(entries, zip64=False, **lies):
    full = 0xFFFFFFFF
    body, directory = b"", b""
    for entry in entries:
        get = entry.lies.get
        data = raw_deflate(entry.content) if entry.method == 8 else entry.content
        size, packed_size = get("size", len(entry.content)), get("packed_size", len(data))
        offset, crc = get("offset", len(body)), get("crc", zlib.crc32(entry.content))
        local_size, local_name = get("local_size", size), get("local_name", entry.name).encode()
        name, wide = entry.name.encode(), get("wide", zip64)
        local_extra = struct.pack("<HHQQ", 1, 16, local_size, packed_size) if wide else b""
        extra = struct.pack("<HHQQQ", 1, 24, size, packed_size, offset) if wide else b""
        local_extra, extra = get("local_extra", local_extra), get("extra", extra)
        body += struct.pack("<IHHHIIIIHH", 0x04034B50, 20, entry.flags, entry.method, 0, crc,
                            full if wide else packed_size, full if wide else local_size,
                            len(local_name), len(local_extra)) + local_name + local_extra + data
        directory += struct.pack("<IHHHHIIIIHHHHHII", 0x02014B50, 20, 20, entry.flags, entry.method, 0, crc,
                                 full if wide else packed_size, full if wide else size, len(name), len(extra),
                                 0, 0, 0, 0, full if wide else offset) + name + extra
    begin, count = lies.get("begin", len(body)), lies.get("count", len(entries))
    size = lies.get("size", len(directory))
    out = body + directory
    if zip64:
        record = len(out)
        out += struct.pack("<IQHHIIQQQQ", lies.get("record", 0x06064B50), 44, 45, 45, 0, 0, count, count, size, begin)
        out += struct.pack("<IIQI", 0x07064B50, 0, lies.get("record_at", record), 1)
        count, size, begin = 0xFFFF, full, full
    return out + struct.pack("<IHHHHIIH", 0x06054B50, lies.get("disk", 0), 0, count, count, size, begin, 0)


def idx_corpus():
    images, labels = idx(8, (2, 1, 3), b"abcdef"), idx(8, (2,), b"\1\2")
    gz = packed(images)
    return {
        "images": images, "labels": labels, "images.gz": gz, "members.gz": packed(images[:9]) + packed(images[9:]),
        "int8": idx(9, (2, 1), b"\1\xff"), "int16": idx(0x0B, (2, 1), bytes(4)), "int32": idx(0x0C, (2, 1), bytes(8)),
        "float32": idx(0x0D, (2, 1), bytes(8)), "float64": idx(0x0E, (2, 2, 3, 1), bytes(96)),
        "not-idx": b"\0\0\7\1", "header-cut": images[:10], "values-cut": images[:-1], "values-long": images + b"x",
        "huge": idx(8, (2**32 - 1,) * 3, b""), "empty": idx(8, (0, 2), b""), "gz-cut": gz[:-9],
        "gz-broken": gz[:10] + b"\xff" * 8 + gz[18:], "gz-values-cut": packed(images[:-1]),
        "gz-values-long": packed(images + b"x"), "gz-promise": packed(idx(8, (60000, 28, 28), b"")),
        "gz-dense": packed(idx(8, (1024, 1024), bytes(2**20))),
        "float-nan": idx(0x0D, (2, 1), b"\x7f\xc0\0\0" * 2), "labels-float": idx(0x0D, (2,), bytes(8)),
        "labels-three": idx(8, (3,), b"abc"), "labels-negative": idx(9, (2,), b"\1\xff"),
    }


def npy_corpus():
    good = npy()
    corpus = {
        "v1": good, "v2": npy(version=2), "v3": npy(version=3), "u8-nhwc": npy("'|u1'", "(2, 2, 2, 3)", bytes(24)),
        "f8-nchw": npy("'<f8'", "(1, 2, 2, 2)", bytes(64)), "fortran": npy(fortran="True"),
        "big-endian": npy("'>i2'", "(2, 2)", bytes(8)), "labels": npy("'<i8'", "(2,)", bytes(16)),
        "labels-column": npy("'|i1'", "(2, 1)", bytes(2)),
        "not-npy": b"NUMPY", "version-cut": good[:7], "version-9": b"\x93NUMPY\x09\0\0\0\0\0", "length-cut": good[:9],
        "header-cut": good[:30], "values-cut": good[:-1], "values-long": good + b"x",
        "objects": npy("'|O'"), "complex": npy("'<c8'"), "records": npy("[('a', '<f4')]"),
        "no-dict": npy(header="x"), "quote-missing": npy(header="{descr"), "quote-open": npy(header="{'descr"),
        "key-twice": npy(header="{'shape': (1,), 'shape': (1,)}"), "not-a-truth": npy(header="{'fortran_order': 0}"),
        "shape-negative": npy(header="{'shape': (-1,)}"), "key-missing": npy(header="{'shape': (1,)}"),
        "after-dict": npy(header="{} x"), "huge": npy(shape="(99999999999, 99999999999)"),
        "float-labels": npy("'<f4'", "(2,)", bytes(8)), "labels-three": npy("'|u1'", "(3,)", bytes(3)),
        "labels-matrix": npy("'|u1'", "(1, 2)", bytes(2)), "labels-negative": npy("'|i1'", "(2,)", b"\1\xff"),
        "labels-large": npy("'<u8'", "(2,)", b"\xff" * 16), "axes-five": npy("'|u1'", "(1, 1, 1, 1, 1)", b"x"),
        "axes-no-channels": npy("'|u1'", "(1, 5, 5, 5)", bytes(125)), "empty": npy(shape="(0, 2)", content=b""),
        "nan": npy(content=b"\0\0\xc0\x7f" * 4), "inf-half": npy("'<f2'", "(1, 2)", b"\0\x7c\0\x3c"),
        "over-2-53": npy("'<i8'", "(1, 1)", b"\xff" * 7 + b"\x7f"),
        "over-2-53-unsigned": npy("'<u8'", "(1, 1)", b"\xff" * 8),
    }
    for code, size in {"u1": 1, "i1": 1, "u2": 2, "i2": 2, "u4": 4, "i4": 4, "u8": 8, "i8": 8, "f2": 2, "f4": 4,
                       "f8": 8}.items():
        corpus["type-" + code] = npy(f"'<{code}'", "(2, 1)", bytes(2 * size))
    return corpus


def npz_corpus():
    x, y = Entry("x.npy", npy()), Entry("y.npy", npy("'<i8'", "(2,)", bytes(16)), 8)
    a = Entry("a.npy", npy())
    text = Entry("a", b"abc")
    inner = make_zip([Entry("b", b"x")])

    def lie(**lies):
        return make_zip([Entry("a", b"abc", **lies)])

    return {
        "good": make_zip([x, y]), "deflated": make_zip([Entry("arr_0.npy", npy(), 8)]), "zip64": make_zip([x, y], True),
        "folder": make_zip([Entry("d/"), Entry("d/x.npy", npy())]), "empty": make_zip([]),
        "comment": make_zip([x])[:-2] + b"\2\0hi", "two-arrays": make_zip([a, Entry("b.npy", npy())]),
        "not-npy": make_zip([Entry("x.npy", b"abc")]), "cut": make_zip([x])[:-1], "disk": make_zip([text], disk=1),
        "directory-place": make_zip([text], begin=999), "directory-size": make_zip([text], size=9999),
        "count": make_zip([text], count=2), "zip64-missing": make_zip([text], count=0xFFFF),
        "zip64-record": make_zip([text], True, record=0), "zip64-far": make_zip([text], True, record_at=2**50),
        "zip64-begin": make_zip([text], True, begin=2**63), "no-entry": make_zip([text], begin=3),
        "entry-cut": make_zip([text], size=46), "outside": make_zip([Entry("../a")]), "absolute": make_zip([Entry("/a")]),
        "name-empty": make_zip([Entry("")]), "name-zero": make_zip([Entry("a\0b")]), "encrypted": lie(flags=1),
        "method": lie(method=12), "sizes-follow": lie(flags=8, local_size=0), "local-name": lie(local_name="b"),
        "local-size": lie(local_size=4), "local-place": lie(offset=1), "local-far": lie(offset=2**31),
        "into-directory": lie(size=300, packed_size=300), "size": lie(size=4), "bomb": lie(method=8, size=10**6),
        "bomb-memory": make_zip([Entry("x.npy", bytes(2**16), 8, size=10**4)]),
        "twice": make_zip([text, text]), "overlap": make_zip([Entry("a", inner), Entry("b", b"x", offset=31)]),
        "zip64-field-short": lie(wide=True, extra=struct.pack("<HHQ", 1, 8, 3)),
        "extra-long": lie(extra=struct.pack("<HH", 1, 99)), "inflate-short": lie(method=8, size=2),
        "inflate-long": lie(method=8, size=4), "inflate-broken": make_zip([Entry("x.npy", b"\xff" * 9, 0)]).replace(
            b"\x14\0\0\0\0\0", b"\x14\0\0\0\x08\0"),
        "inflate-cut": make_zip([Entry("x.npy", b"\x4b\x4c", 0)]).replace(b"\x14\0\0\0\0\0", b"\x14\0\0\0\x08\0"),
        "crc": make_zip([Entry("x.npy", npy(), crc=1)]),
    }


def cifar_corpus():
    ten, hundred = b"\3" + bytes(3072), b"\3\7" + bytes(3072)
    return {
        "ten": ten * 2, "hundred": hundred, "cut": ten[:-1], "empty": b"", "label": ten + b"\x0a" + bytes(3072),
        "coarse": b"\x20\7" + bytes(3072), "fine": b"\3\x70" + bytes(3072),
    }


def points_corpus():
    return {
        "comma": b"1,2\n3,4\n", "semicolon": b"1;2\r\n3;4\r\n", "tab": b"1\t2\n", "space": b" 1  2 \n# end", "one": b"1",
        "labels": b"x,label\n1,0\n2,5\n", "quoted": b'"x","y"\n1,2\n', "numbers": b"+1 -2e-3 .5 1e300 4.9e-324",
        "mark": b"\xef\xbb\xbf1,2", "columns": b"1,2\n3\n", "word": b"1,2\n3,four\n", "missing": b"1,2\n3,\n",
        "nan": b"1 nan\n", "inf": b"1 inf\n", "overflow": b"1 1e999\n", "label": b"x,label\n1,-1\n",
        "label-half": b"x,label\n1,0.5\n", "two-labels": b"label,label\n", "only-label": b"label\n1\n",
        "index": b",x\n0,1\n", "no-point": b"# nothing\n", "long-word": b"1 " + b"z" * 99, "wide": b"1," * 50 + b"1\n" * 9,
    }


def safetensors(header, content=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + content


def tensor(begin=0, end=4, dtype="F32", shape=(1,)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def safetensors_corpus():
    good = safetensors({"__metadata__": {"format": "pt"}, "a": tensor(), "b": tensor(4, 8)}, bytes(8))
    fields = b'"dtype":"F32","shape":[1],"data_offsets":[0,4]'
    corpus = {
        "good": good, "none": safetensors({}), "padded": safetensors(b'{"a":{' + fields + b"}}   ", bytes(4)),
        "scalar": safetensors({"a": tensor(shape=())}, bytes(4)), "empty": safetensors({"a": tensor(0, 0, shape=(0, 3))}),
        "any-order": safetensors({"a": tensor(4, 8), "b": tensor()}, bytes(8)), "short": b"\0" * 7,
        "odd": safetensors({"a": tensor(0, 1, "U8"), "b": tensor(1, 5)}, bytes(5)),
        "header-cut": good[:30], "header-lie": safetensors({}, length=2**64 - 1), "not-json": safetensors(b"{a}"),
        "not-object": safetensors(b"[]      "), "spaces-first": safetensors(b" {}"), "nul": safetensors(b"{}\0\0"),
        "json-cut": safetensors(b'{"a":'), "deep": safetensors(b'{"a":' * 2000), "deep-array": safetensors(b'{"a":' + b"[" * 2000),
        "deep-shape": safetensors(b'{"a":{"shape":' + b"[" * 2000), "not-utf8": safetensors(b'{"\xff":{' + fields + b"}}", bytes(4)),
        "tensor-number": safetensors({"a": 1}), "metadata-number": safetensors({"__metadata__": {"a": 1}}),
        "metadata-object": safetensors({"__metadata__": {"a": {}}}), "metadata-null": safetensors({"__metadata__": None}),
        "metadata-twice": safetensors(b'{"__metadata__":{},"__metadata__":{}}'),
        "metadata-key-twice": safetensors(b'{"__metadata__":{"a":"","a":""}}'),
        "tensor-twice": safetensors(b'{"a":{' + fields + b'},"a":{' + fields + b"}}", bytes(4)),
        "field-twice": safetensors(b'{"a":{' + fields + b"," + fields + b"}}", bytes(4)),
        "field-unknown": safetensors({"a": {**tensor(), "strides": [1]}}, bytes(4)),
        "field-missing": safetensors({"a": {"dtype": "F32", "shape": [1]}}, bytes(4)),
        "type-unknown": safetensors({"a": tensor(0, 2, "BF16")}, bytes(2)), "shape-text": safetensors({"a": {"shape": "x"}}),
        "shape-negative": safetensors({"a": {"shape": [-1]}}), "shape-half": safetensors({"a": {"shape": [0.5]}}),
        "shape-true": safetensors({"a": {"shape": [True]}}), "axes": safetensors({"a": {"shape": [1] * 33}}),
        "shape-huge": safetensors({"a": tensor(shape=(2**40, 2**40))}, bytes(4)),
        "offsets-three": safetensors({"a": {"data_offsets": [0, 1, 2]}}), "offsets-back": safetensors({"a": tensor(4, 0)}, bytes(4)),
        "ends-outside": safetensors({"a": tensor(0, 2**63)}, bytes(4)), "values-cut": good[:-1], "values-long": good + b"x",
        "shape-lie": safetensors({"a": tensor(shape=(2,))}, bytes(4)),
        "overlap": safetensors({"a": tensor(), "b": tensor(2, 6)}, bytes(6)),
        "hole": safetensors({"a": tensor(), "b": tensor(5, 9)}, bytes(9)), "hole-first": safetensors({"a": tensor(1, 5)}, bytes(5)),
    }
    for code, size in {"U64": 8, "I64": 8, "F64": 8, "U32": 4, "I32": 4, "F16": 2, "U16": 2, "I16": 2, "I8": 1}.items():
        corpus["type-" + code.lower()] = safetensors({"a": tensor(0, 2 * size, code, (2,))}, bytes(2 * size))
    return corpus


def main():
    here = pathlib.Path(__file__).resolve().parent
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "corpus"
    for reader, files in {"idx": idx_corpus(), "npy": npy_corpus(), "npz": npz_corpus(), "cifar": cifar_corpus(),
                          "points": points_corpus(), "safetensors": safetensors_corpus()}.items():
        folder = root / reader
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
