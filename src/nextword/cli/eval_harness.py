"""`nextword eval --harness`: lm-evaluation-harness's own tasks."""

import json
import logging
from importlib.util import find_spec
from typing import Any


def run_harness(models: tuple[str, ...], tasks: str, limit: int | None, device: str, dtype: str, in_json: bool) -> int:
    """Let lm-evaluation-harness measure the models, one after the other, and print its tables."""
    if find_spec("lm_eval") is None:
        raise ValueError("--harness needs lm-evaluation-harness: pip install 'nextword[eval]'")
    from lm_eval import simple_evaluate
    from lm_eval.utils import make_table

    from nextword.cli.chosen_model import chosen_model
    from nextword.evaluate.harness import HarnessModel
    from nextword.user_model import checked_gpt

    logging.getLogger("lm_eval").setLevel(logging.WARNING)
    for name in models:
        model, tokenizer = chosen_model(name, None, device)
        made = HarnessModel(checked_gpt(model, [[0]]), tokenizer, dtype)
        names = [task.strip() for task in tasks.split(",")]
        try:
            found: dict[str, Any] = simple_evaluate(made, tasks=names, limit=limit, bootstrap_iters=1000)
        except (ValueError, KeyError) as error:
            raise ValueError(f"lm-evaluation-harness: {error}") from error
        if in_json:
            print(json.dumps({"model": name, "results": found["results"]}, indent=1, default=str))
        else:
            print(name, make_table(found), sep="\n")
    return 0
