#!/usr/bin/env python3
"""Reads `govulncheck -format json` from standard input and says what it found in code that lenet calls.

A vulnerability of a module is this project's to mend: exit status 1. One of Go's standard library is mended by a newer Go, on the machine
that builds: it is named, with the version to install, and the status is 0.
"""
import json
import re
import sys


def messages(text):
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        message, length = decoder.raw_decode(text[at:].lstrip())
        at += len(text[at:]) - len(text[at:].lstrip()) + length
        yield message


def main():
    go, scanned, summaries, called = "", False, {}, {}
    for message in messages(sys.stdin.read()):
        if config := message.get("config"):
            go = config.get("go_version", "")
        scanned = scanned or "SBOM" in message
        if osv := message.get("osv"):
            summaries[osv["id"]] = osv.get("summary", "")
        if finding := message.get("finding"):
            first = finding["trace"][0]
            if "function" in first:  # others are in what is imported or required, and not called
                called[finding["osv"], first["module"]] = (first.get("version", ""), finding.get("fixed_version", ""))
    if not scanned:
        sys.exit("vulncheck: govulncheck did not finish (its message is above): nothing is known")
    bad, fixes = 0, set()
    for (identifier, module), (version, fixed) in sorted(called.items()):
        print(f"{identifier}: {module} {version}, mended in {fixed or 'no version'}: {summaries.get(identifier, '')}")
        if module != "stdlib":
            bad += 1
        elif numbers := re.match(r"v(\d+(?:\.\d+)*)", fixed):  # a release candidate counts as its release
            fixes.add(tuple(map(int, numbers[1].split("."))))
    if len(called) > bad:
        mended = f"Go {'.'.join(map(str, max(fixes)))} or later has none of those that are mended" if fixes else "no version has them mended"
        print(f"{len(called) - bad} in the standard library of {go}: {mended}")
    print(f"{bad} in modules")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
