"""``list``: everything that is registered."""

from rich.console import Console
from rich.table import Table

from benchmarks.studies import STUDIES
from benchmarks.suites import PUBLISHED, SUITES
from datasets import DATASETS
from datasets.mechanisms import MECHANISMS
from imputers import IMPUTERS
from metrics import METRICS


def list_everything() -> None:
    """List suites, datasets, mechanisms, imputers and metrics."""
    console = Console()
    suites = Table("suite", "runs", title="Suites", title_justify="left", box=None)
    for suite in SUITES.values():
        cells = len(suite.mechanisms) * len(suite.rates) * len(suite.seeds) * len(suite.imputers)
        suites.add_row(suite.name, f"{cells} cells: {len(suite.imputers)} imputers on {suite.dataset}")
    suites.add_row(PUBLISHED, "figures that were published elsewhere, and ours on the same cells")
    for study in STUDIES.values():
        suites.add_row(study.name, study.question)
    console.print(suites)
    for registry in (DATASETS, MECHANISMS, IMPUTERS, METRICS):
        table = Table(registry.noun, "what it is", title=f"{registry.noun.title()}s", title_justify="left", box=None)
        for name in registry:
            table.add_row(name, registry.summary(name))
        console.print()
        console.print(table)
