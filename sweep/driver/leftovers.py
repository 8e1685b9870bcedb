"""What drivers left behind that died: their progress and temporary files, and tables that they did not come to fold."""

from rich.console import Console
from rich.markup import escape

from aesweep.models.errors import one_line
from aesweep.sweep.store.drivers import living_drivers, remove_stale
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.fold import TableWriter, remember_commits, tables_are_current


def clean_up(store: Store, console: Console) -> None:
    """Remove what killed drivers left behind, unless another one is at work: then say so."""
    remove_stale(store)
    others = living_drivers(store)
    for driver in others:
        console.print(
            f"[yellow]Another driver works on this store[/yellow] ({escape(one_line(driver.said.host))}, process {driver.said.pid}). "
            "Nothing can be mixed up, but the two may do the same work.",
            highlight=False,
            soft_wrap=True,
        )
    if not others:
        store.storage.map(store.storage.remove, store.storage.temporary())


def fold_tables(store: Store, console: Console) -> bool:
    """Fold the tables if a driver died before it could; whether that was so."""
    store = store.snapshot()
    if tables_are_current(store):
        remember_commits(store)
        return False
    clean_up(store, console)
    TableWriter(store).publish(force=True)
    console.print(f"Tables folded anew: {store.storage.place('tables')}", highlight=False, markup=False)
    return True
