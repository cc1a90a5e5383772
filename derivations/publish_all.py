"""Run every derivation in order; write one page each and an index into derivations/out."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from publish import OUT, publish

from scaledet.symbolic.printing import html_page, prose_to_html

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("d[0-9]*.py"))


def main() -> None:
    """Check and print all derivations."""
    items = []
    for name in NAMES:
        derivation = import_module(name).derivation()
        report = publish(derivation, name)
        print(f"{name}: {len(report)} steps confirmed")
        items.append(
            f'<li><a href="{name}.html">{prose_to_html(derivation.title)}</a>: '
            f"{prose_to_html(derivation.abstract)}</li>"
        )
    body = (
        "<h1>Derivations</h1><p>Each page states a result, derives it step by step, and names the "
        "independent route by which every step was checked when the page was written.</p>"
        f"<ol>{''.join(items)}</ol>"
    )
    (OUT / "index.html").write_text(html_page("Derivations", body), encoding="utf-8")
    print(f"wrote {len(NAMES)} pages and {OUT / 'index.html'}")


if __name__ == "__main__":
    main()
