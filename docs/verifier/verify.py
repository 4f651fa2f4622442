"""Check what Dustman says is on record, without Dustman. docs/reference/proofs.md explains every step.

    verify.py proof PROOF [--key KEY]...                an event is in the log that signed the checkpoint
    verify.py growth CHECKPOINT PROOF [--key KEY]...    the log still begins with what an earlier checkpoint covers
    verify.py export EXPORT CHECKPOINT [--key KEY]...   an export as jsonl is the log that signed the checkpoint

Plain Python 3.11; checking signatures needs the package `cryptography`. Without --key only hashes are checked, and
the end says so. Ends with 0 when all is proven, 1 when it is false, 2 when it cannot be told.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from pathlib import Path

TEXT = r'"(?:[^"\\]|\\.)*")'
# An event in an export, and what the tree hashes: the same values, byte for byte, in another order.
LINE = re.compile(
    r'{"specversion":"1\.0","id":(?P<id>TEXT,"source":"(?P<source>.*?)","type":"(?P<type>.*?)","subject":(?P<stream>TEXT,'
    r'"time":(?P<time>TEXT,"datacontenttype":"application/json","dataschema":"urn:dustman:schema:(?P=type):(?P<form>.*?)",'
    r'"position":"(?P<position>.*?)","streamversion":"(?P<version>.*?)","recordedtime":(?P<recorded>TEXT,"correlationid":'
    r'(?P<part>TEXT(,"causationid":(?P<cause>TEXT)?,"data":(?P<data>.*)}\n'.replace("TEXT", TEXT)
)
LEAF = (
    '{{"causation_id":{cause},"correlation_id":{part},"data":{data},"event_id":{id},"occurred_at":{time},"position":'
    '{position},"recorded_at":{recorded},"stream":{stream},"type":"{type}","type_version":{form},"version":{version}}}'
)


def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\x01" + left + right)


def from_base64(text):
    return base64.b64decode(text, validate=True)


def read_checkpoint(note, keys):
    """Return origin, size and root of a C2SP tlog-checkpoint, once a key has vouched for it."""
    text, blank, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not (lines[1].isdecimal() and lines[1].isascii()):
        raise ValueError("there is no checkpoint of an origin, a size, a root and a signature")
    if keys and True not in [vouches(key, text + "\n", signatures.splitlines()) for key in keys]:
        sys.exit("FALSE: no signature of the checkpoint is by a key that was given")
    return lines[0], int(lines[1]), from_base64(lines[2])


def vouches(key, text, signatures):
    """Tell whether a verifier key, name+id+base64, has signed; a false signature under its name and id refutes."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    name, key_id, encoded = [*key.split("+", 2), "", ""][:3]
    public = from_base64(encoded)
    if public[:1] != b"\x01" or sha256(f"{name}\n".encode() + public)[:4].hex() != key_id:
        raise ValueError(f"{key} is not a verifier key of Ed25519")
    verify = Ed25519PublicKey.from_public_bytes(public[1:]).verify
    signed = [from_base64(line[len(name) + 3 :]) for line in signatures if line.startswith(f"— {name} ")]
    try:
        return [verify(each[4:], text.encode()) for each in signed if each[:4].hex() == key_id] != []
    except InvalidSignature:
        sys.exit(f"FALSE: the signature by {name}+{key_id} is false")


def roots(found, start, end, size, path):
    """Return the roots of the first `end` and of all leaves, from the hash of those from `start` and its siblings."""
    if (start, end) == (0, size):
        return found, found
    half, sibling = 1 << (size - 1).bit_length() - 1, (path or [b""]).pop()
    if end <= half:
        before, after = roots(found, start, end, half, path)
        return before, node(after, sibling)
    before, after = roots(found, start - half, end - half, size - half, path)
    return node(sibling, before), node(sibling, after)


def check_proof(file, keys):
    """Check a C2SP tlog-proof whose `extra` is the event (RFC 6962, 2.1.1)."""
    head, _, note = file.read().decode().partition("\n\n")
    kind, extra, index, *path = [*head.split("\n"), "", ""]
    if kind != "c2sp.org/tlog-proof@v1" or not extra.startswith("extra ") or not index.startswith("index "):
        raise ValueError("it is not a tlog-proof that brings its event")
    (origin, size, root), event, at = read_checkpoint(note, keys), from_base64(extra[6:]), int(index[6:])
    path = [from_base64(line) for line in path[:-2]]
    placed = 0 <= at < size and json.loads(event)["position"] == at + 1
    if not placed or roots(sha256(b"\x00" + event), at, at + 1, size, path)[1] != root or path:
        sys.exit(f"FALSE: the proof does not lead from an event at index {at} of {size} to the checkpoint's root")
    return f"{origin} has at position {at + 1} of {size}: {event.decode()}"


def check_growth(earlier, file, keys):
    """Check the hashes of a C2SP tlog-witness request against the earlier root and its own (RFC 6962, 2.1.2)."""
    head, _, note = file.read().decode().partition("\n\n")
    (origin, old, old_root), (name, size, root) = (read_checkpoint(n, keys) for n in (earlier.read().decode(), note))
    claim, *lines = head.split("\n")
    if (claim, name) != (f"old {old}", origin):
        raise ValueError(f"it is not a proof of what {origin} has after its first {old} events")
    path, proven = [from_base64(line) for line in lines], old == 0 and old_root == sha256(b"")
    if 0 < old <= size:
        start = old & (old - 1) if old < size else 0  # where the last complete subtree of the old leaves begins
        proven = roots((path or [b""]).pop(0) if start else old_root, start, old, size, path) == (old_root, root)
    if path or not proven:
        sys.exit(f"FALSE: the {size} events do not begin with the {old} that were signed before")
    return f"{origin}: the {size} events begin with the {old} that were signed before"


def check_export(file, checkpoint, keys):
    """Hash an export's events, as many as the checkpoint covers, into a tree (RFC 6962, 2.1)."""
    origin, size, root = read_checkpoint(checkpoint.read().decode(), keys)
    source, digest, tree, line = origin.replace("dustman/", "urn:dustman:", 1), hashlib.sha256(), [], b""
    for position, line in enumerate(iter(lambda: file.readline(2**26), b""), start=1):
        if line.startswith(b'{"sealed":'):
            break
        event = LINE.fullmatch(line.decode())
        if not event or (event["source"], event["position"]) != (source, str(position)):
            sys.exit(f"FALSE: line {position} is not the event of {origin} at position {position}")
        tree.append(sha256(b"\x00" + LEAF.format_map(event.groupdict("null")).encode()))
        digest.update(line)
    seal = {"sealed": len(tree), "source": source, "sha256": digest.hexdigest()}
    if line != json.dumps(seal, separators=(",", ":")).encode() + b"\n" or file.read(1):
        sys.exit(f"FALSE: the {len(tree)} events do not end with their seal; the file was changed or cut off")
    count, tree = len(tree), tree[:size]
    while len(tree) > 1:
        tree = [*map(node, tree[::2], tree[1::2]), *tree[len(tree) // 2 * 2 :]]
    if count < size or (tree or [sha256(b"")])[0] != root:
        sys.exit(f"FALSE: the {size} events that were signed are not the first of these {count}")
    return f"{origin}: the first {size} of {count} events are what was signed"


if __name__ == "__main__":
    checks = {"proof": check_proof, "growth": check_growth, "export": check_export}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=checks)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--key", action="append", default=[], help="a verifier key, name+id+base64; may be repeated")
    asked = parser.parse_args()
    try:
        said = checks[asked.what](*[path.open("rb") for path in asked.files], keys=asked.key)
    except (OSError, ValueError, LookupError, TypeError, ImportError, RecursionError) as error:
        sys.stderr.write(f"cannot tell: {error}\n")
        sys.exit(2)
    sys.stdout.write(f"{said}\n" + ("" if asked.key else "The signature was not checked: no --key was given.\n"))
