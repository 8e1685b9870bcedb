"""What TensorBoard reads from its files."""

from pathlib import Path

from tensorboardX.proto.event_pb2 import Event


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The curves of a folder with at most one file, which may be in the middle of being written.

    A file holds records of an event each, between a length and two checksums.
    """
    curves: dict[str, list[tuple[int, float]]] = {}
    data = b"".join(file.read_bytes() for file in folder.glob("events.out.tfevents.*"))
    while len(data) >= 16 + (length := int.from_bytes(data[:8], "little")):
        event = Event.FromString(data[12 : 12 + length])
        for value in event.summary.value:
            curves.setdefault(value.tag, []).append((event.step, value.simple_value))
        data = data[16 + length :]
    return curves
