"""What the generator can draw: the fine classes of a label raster and the coarse class of each."""

from __future__ import annotations

#: (name, coarse) of every fine class; the position is the value in :attr:`Scene.labels`.
CLASSES: tuple[tuple[str, str], ...] = (
    ("roof", "building"),
    ("mobile home", "building"),
    ("greenhouse", "building"),
    ("storage tank", "building"),
    ("road", "road"),
    ("freeway", "road"),
    ("bridge", "road"),
    ("car park", "road"),
    ("pavement", "other"),
    ("runway", "road"),
    ("airport apron", "other"),
    ("paved yard", "other"),
    ("dirt track", "land"),
    ("railway", "other"),
    ("car", "other"),
    ("truck", "other"),
    ("airplane", "other"),
    ("boat", "other"),
    ("shipping container", "other"),
    ("pier", "other"),
    ("solar panel", "other"),
    ("tennis court", "other"),
    ("basketball court", "other"),
    ("running track", "other"),
    ("baseball diamond", "other"),
    ("sports field", "vegetation"),
    ("golf course", "vegetation"),
    ("tree", "vegetation"),
    ("palm tree", "vegetation"),
    ("forest", "vegetation"),
    ("orchard", "vegetation"),
    ("vineyard", "vegetation"),
    ("chaparral", "vegetation"),
    ("hedge", "vegetation"),
    ("grass", "vegetation"),
    ("green field", "vegetation"),
    ("marsh", "vegetation"),
    ("dry grass", "land"),
    ("ploughed field", "land"),
    ("bare soil", "land"),
    ("sand", "land"),
    ("beach", "land"),
    ("sand bunker", "land"),
    ("rock", "land"),
    ("river", "water"),
    ("lake", "water"),
    ("sea", "water"),
    ("lagoon", "water"),
    ("swimming pool", "water"),
)

#: The coarse classes, in the order in which a five-class task usually lists them, and the rest.
COARSE: tuple[str, ...] = ("building", "road", "vegetation", "water", "land", "other")

#: Index of a fine class by its name.
ID: dict[str, int] = {name: index for index, (name, _) in enumerate(CLASSES)}

#: Index into :data:`COARSE` of each fine class.
COARSE_OF: tuple[int, ...] = tuple(COARSE.index(coarse) for _, coarse in CLASSES)
