"""Check what Dustman says is on record, without Dustman. docs/reference/proofs.md explains every step.

    verify.py proof PROOF [--key KEY]...                   an event is in the log that signed the checkpoint
    verify.py export LINES CHECKPOINT [--key KEY]...       these lines are the log that signed the checkpoint

Plain Python 3.11; checking signatures needs the package `cryptography`. Without --key only hashes are checked, and
the end says so. Ends with 0 when all is proven, 1 when it is false, 2 when it cannot be told.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

PROOF = "c2sp.org/tlog-proof@v1"


class Refuted(Exception):
    """What is claimed is not so."""


class Untold(Exception):
    """What is given is not what it should be."""


def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\x01" + left + right)


def from_base64(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Untold(f"{text!r} is not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise Untold(f"{text!r} is not the one base64 of its bytes")
    return raw


def read_checkpoint(note, keys):
    """Return origin, size and root of a C2SP tlog-checkpoint, once a key has vouched for it."""
    text, blank, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not lines[1].isdecimal() or not lines[1].isascii():
        raise Untold("there is no checkpoint of an origin, a size, a root and a signature")
    if keys and True not in [vouches(key, text + "\n", signatures) for key in keys]:
        raise Refuted("no signature of the checkpoint is by a key that was given")
    return lines[0], int(lines[1]), from_base64(lines[2])


def vouches(key, text, signatures):
    """Tell whether a verifier key, name+id+base64, has signed; a false signature under its name and id is an error."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    name, _, rest = key.partition("+")
    key_id, _, encoded = rest.partition("+")
    public = from_base64(encoded)
    if len(public) != 33 or public[0] != 1 or sha256(f"{name}\n".encode() + public)[:4].hex() != key_id:
        raise Untold(f"{key} is not a verifier key of Ed25519")
    for line in signatures.splitlines():
        dash, signer, signature = [*line.split(" "), "", ""][:3]
        if dash != "—" or len(line.split(" ")) != 3:
            raise Untold("there is a line below the checkpoint that is no signature")
        signed = from_base64(signature)
        if (signer, signed[:4].hex()) == (name, key_id):
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[4:], text.encode())
            except InvalidSignature:
                raise Refuted(f"the signature by {name}+{key_id} is false") from None
            return True
    return False


def check_proof(text, keys):
    """Follow the siblings of a C2SP tlog-proof from the event to the root (RFC 9162, 2.1.3.2)."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or [line.split(" ")[0] for line in lines[:3]] != [PROOF, "extra", "index"]:
        raise Untold("it is not a tlog-proof that brings its event")
    _, extra, index, *siblings = lines
    event, own = from_base64(extra[6:]), int(index[6:])
    origin, size, root = read_checkpoint(note, keys)
    last, found, at = size - 1, sha256(b"\x00" + event), own
    if own >= size or json.loads(event)["position"] != own + 1:
        raise Refuted(f"the event is not at index {own} of {size}")
    for sibling in map(from_base64, siblings):
        if last == 0:
            raise Refuted("the proof is too long")
        if at & 1 or at == last:
            found = node(sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, sibling)
        at, last = at >> 1, last >> 1
    if last or found != root:
        raise Refuted("the proof does not lead to the checkpoint's root")
    return f"{origin} has at position {own + 1} of {size}: {event.decode()}"


def check_export(lines, note, keys):
    """Hash the first lines, as many as the checkpoint covers, into a tree (RFC 6962, 2.1) and compare its root."""
    origin, size, root = read_checkpoint(note, keys)
    peaks = []  # complete subtrees, largest first, each as (leaves under it, hash)
    for position, line in enumerate(lines[:size], start=1):
        if json.loads(line)["position"] != position:
            raise Refuted(f"line {position} is not position {position}")
        count, found = 1, sha256(b"\x00" + line)
        while peaks and peaks[-1][0] == count:
            count, found = count * 2, node(peaks.pop()[1], found)
        peaks.append((count, found))
    if len(lines) < size:
        raise Refuted(f"the checkpoint covers {size} events, of which {len(lines)} are there")
    found = peaks.pop()[1] if peaks else sha256(b"")
    while peaks:
        found = node(peaks.pop()[1], found)
    if found != root:
        raise Refuted(f"the first {size} lines are not what the checkpoint was signed over")
    return f"{origin}: the first {size} of {len(lines)} lines are what was signed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["proof", "export"])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--key", action="append", default=[], help="a verifier key, name+id+base64; may be repeated")
    asked = parser.parse_args()
    try:
        first, *others = (path.read_bytes() for path in asked.files)
        if asked.what == "proof":
            said = check_proof(first.decode(), asked.key)
        else:
            said = check_export(first.splitlines(), b"".join(others).decode(), asked.key)
    except Refuted as error:
        sys.exit(f"FALSE: {error}")
    except (Untold, OSError, ValueError, KeyError, TypeError, ImportError) as error:
        sys.stderr.write(f"cannot tell: {error}\n")
        sys.exit(2)
    sys.stdout.write(f"{said}\n" + ("" if asked.key else "The signature was not checked: no --key was given.\n"))


if __name__ == "__main__":
    main()
