"""Secrets that a name in the text gives away: `password: …`, `API_KEY=…`, `--token …`, headers."""

from __future__ import annotations

from trackerlite.capture.looks import has_digit
from trackerlite.capture.names import compiled, is_secret_name, secret_kind


def without_assigned(text: str, mark: str) -> str:
    """`text` with `mark` for what is assigned to names of secrets: code, YAML, JSON, header or shell."""
    if _suspect(text):
        lines = text.splitlines(keepends=True)
        text = "".join([_assignments(line, mark) if _suspect(line) else line for line in lines])
    return text


# Substring search is an order faster than one pattern with alternatives.
_SUSPECT = ["passw", "passphrase", "pwd", "secret", "token", "credential", "auth", "cookie"]
_SUSPECT += ["signature", "sig=", "apikey", "accesskey", "accountkey", "privatekey"]
_KEYS = (
    r"(?:api|access|account|private|encryption|signing|master|shared|service|ssh|wandb|"
    r"license|storage)[ _-]key"
)


def _suspect(text: str) -> bool:
    if "=" not in text and ":" not in text and "--" not in text:
        return False
    text = text.lower()
    for word in _SUSPECT:
        if word in text:
            return True
    return "key" in text and compiled(_KEYS).search(text) is not None


_ASSIGN = (
    r"(?<![\w.-])(?=[\w-])(?:(-{0,2}[A-Za-z_][\w.-]{0,80})"  # the name, from its own beginning
    r"(\\{0,3}[\"']?\]?\s{0,4}(?:=>|:=|[:=])\s{0,4})|"  # = or :
    r"(--[A-Za-z_][\w.-]{0,80})[ \t]{1,4})"  # `--flag value`
    r"([fbruFBRU]{0,2}\\{0,3}[\"'])?"  # an opening quote, escaped when JSON sits in JSON
)
_LONG = r"[A-Za-z0-9_+/-]{20}"
# Looked at up to a length, or a line of nothing but `password=` would cost its square.
_BARE = r"[^\s\"',;&|)}\]]{1,512}"
_BARE_WORD = r"[^\s\"',;&|)}\]=:]{1,512}={0,2}"
_REST = r"[^\s\"',;&|)}\]]*"
_HEADER = r"(?i)(?:proxy-)?authorization$|(?:set-)?cookie$"
_WHOLE_LINE = r"[^\"'\r\n]*"
# Unquoted, these are code, or nothing at all.
_EXPRESSION = (
    r"(?i)(?:none|null|true|false|nil|self|str|int|\*+|<.*|\$.*|%.*|\[redacted\])$|.*[(\[{]"
)
_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$"


def _assignments(line: str, mark: str) -> str:
    """One line with the values of secret names replaced: code, YAML, JSON, header or shell."""
    out, done, at = [], 0, 0
    while match := compiled(_ASSIGN).search(line, at):
        named, _, option, quote = match.groups()
        name, flag = named or option, named is None
        at = match.end(3 if flag else 1)  # the value may itself be `name=value`
        kind, spoken = secret_kind(name), False
        if not kind and not flag:
            # `Your API key: …`, as people write it: sure only of what looks like one.
            before = line[max(0, match.start() - 24) : match.start()].split(" ")
            if len(before) > 1 and secret_kind(f"{before[-2]} {name}") == "strong":
                name, kind, spoken = f"{before[-2]} {name}", "strong", True
        if not kind:
            continue
        start = match.end()
        header = compiled(_HEADER).search(name) is not None
        if header:
            stop = _end(_WHOLE_LINE, line, start)
        elif quote:
            stop = _closing(line, start, quote[-1])
        else:
            stop = _end(_BARE if kind == "strong" else _BARE_WORD, line, start)
        value = line[start:stop]
        if not value.strip() or value == mark or not is_secret_name(name, value):
            continue
        if spoken and not (has_digit(value) and compiled(_LONG).search(value)):
            continue
        if not quote and not header:
            if _is_code(name, value, kind, flag):
                continue
            stop = _end(_REST, line, stop)
        out += [line[done:start], mark]
        done = at = stop
    out.append(line[done:])
    return "".join(out)


def _end(pattern: str, line: str, start: int) -> int:
    match = compiled(pattern).match(line, start)
    return match.end() if match else start


def _is_code(name: str, value: str, kind: str, flag: bool) -> bool:
    """Whether an unquoted value only fetches a secret (`password=args.password`)."""
    if (
        compiled(_EXPRESSION).match(value)
        or compiled(_DOTTED).match(value)
        or value.lower() in name.lower()
    ):
        return True
    if kind != "strong" and not (len(value) >= 8 and has_digit(value)):
        return True
    return (flag and value.startswith("-")) or value.isdigit()


def _closing(line: str, start: int, quote: str) -> int:
    """Where a quoted value ends: its closing quote, or the end of the line."""
    at = line.find(quote, start)
    while at > 0 and line[at - 1] == "\\" and (at < 2 or line[at - 2] != "\\"):
        # An escaped quote ends the value only where the opening one was escaped as well.
        if start >= 2 and line[start - 2] == "\\":
            return at - 1
        at = line.find(quote, at + 1)
    return at if at >= 0 else len(line.rstrip("\r\n"))
