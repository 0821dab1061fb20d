"""Training speed against a PyTorch loop, as ratios of medians.

python -m benchmarks.training_speed --peer=PATH/torch_resnet32.py \\
    --peer_python=PYTHON_WITH_TORCH

Runs ours and the peer's in turn, five rounds, each in a process of its own,
so that both meet the same noise of the machine. Prints JSON.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys

PAIRS = [
    (method, precision)
    for method in ("single", "har")
    for precision in ("float32", "bfloat16")
]


def main() -> None:
    """Run all pairs, round by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--peer_python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    rates = {pair: ([], []) for pair in PAIRS}
    for number in range(options.rounds):
        for pair in PAIRS:
            ours, peer = rates[pair]
            ours.append(rate(_our_command(*pair, options)))
            peer.append(rate(_peer_command(*pair, options)))
            print(
                f"round {number + 1} {' '.join(pair)}: {ours[-1]} "
                f"against {peer[-1]} images/s",
                file=sys.stderr,
                flush=True,
            )
    print(json.dumps([_row(pair, *rates[pair]) for pair in PAIRS], indent=1))


def _our_command(method, precision, options):
    return [
        *(sys.executable, "-m", "benchmarks.training_step"),
        *(f"--method={method}", f"--precision={precision}"),
        f"--steps={options.steps}",
    ]


def _peer_command(method, precision, options):
    command = [options.peer_python, options.peer, f"--steps={options.steps}"]
    command += ["--exits"] * (method == "har")
    return command + ["--bf16"] * (precision == "bfloat16")


def rate(command: list[str]) -> float:
    """Return the images a second that a process says."""
    shown = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout
    return float(re.search(r"([\d.]+) images/s", shown).group(1))


def _row(pair, ours, peer):
    return {
        "method": pair[0],
        "precision": pair[1],
        "images_per_second": statistics.median(ours),
        "peer_images_per_second": statistics.median(peer),
        "ratio": round(statistics.median(ours) / statistics.median(peer), 3),
        "ratios_by_round": [
            round(a / b, 3) for a, b in zip(ours, peer, strict=True)
        ],
    }


if __name__ == "__main__":
    main()
