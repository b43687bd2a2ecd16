"""复算抽取结果，只需 Python 3.8 以上，不装任何软件：python replay.py [解压后的文件夹]."""

import hashlib, itertools, json, pathlib, sys


def sha(*texts):
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def random_below(seed, label, m, counter):
    for c in counter:
        v = int(sha(f"{seed}|{label}|{c}"), 16)
        if v < 2**256 // m * m:
            return v % m


def draw(rows, n, label):
    counter, left, m, now = itertools.count(1), set(rows), n, True
    while now:
        full = sum(int(rows[i][1]) for i in left)
        now = {i for i in left if m * int(rows[i][1]) >= full}
        left, m = left - now, m - len(now)
    full = full or 1
    t = {i: m * int(rows[i][1]) if i in left else full for i in sorted(rows)}
    at = {i: (int(rows[i][2]), int(rows[i][3])) for i in t}
    for depth in range(max((rows[i][0].count("/") + 1 for i in t), default=0), -1, -1):
        groups = {}
        for i in t:
            groups.setdefault("/".join(rows[i][0].split("/")[:depth]), []).append(i)
        for _, g in sorted(groups.items()):
            while len(g := [i for i in g if 0 < t[i] < full]) > 1:
                i = g[random_below(seed, label, len(g), counter)]
                apart = [((at[k][0] - at[i][0]) ** 2 + (at[k][1] - at[i][1]) ** 2, k) for k in g]
                j = min(pair for pair in apart if pair[1] != i)[1]
                s = t[i] + t[j]
                whole, part, most = (s, t[i], s) if s <= full else (2 * full - s, full - t[j], full)
                wins = random_below(seed, label, whole, counter) < part
                t[i], t[j] = (most, s - most) if wins else (s - most, most)
    return [i for i in t if t[i] == full]


here = pathlib.Path((sys.argv + [__file__])[1])
here = here if here.is_dir() else here.parent
frame, params, said = [(here / f).read_bytes().decode() for f in ("frame.csv", "params.json", "certificate.json")]
p, said = json.loads(params), json.loads(said)
if (sha(frame), sha(params)) != (said["frame"], said["params"]):
    sys.exit("名录库或参数与凭证上的哈希 F、P 不符，已被改动。")
seed = sha(p["algorithm"], sha(frame), sha(params), said["value"], *said["salts"])
rows = {line.split(",")[0]: line.split(",")[1:] for line in frame.split("\n")[1:-1]}
streams = {p["label"]: (rows, p["n"])}
if p["streams"] == 2:
    old, whole = {i: rows[i] for i in p["inspected"]}, 1000 * len(rows)
    b, part = divmod(p["n"] * min(p["rho_permille"] * len(rows), 1000 * len(old)), whole)
    b = max(b + (random_below(seed, "split", whole, itertools.count(1)) < part), p["n"] + len(old) - len(rows))
    streams = {"A": ({i: rows[i] for i in rows if i not in old}, p["n"] - b), "B": (old, b)}
chosen = sorted(i for label, (r, n) in streams.items() for i in draw(r, n, label))
print("\n".join(chosen))
sys.exit(0 if chosen == said["selected"] else "复算名单与凭证上的名单不符。")
