"""Run every derivation, on all cores; write one page each and an index into derivations/out."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from publish import OUT, publish

from scaledet.symbolic.printing import html_page, prose_to_html

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("d[0-9]*.py"))


def publish_page(name: str) -> tuple[int, str]:
    """Check one derivation and write its page; return its number of steps and its index entry."""
    derivation = import_module(name).derivation()
    report = publish(derivation, name)
    title, abstract = map(prose_to_html, (derivation.title, derivation.abstract))
    return len(report), f'<li><a href="{name}.html">{title}</a>: {abstract}</li>'


def main() -> None:
    """Check and print all derivations."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes fill the cores
    items = []
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for name, (steps, item) in zip(NAMES, pool.map(publish_page, NAMES), strict=True):
            print(f"{name}: {steps} steps confirmed", flush=True)
            items.append(item)
    body = (
        "<h1>Derivations</h1><p>Each page states a result, derives it step by step, and names the "
        "independent route by which every step was checked when the page was written.</p>"
        f"<ol>{''.join(items)}</ol>"
    )
    (OUT / "index.html").write_text(html_page("Derivations", body), encoding="utf-8")
    print(f"wrote {len(NAMES)} pages and {OUT / 'index.html'}")


if __name__ == "__main__":
    main()
