"""The table in the README: the matrix, with a line for each peer and version."""
import pathlib
import re

BEGIN, END = "<!-- The table is written by ci/e2e. -->\n", "<!-- End of the table. -->\n"


def write(path, casts, results, names):
    """`names` tells how to call peers, versions and servers: a function of what a cast has."""
    lines = {}
    for cast in casts:
        line = lines.setdefault((names(cast.peer), names(cast.mode)), {"ours": [], "servers": [], "states": []})
        servers = f"{names(cast.our_domain)} – {names(cast.their_domain)}"
        for place, what in (("ours", names(cast.ours)), ("servers", servers)):
            if what not in line[place]:
                line[place].append(what)
        line["states"] += [state for state, _ in results[cast.number].values()]
    rows = ["| peer | OMEMO | with | over | scenarios passed | failed | not possible |", "|---|---|---|---|---|---|---|"]
    for (peer, mode), line in lines.items():
        counts = [str(line["states"].count(state)) for state in ("passed", "failed", "not possible")]
        rows.append("| " + " | ".join([peer, mode, ", ".join(line["ours"]), ", ".join(line["servers"])] + counts) + " |")
    readme = pathlib.Path(path)
    text = readme.read_text(encoding="utf-8")
    table = BEGIN + "\n".join(rows) + "\n" + END
    text, count = re.subn(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: table, text, flags=re.S)
    assert count == 1, "the README has no place for the table"
    readme.write_text(text, encoding="utf-8")
