"""The time from a command to its first token."""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence

from nextword.bench.figures import SECONDS, Figure, Findings, Row
from nextword.bench.program import program_class
from nextword.bench.worker import ProgramError
from nextword.bench.writing import Setting, prepare

WORK = "cold start, first token"


def measure_cold_starts(specs: dict[str, str], setting: Setting, findings: Findings) -> None:
    """Time each program's start to the first token, in turns, after a round to warm up."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(setting.threads), "HF_HUB_OFFLINE": "1", **setting.environment}
    for precision in setting.workload.cold_precisions:
        commands = cold_commands(specs, precision, setting, findings)
        results: dict[str, list[float]] = {name: [] for name in commands}
        for n in range(setting.workload.repeats + 1):
            for name, command in list(commands.items()):
                setting.say(f"{WORK}: {name}, {precision}")
                try:
                    seconds = seconds_to_first_token(command, setting.workload.cold_prompt, environment)
                except RuntimeError as error:
                    findings.leave_out(f"{name}, {precision}, {WORK}", error)
                    del commands[name]
                    continue
                if n > 0:
                    results[name].append(seconds)
        findings.rows += [
            Row(WORK, name, precision, SECONDS, Figure(tuple(values))) for name, values in results.items() if values
        ]


def cold_commands(specs: dict[str, str], precision: str, setting: Setting, findings: Findings) -> dict[str, list[str]]:
    """Prepare the weights in this precision, and give each program's command."""
    commands = {}
    for name, spec in specs.items():
        program, key = program_class(spec), f"{name}, {precision}"
        command = program.cold_start(
            setting.model, str(setting.scratch), precision, setting.workload.cold_prompt, setting.threads
        )
        if command is None or precision not in program.precisions or key in findings.absent:
            continue
        try:
            prepare(spec, precision, setting)
        except ProgramError as error:
            findings.leave_out(key, error)
            continue
        commands[name] = command
    return commands


def seconds_to_first_token(command: Sequence[str], prompt: str, environment: dict[str, str]) -> float:
    """Run a command and wait until it has printed more than the prompt; then let it go.

    Raises RuntimeError where it fails before that.
    """
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as process,
    ):
        assert process.stdout is not None
        printed = b""
        while len(printed) <= len(prompt.encode()) and (piece := os.read(process.stdout.fileno(), 4096)):
            printed += piece
        seconds = time.perf_counter() - began
        process.communicate()
        if len(printed) <= len(prompt.encode()):
            errors.seek(0)
            raise RuntimeError(f"it printed no token: {errors.read().decode(errors='replace')[-300:]}")
    return seconds
