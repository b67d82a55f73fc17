"""No secret of a training is in any file of the store, plain or encoded."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import textwrap
from urllib.parse import quote

CANARIES = {
    "environment": "c4n4ry+Env/77=a&b-long-enough",
    "netrc": "c4n4ry-N3trc-88-long-enough",
    "argument": "c4n4ry-Arg-11-long-enough",
    "hydra": "c4n4ry-Hydra-12-long-enough",
    "config": "c4n4ry-Conf-22-long-enough",
    "update": "c4n4ry-Upd-23-long-enough",
    "look": "hf_" + "C4n4ry" * 6,
    "url": "c4n4ryUrl33longenough",
    "remote": "c4n4ryRem44longenough",
    "patch": "c4n4ry-Patch-55-long-enough",
    "printed": "sk-c4n4ryPrinted66LongEnough0000",
    "metadata": "c4n4ry-Meta-99-long-enough",
    "logged": "hf_" + "C4Logged" * 4,
    "by name": "c4n4ry-Logged-By-Name-31",
    "cell": "hf_" + "C4iNaCell" * 4,
    "assigned": "c4n4ryAssigned32longenough",
    "page": "hf_" + "C4onApage" * 4,
    "caption": "hf_" + "C4caption" * 4,
    "name": "hf_" + "C4runName" * 4,
    "group": "hf_" + "C4aGroup0" * 4,
    "tag": "hf_" + "C4aTag000" * 4,
    "key": "hf_" + "C4metricK" * 4,
    "artifact": "hf_" + "C4artName" * 4,
    "entry": "hf_" + "C4anEntry" * 4,
    "flag in a list": "c4n4ry-Flag-33-long-enough",
    "box": "c4n4ry-Box-34-long-enough",
    "coloured": "hf_" + "C4colours" * 4,
    "in two writes": "hf_" + "C4twoWrite" * 4,
    "beyond the line": "hf_" + "C4longLin" * 4,
    "private key": "C4privateKeyMIIEpAIBAAKCAQEA77",
    "asked for": "c4n4ryAskedFor35longenough",
}

TRAIN = """
    import base64, os, subprocess, sys
    import trackerlite as tl
    c = dict(item.split("|", 1) for item in sys.stdin.read().split("\\n") if item)
    run = tl.init(project="p", dir=sys.argv[1], config={
        "model": {"hub": {"api_token": c["config"]}, "tokenizer": "x", "max_tokens": 7},
        "note": "pushed with " + c["look"],
        "mirror": f"https://user:{c['url']}@example.org/x",
    }, notes="see " + c["look"], group="of " + c["group"])
    run.config.update({"client_secret": c["update"]})
    run.config["late"] = {"password": c["update"]}
    run.config.update({"secrets": {"mine": c["box"]}, "argv": ["t.py", "--token", c["flag in a list"]]})
    run.name = "with " + c["name"]
    run.tags += ("t " + c["tag"],)
    run.log({"a": "see " + c["logged"], "d": {"password": c["by name"]}, "m " + c["key"]: 1.0})
    cells = [["v " + c["cell"]], ["export API_KEY=" + c["assigned"]], [{"ok": "kept cell"}]]
    run.log({"t": tl.Table(["x"], cells), "h": tl.Html("<b>" + c["page"] + "</b>"),
             "i": tl.Image([[0, 255]], caption=c["caption"])})
    kept = tl.Artifact("with-" + c["artifact"])
    kept.add_file(sys.argv[0], name="in/" + c["entry"] + ".py")
    run.log_artifact(kept)
    print("tok " + c["coloured"][:9] + "\\x1b[1m" + c["coloured"][9:] + "\\x1b[0m")
    print("tok " + c["in two writes"][:9], end="", flush=True)
    print(c["in two writes"][9:])
    print("y" * (8192 - 10), c["beyond the line"])
    print("-----BEGIN RSA PRIVATE KEY-----\\n" + c["private key"] + "\\n-----END RSA PRIVATE KEY-----")
    print("after the key; Your API key:", c["asked for"])
    run.log({"loss": 1.0, "text": "logged " + c["environment"]})
    run.summary["how"] = "with " + c["environment"]
    run.alert("login failed", f"key {c['environment']} refused")
    run.log_artifact(sys.argv[0], name="script", metadata={"api_key": c["metadata"]})
    print("using", c["printed"], os.environ["SERVICE_TOKEN"])
    print("header", base64.b64encode(b"user:" + c["netrc"].encode()).decode(), file=sys.stderr)
    subprocess.run(["sh", "-c", 'echo "child $SERVICE_TOKEN"'])
    os.write(2, f"config said {c['config']} and {c['update']}\\n".encode())
    raise RuntimeError(f"cannot log in at https://u:{c['url']}@example.org with {c['environment']}")
"""


def forms(value):
    """A secret as it may stand in a file: plain, URL-quoted, base64 at any offset."""
    raw = value.encode()
    yield "plain", raw
    if quote(value, safe="") != value:
        yield "quoted", quote(value, safe="").encode()
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        yield f"base64+{offset}", coded[(0, 2, 3)[offset] : -2]


def test_none_reaches_a_file(tmp_path):
    """Environment, netrc, arguments, config, URLs, git remote and patch, output, traceback,
    alerts, summary, metadata: no canary is in any file, nor any encoding of one."""
    project, store = tmp_path / "code", tmp_path / "s"
    project.mkdir()
    script = project / "train.py"
    script.write_text(textwrap.dedent(TRAIN))
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "WANDB_"))}

    def git(*args):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *args],
            cwd=project, check=True, env=clean, capture_output=True,
        )  # fmt: skip

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "x")
    git("remote", "add", "origin", f"https://bot:{CANARIES['remote']}@example.org/x.git")
    (project / "settings.py").write_text("lr = 1\n")
    git("add", ".")
    (project / "settings.py").write_text(f'lr = 2\nAPI_KEY = "{CANARIES["patch"]}"\n')
    (tmp_path / "netrc").write_text(
        f"machine api.wandb.ai login user password {CANARIES['netrc']}\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(store), "--api-key", CANARIES["argument"],
         f"model.auth_token={CANARIES['hydra']}", "--max-tokens", "512"],
        input="\n".join(f"{k}|{v}" for k, v in CANARIES.items()), cwd=project, text=True, timeout=120,
        capture_output=True,
        env={**clean, "SERVICE_TOKEN": CANARIES["environment"], "NETRC": str(tmp_path / "netrc")},
    )  # fmt: skip
    assert "RuntimeError" in done.stderr
    assert CANARIES["printed"] in done.stdout, "what is printed reaches the screen unchanged"
    files = {
        p: p.read_bytes() for p in store.rglob("*") if p.is_file() and "/objects/" not in str(p)
    }
    leaks = [
        f"{name} ({form}) in {path.relative_to(store)}"
        for path, data in files.items()
        for name, value in CANARIES.items()
        for form, coded in forms(value)
        if coded in data
    ]
    assert leaks == []
    everything = b"".join(files.values())
    # Not because nothing was recorded: what is no secret is all there.
    for expected in (
        b"[redacted]",
        b"max_tokens",
        b"--max-tokens 512",
        b"+lr = 2",
        b"example.org/x",
        b"header",
        b"kept cell",
        b"after the key",
    ):
        assert expected in everything, expected
    assert any(path.name == "console.log" for path in files)
