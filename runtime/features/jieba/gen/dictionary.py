#!/usr/bin/env python3
"""Writes ../jieba.bin.gz: jieba's dictionary and HMM tables in the form that the Go package reads.

    python3 -m venv "$DIR" && "$DIR/bin/pip" install jieba==0.42.1
    "$DIR/bin/python" runtime/features/jieba/gen/dictionary.py

The layout is described in ../format.go. Every number that takes part in a comparison (log frequencies, HMM
probabilities) is stored as the float64 that Python computes with, so that ties and near-ties fall to the same side.
"""

import gzip
import math
import os
import struct

import jieba
from jieba import finalseg

MAGIC = b"CTRJIEB1"
STATES = "BMES"
OUTPUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "jieba.bin.gz")


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def reachable(ch):
    """Whether jieba's tokeniser ever looks the character up: what its re_han_default matches."""
    return "\u4e00" <= ch <= "\u9fd5" or (ch < "\x80" and (ch.isalnum() or ch in "+#&._%-"))


def read_dictionary():
    with open(os.path.join(os.path.dirname(jieba.__file__), "dict.txt"), "rb") as f:
        return jieba.Tokenizer.gen_pfdict(f)


def level_order(freq):
    """The prefix tree, level by level: (label, frequency, children) of each node, children in code point order."""
    root = (None, 0, {})
    for word, n in freq.items():
        if not all(map(reachable, word)):
            continue
        node = root
        for ch in word:
            node = node[2].setdefault(ch, [ch, 0, {}])
        node[1] = n
    level, nodes = [root], []
    while level:
        nodes += level
        level = [node[2][ch] for node in level for ch in sorted(node[2])]
    return nodes


def floats(values):
    return varint(len(values)) + struct.pack("<%dd" % len(values), *values)


def trie_section(nodes, total):
    """Weights by rank, then three columns: number of children, label (as a step from the sibling before), rank."""
    count = {}
    for _, n, _ in nodes[1:]:
        count[n] = count.get(n, 0) + 1
    count.pop(0, None)
    by_rank = sorted(count, key=lambda n: (-count[n], n))
    rank = {n: i + 1 for i, n in enumerate(by_rank)}
    rank[0] = 0
    out = [floats([math.log(n or 1) - math.log(total) for n in [0] + by_rank])]
    out.append(varint(len(nodes)))
    out += [varint(len(children)) for _, _, children in nodes]
    for _, _, children in nodes:
        last = 0
        for ch in sorted(children):
            out.append(varint(ord(ch) - last))
            last = ord(ch)
    out += [varint(rank[n]) for _, n, _ in nodes[1:]]
    return b"".join(out)


def hmm_section():
    """Start and transition probabilities in the order of STATES, the distinct emission values, then a row per character."""
    start, trans, emit = finalseg.start_P, finalseg.trans_P, finalseg.emit_P
    out = [floats([start[s] for s in STATES])]
    out.append(floats([trans[a].get(b, finalseg.MIN_FLOAT) for a in STATES for b in STATES]))
    chars = sorted({ch for s in STATES for ch in emit[s] if "\u4e00" <= ch <= "\u9fd5"})
    values = sorted({emit[s][ch] for s in STATES for ch in emit[s]})
    values = [finalseg.MIN_FLOAT] + values
    index = {v: i for i, v in enumerate(values)}
    out.append(floats(values))
    out.append(varint(len(chars)))
    last = 0
    for ch in chars:
        out.append(varint(ord(ch) - last))
        last = ord(ch)
    for s in STATES:
        out += [varint(index[emit[s].get(ch, finalseg.MIN_FLOAT)]) for ch in chars]
    return b"".join(out)


def main():
    freq, total = read_dictionary()
    nodes = level_order(freq)
    data = MAGIC + trie_section(nodes, total) + hmm_section()
    with open(OUTPUT, "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as z:
        z.write(data)
    print("%d words, %d nodes, %d bytes, %d compressed" %
          (sum(1 for n in freq.values() if n), len(nodes), len(data), os.path.getsize(OUTPUT)))


if __name__ == "__main__":
    main()
