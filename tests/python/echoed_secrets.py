#!/usr/bin/env python3
"""A key in every spelling and every place of an answer, and private prompts repeated by a server.

    echoed_secrets.py LLMSWEEP FOLDER

An endpoint says the key that it was given: in 30 spellings and more, in every place of an answer
(echo_server.py), shifted byte by byte so that every limit of a text's length falls into the key, over
both transports, and in what answers the check before a run. No 8 characters of the key in a row may
be in any file or output, however they are escaped. Then it says the prompts of a private dataset and
what it answers: no 16 letters of them in a row may be anywhere. Exits 1 with what was found.
"""

import base64
import concurrent.futures
import html
import json
import os
import random
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import echo_server as echo  # noqa: E402

KEY = "".join(random.Random(11).sample("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", 44))
KEY = KEY[:10] + '/+="&' + KEY[10:20] + "<'>\\" + KEY[20:30] + "%2f~." + KEY[30:]
FOUND = []


def escaped(form, which=lambda c: not c.isalnum()):
    return "".join(form.format(c, ord(c)) if which(c) else c for c in KEY)


def every(_):
    return True


def b64(prefix, url=False):
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    return encode((prefix + KEY).encode()).decode()


JSON = json.dumps(KEY)[1:-1]
PERCENT = urllib.parse.quote(KEY, safe="")
# Each may stand in a header, and those of QUOTABLE between the quotes of a JSON text as they are.
SPELLINGS = {
    "as it stands": KEY, "JSON": JSON, "PHP's JSON": JSON.replace("/", "\\/"),
    ".NET's JSON": escaped("\\u{1:04X}"), "Go's JSON": escaped("\\u{1:04x}"), "all \\u": escaped("\\u{1:04x}", every),
    "JSON in JSON": json.dumps(JSON)[1:-1], ".NET's JSON in JSON": json.dumps(escaped("\\u{1:04X}"))[1:-1],
    "a URL": PERCENT, "a URL in lower case": escaped("%{1:02x}"), "all %": escaped("%{1:02X}", every),
    "a URL twice": urllib.parse.quote(PERCENT), "a URL with slashes": urllib.parse.quote(KEY), "%u": escaped("%u{1:04X}"),
    "HTML": html.escape(KEY), "HTML twice": html.escape(html.escape(KEY)), "&#N;": escaped("&#{1};"),
    "all &#N;": escaped("&#{1};", every), "&#0N;": escaped("&#{1:05};"), "&#xH;": escaped("&#x{1:X};"),
    "&#xh;": escaped("&#x{1:x};"), "HTML of all \\u": html.escape(escaped("\\u{1:04x}", every)),
    "HTML's names": html.escape(KEY).replace("+", "&plus;").replace("/", "&sol;").replace("=", "&equals;")
    .replace("%", "&percnt;").replace(".", "&period;"),
    "Python's": repr(KEY)[1:-1], "\\x": escaped("\\x{1:02x}"), "all \\x": escaped("\\x{1:02x}", every),
    "octal": escaped("\\{1:03o}"), "\\u{}": escaped("\\u{{{1:x}}}"), "\\U": escaped("\\U{1:08x}"), "a shell's": escaped("\\{0}"),
    "a URL of HTML": urllib.parse.quote(html.escape(KEY), safe=""), "JSON of a URL": PERCENT.replace("%", "\\u0025"),
    "HTML of a URL": PERCENT.replace("%", "&#37;"), "base64": b64(""), "base64 of user:KEY": b64("user:"),
    "base64 of Basic": b64("a:"), "base64 for URLs": b64("", True), "hexadecimal": KEY.encode().hex(),
}
NAMES = list(SPELLINGS)
PLACES = [*echo.RAW, *echo.IN_JSON]


def in_json(text):
    """The spelling as it may stand between quotes: as it is where a JSON parser takes it."""
    try:
        json.loads(f'"{text}"')
        return text
    except ValueError:
        return json.dumps(text)[1:-1]


def variants(half):
    """(place, shift, spelling): all spellings everywhere, then the key shifted byte by byte, every
    other byte in each half. 64 KiB of a body are kept."""
    for place in PLACES:
        yield from ((place, 0, name) for name in NAMES)
        yield from ((place, shift, NAMES[0]) for shift in range(half, 330, 2))
        yield from ((place, shift, NAMES[(shift + len(place)) % len(NAMES)]) for shift in range(5 + half, 330, 22))
    for place in ("page", "sentence", "page instead of a stream", "message"):
        yield from ((place, shift, NAMES[0]) for shift in range(65536 - 140 + half, 65536, 14))


def told(place, shift, name):
    text = SPELLINGS[name]
    return place, "z" * shift + (in_json(text) if place in echo.IN_JSON else text)


def unescaped(text):
    text = re.sub(r"\\u\{?([0-9a-fA-F]{2,4})\}?|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|%u([0-9a-fA-F]{4})",
                  lambda m: chr(int(next(g for g in m.groups() if g), 16)), text)
    text = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), text)
    return html.unescape(urllib.parse.unquote(re.sub(r"\\([^\w\s])", r"\1", text)))


PIECES = {spelling[i:i + 8] for spelling in (KEY, b64("")[:-4], b64("user:")[8:-4], b64("a:")[4:-4], KEY.encode().hex())
          for i in range(len(spelling) - 7)}


def look(where, text):
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if where.endswith("requests.jsonl"):  # the lines are alike but for their numbers and padding
        text = re.sub(r'"[a-z0-9_]+":-?[0-9.]+,', "", text)
        text = "\n".join({re.sub("z{4,}", "zzz", line) for line in text.split("\n")})
    for layer in range(4):
        found = next((piece for piece in PIECES if piece in text), None)
        if found:
            at = text.index(found)
            FOUND.append(f"{where}: {text[max(0, at - 60):at + 60]!r}, layer {layer}")
            return
        before, text = text, unescaped(text)
        if before == text:
            return


def run(program, words, folder, environment, timeout=120):
    done = subprocess.run([program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=folder,
                          timeout=timeout, check=False)
    return done.returncode, done.stdout, done.stderr


def spec(folder, name, url, endpoint="api_key_env: ECHOED", workload="dataset: random", load="", requests=1, tokens=2):
    path = f"{folder}/{name}.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"name: {name}\nsystem: {{gpus: 1}}\nendpoint: {{url: '{url}', request_timeout: 20s, {endpoint}}}\n"
                   f"workload: {{{workload}, input_tokens: 10, output_tokens: {tokens}, reuse: allow}}\n"
                   f"load: {{concurrency: [4], requests_per_slot: {requests}, warmup_per_slot: 0, repeats: 1, fillers: false, "
                   f"max_consecutive_errors: 1000000{load}}}\n")
    return path


def outputs(program, results, folder, environment):
    """Everything that is made of a run, and what the commands say meanwhile."""
    for words in (["rebuild", results], ["report", results, "--markdown", f"{results}/r.md", "--csv", f"{results}/r.csv",
                                         "--figures", f"{results}/figures", "--html", f"{results}/r.html"],
                  ["show", results], ["show", results, "--format", "json"], ["compare", results, results, "--format", "json"],
                  ["gate", results, "--require", "e2e:p50@c4 <= 10s", "--json", f"{results}/g.json", "--junit", f"{results}/g.xml"],
                  ["export", results, "--as", "vllm-json"], ["export", results, "--as", "llm-d-report"]):
        code, out, err = run(program, words, folder, environment)
        if code not in (0, 12):  # 12: the gate judges no level that is invalid
            FOUND.append(f"{words[0]} ended with {code}: {err[-300:]}")
        yield f"the output of {words[0]}", out + err
    for root, _, names in os.walk(results):
        for name in names:
            with open(os.path.join(root, name), "rb") as file:
                yield os.path.join(root, name), file.read()


def repeat_in_a_run(program, folder, environment, transport, source):
    all_of_them = list(variants(half=transport == "libcurl"))
    server = echo.EchoServer(say=lambda n, _: told(*all_of_them[n % len(all_of_them)]))
    path = spec(folder, transport, server.url(), source, load="", requests=len(all_of_them) // 4 + 1)
    code, out, err = run(program, ["run", path, "--out", f"{folder}/out", "--quiet", "--set", f"client.transport={transport}"],
                         folder, environment)
    server.close()
    look("the output of run", out + err)
    if code != 0 or server.number < len(all_of_them):
        FOUND.append(f"{transport}: ended with {code} after {server.number} of {len(all_of_them)} requests: {err[-300:]}")
        return
    if server.authorizations != {f"Bearer {KEY}"}:
        FOUND.append(f"{transport}: the endpoint was sent {server.authorizations}")
    for where, data in outputs(program, f"{folder}/out/{transport}", folder, environment):
        look(where, data)
    with open(f"{folder}/out/{transport}/requests.jsonl", encoding="utf-8") as file:
        redacted = sum("<redacted>" in line for line in file)
    if redacted < len(all_of_them) / 4:
        FOUND.append(f"{transport}: only {redacted} records of {len(all_of_them)} show that something was repeated")


def models_that_say(text, status="200 OK", pad=""):
    entries = ", ".join(f'{{"id": "m{i}", "owned_by": "{t}", "{t}": ["{t}"]}}' for i, t in enumerate(text))
    head = "".join(f"X-Told-{i}: {t}\r\n" for i, t in enumerate(text) if len(t) < 300)
    return echo.answer(f'{{"pad": "{pad}", "data": [{{"id": "m"}}, {entries}]}}', status, head=head)


def repeat_before_a_run(program, folder, environment):
    """What answers the check: the list of models, the probes, the server's tokenizer."""
    spelled = [in_json(text) for text in SPELLINGS.values()]
    cases = [("run", dict(models=lambda: models_that_say(spelled)), "")]
    start = len('{"pad": "", "data": [{"id": "m"}, {"id": "m0", "owned_by": "')
    for shift in range(1, 70, 6):  # the answer is kept up to 64 KiB
        cases.append(("run", dict(models=lambda s=shift: models_that_say([in_json(KEY)], pad="p" * (65536 - start - s))), ""))
    tokenizer = "workload.tokenizer=server"
    for n, name in enumerate(NAMES):
        text = "z" * (n * 9) + SPELLINGS[name]
        quoted = "z" * (n * 9) + in_json(SPELLINGS[name])
        places = [("check", dict(models=lambda t=quoted: models_that_say([t], "500 " + t)), ""),
                  ("check", dict(models=lambda t=text: echo.answer(f"<html>{t}", kind="text/html")), ""),
                  ("check", dict(models=lambda t=text: echo.answer(t, "401 " + t)), ""),
                  ("run", dict(models=lambda t=quoted: echo.answer(f'{{"data": [{{"id": "{t}"}}]}}')), ""),
                  ("check", dict(tokenize=lambda _, t=text: echo.answer(t, "500 " + t)), tokenizer),
                  ("check", dict(tokenize=lambda _, t=quoted: echo.answer(f'{{"{t}": "{t}"}}')), tokenizer),
                  ("check", dict(tokenize=lambda _, t=quoted: echo.answer(f'{{"tokens": ["{t}"]}}')), tokenizer)]
        for place in PLACES[n % 7::7]:
            make = echo.RAW.get(place) or echo.IN_JSON[place]
            places.append(("check", dict(probe=lambda _, m=make, t=text if place in echo.RAW else quoted: m(t)), ""))
        cases += places if n == 0 else places[n % 4::4]

    def one(number):
        command, answers, override = cases[number]
        server = echo.EchoServer(say=lambda n, r: ("", ""), **answers)
        path = spec(folder, f"before{number}", server.url())
        words = [command, path, *(["--set", override] if override else []),
                 *(["--out", f"{folder}/before", "--quiet"] if command == "run" else [])]
        _, out, err = run(program, words, folder, environment)
        server.close()
        look(f"{command} {number}", out + err)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(len(cases))))
    for root, _, names in os.walk(f"{folder}/before"):
        for name in names:
            with open(os.path.join(root, name), "rb") as file:
                look(os.path.join(root, name), file.read())
    return len(cases)


# A private dataset: what is in a prompt, and what its answer would be.
PROMPT = "Dear Dr. Okonkwo,\nthe biopsy of patient {0} (\"Anna\") came back & is benign <b>so far</b>; keep it to yourself, number {0}."
ANSWER = "Indeed the second tumour marker of Mrs. Vandermeulen has doubled since the spring"
ECHOES = [lambda t: t, lambda t: t[:50], lambda t: t[20:90], html.escape, lambda t: html.escape(html.escape(t)),
          lambda t: urllib.parse.quote(t), lambda t: urllib.parse.quote_plus(t), repr, lambda t: repr(t.split()), lambda t: json.dumps(t),
          lambda t: json.dumps(json.dumps(t)), lambda t: " ".join(t.split()), str.upper, lambda t: f"Input should be a list: '{t[:40]}…'",
          lambda t: json.dumps(t).replace("&", "\\u0026").replace("<", "\\u003c"), lambda t: "x" * 250 + t]


def letters(text):
    return re.sub("[^a-z0-9]", "", text.lower())


def repeat_prompts(program, folder, environment):
    dataset = f"{folder}/private.jsonl"
    prompts = [PROMPT.format(f"KX{77310 + i}") for i in range(40)]
    with open(dataset, "w", encoding="utf-8") as file:
        for prompt in prompts:
            file.write(json.dumps({"prompt": prompt}) + "\n")
        file.write('{"prompt": "' + PROMPT[:30] + "\n{" + json.dumps(PROMPT) + "\n")  # damaged
    only_spelled = [p for p in PLACES if p not in echo.CLOSES and p not in ("reason", "header", "content type of an error")]

    def say(number, request):
        place = only_spelled[number % len(only_spelled)]
        text = ECHOES[number // len(only_spelled) % len(ECHOES)](request["messages"][-1]["content"])
        if number % 5 == 0 and place in ("chunk that is cut", "no JSON", "object instead of a stream", "chunk that is a text"):
            text = ANSWER
        if place in echo.IN_JSON:
            return place, json.dumps(text)[1:-1]
        return place, text.replace("\n", " ").replace("\r", " ")

    server = echo.EchoServer(say=say)
    count = len(only_spelled) * len(ECHOES)
    path = spec(folder, "private", server.url(), workload=f"dataset: {dataset}", requests=count // 4 + 1, tokens=3)
    text = open(path, encoding="utf-8").read().replace("input_tokens: 10, ", "")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    runs = {letters(p)[i:i + 16] for p in prompts + [ANSWER] for i in range(len(letters(p)) - 15)}
    numbers = re.compile("|".join(f"kx{77310 + i}" for i in range(40)))

    def look_for_prompts(where, data):
        for layer in (data.decode("utf-8", "replace"), unescaped(data.decode("utf-8", "replace"))):
            # A key is no part of a text: "Okonkw…", "other_model" does not say "Okonkwo, the".
            plain = letters(re.sub(r'"[a-z0-9_]+": ?', " zqz ", layer))
            at = next((i for i in range(len(plain) - 15) if plain[i:i + 16] in runs), None)
            number = numbers.search(plain)
            if at is not None or number:
                at = at if at is not None else number.start()
                FOUND.append(f"a private text is in {where}: {plain[max(0, at - 40):at + 60]}")
                return

    for words in (["check", path], ["run", path, "--out", f"{folder}/out", "--quiet"]):
        code, out, err = run(program, words, folder, environment)
        look_for_prompts(f"the output of {words[0]}", out + err)
        # `check` sends the longest request as well, and this endpoint refuses it with its text.
        if code != (1 if words[0] == "check" else 0):
            FOUND.append(f"{words[0]} of private prompts ended with {code}: {err[-300:]}")
    server.close()
    if server.number < count:
        FOUND.append(f"only {server.number} of {count} prompts were repeated")
    for where, data in outputs(program, f"{folder}/out/private", folder, environment):
        look_for_prompts(where, data)
    if FOUND:
        return count
    with open(f"{folder}/out/private/requests.jsonl", encoding="utf-8") as file:
        hidden = sum("<prompt>" in line for line in file)
    if hidden < count / 5:
        FOUND.append(f"only {hidden} records of {count} show that a prompt was repeated")
    return count


def main(program, folder):
    program, folder = os.path.abspath(program), os.path.abspath(folder)
    subprocess.run(["rm", "-rf", folder], check=True)
    os.makedirs(folder)
    with open(f"{folder}/key", "w", encoding="utf-8", newline="") as file:
        file.write(f"\ufeff{KEY} \r\n")
    os.chmod(f"{folder}/key", 0o600)
    environment = dict(os.environ, ECHOED=f" {KEY}\r\n", XDG_STATE_HOME=folder)
    repeat_in_a_run(program, folder, environment, "sockets", "api_key_env: ECHOED")
    repeat_in_a_run(program, folder, environment, "libcurl", f"api_key_file: {folder}/key")
    checks = repeat_before_a_run(program, folder, environment)
    prompts = repeat_prompts(program, folder, environment)
    for line in FOUND[:40]:
        print(line)
    print(f"{len(SPELLINGS)} spellings in {len(PLACES)} places, {len(list(variants(0)))} answers over each transport, "
          f"{checks} before a run, {prompts} repeated prompts: {len(FOUND)} findings")
    return 1 if FOUND else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
