import sys, time, os
import ejabberd24
from scenarios import NODE, publish_list
from side import Side
import argparse, shutil
p = argparse.ArgumentParser()
for n in ("program", "root", "work"): p.add_argument("--" + n, required=True)
o = p.parse_args()
shutil.rmtree(o.work, ignore_errors=True)
bed = ejabberd24.Chroot(os.path.join(o.work, "servers"), {ejabberd24.DOMAIN: ["juliet", "romeo"]}, o.root)
def back(side, mode):
    return any(str(side.device) in line for line in side.hand(["read", NODE[mode]]))
try:
    bed.start()
    for mode in ("legacy", "omemo2"):
        ours = Side("omemo", f"juliet@{ejabberd24.DOMAIN}", mode, o.work, bed.ca, o.program)
        ours.start()
        for how in ("leaves", "leaves", "stays", "appears", "leaves"):
            time.sleep(1)
            acts = [publish_list(mode, [4711])]
            if how == "stays": acts += [["read", NODE[mode]]] * 3
            if how == "appears": acts = [["appear", 2]] + acts
            print(mode, how, "marker", time.time(), flush=True)
            open(f"{o.work}/servers/verona.example/ejabberd.log","a").write(f"\nMARKER {mode} {how}\n")
            ours.hand(*acts)
            begun = time.time()
            while time.time() - begun < 100 and not back(ours, mode): time.sleep(0.5)
            print(mode, how, "back after", round(time.time() - begun, 1), back(ours, mode), flush=True)
        print(open(ours.state + ".log").read()[-1500:])
        ours.stop()
finally:
    bed.stop()
