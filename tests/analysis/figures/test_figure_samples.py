"""Pages of pictures: which trials and images they show, pixel for pixel, and that nothing outside the store is read."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import Results, all_results
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.figures import Drawing
from aesweep.analysis.figures.grids import grid_images
from aesweep.analysis.figures.samples import interpolations, sample_grids
from aesweep.analysis.pictures import sample_pictures
from aesweep.evaluation.pictures import image_grid, reconstruction_grid
from tests.analysis.conftest import grid
from tests.analysis.typed import Draw, MakeStore, Rows, present

FID = ("f" * 12, "fid", "inception-2015")
FD = ("e" * 12, "fd", "random-conv-64")
NAMES = ("reconstruction-test.png", "standard_normal.png", "mvg.png", "gmm.png")


def _images(seed: int, n: int = 64, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def _load(store: Path) -> tuple[Tables, Results]:
    tables = load_tables(store)
    return tables, all_results(tables)[0]


def _folders(tables: Tables, **columns: Any) -> list[Path]:
    """Picture folders of the trials with these columns."""
    trials = tables.described
    for name, value in columns.items():
        trials = trials[trials[name] == value]
    return [tables.root / folder for folder in trials["pictures"]]


def _pixels(drawing: Drawing) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(drawing.to_bytes("png"))).convert("RGB"))


def _shown(page: np.ndarray, image: np.ndarray, zoom: int) -> bool:
    """Whether an image stands on the page, enlarged by repeating pixels and nothing else."""
    wanted = image.repeat(zoom, axis=0).repeat(zoom, axis=1)
    height, width, _ = wanted.shape
    corners = (page[: -height + 1, : -width + 1] == wanted[0, 0]).all(axis=2)
    return any((page[y : y + height, x : x + width] == wanted).all() for y, x in np.argwhere(corners))


def _words(drawing: Drawing) -> str:
    texts = [*drawing.figure.texts, *drawing.figure.axes[0].texts]
    return "\n".join(text.get_text() for text in texts)


@pytest.mark.parametrize("side", [32, 64])
def test_images_of_a_stored_grid_come_back_as_they_were(side: int) -> None:
    images = _images(0, 21, side)
    back = present(grid_images(image_grid(images, columns=8), side))
    assert back.shape == (3, 8, side, side, 3)
    np.testing.assert_array_equal(back.reshape(24, side, side, 3)[:21], images)
    pairs = present(grid_images(reconstruction_grid(images[:8], images[8:16]), side))
    np.testing.assert_array_equal(pairs[0], images[:8])
    np.testing.assert_array_equal(pairs[1], images[8:16])


def test_grids_of_release_0_1_0_hold_enlarged_images() -> None:
    """Their images are enlarged to about 96 pixels, with margins of 4 and without a text chunk."""
    images = _images(0, 6)
    tiles = np.pad(images.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (0, 4), (0, 4), (0, 0)), constant_values=255)
    rows = tiles.reshape(2, 3, 100, 100, 3).transpose(0, 2, 1, 3, 4).reshape(200, 300, 3)
    stored = io.BytesIO()
    Image.fromarray(np.pad(rows, ((4, 0), (4, 0), (0, 0)), constant_values=255)).save(stored, "png")
    np.testing.assert_array_equal(present(grid_images(stored.getvalue(), 32)).reshape(6, 32, 32, 3), images)


def test_a_damaged_picture_is_no_grid() -> None:
    png = image_grid(_images(0))
    for damaged in (b"", b"\x89PNG\r\n\x1a\n", png[:200], png[: len(png) // 2], png[:60] + b"\0" * 40 + png[100:]):
        assert grid_images(damaged, 32) is None
    tiny = io.BytesIO()
    Image.new("RGB", (50, 50)).save(tiny, "png")
    assert grid_images(tiny.getvalue(), 32) is None
    other_kind = io.BytesIO()
    Image.new("RGB", (300, 300)).save(other_kind, "jpeg")
    assert grid_images(other_kind.getvalue(), 32) is None


@pytest.mark.parametrize(("side", "zoom"), [(32, 2), (64, 1)])
def test_the_page_shows_the_top_left_images_pixel_for_pixel(make_store: MakeStore, side: int, zoom: int) -> None:
    dataset = "digits" if side == 32 else "celeba"
    store = make_store(grid(dataset=[dataset], image_size=[side], filters=[16], latent_size=[64], epochs=[1]))
    tables, results = _load(store)
    (folder,) = _folders(tables)
    for i, name in enumerate(NAMES[1:]):
        (folder / name).write_bytes(image_grid(_images(i, side=side)))
    originals, reconstructions = _images(10, 16, side), _images(11, 16, side)
    (folder / NAMES[0]).write_bytes(reconstruction_grid(originals, reconstructions))
    page = _pixels(present(sample_grids(tables, results)))
    for i in range(3):
        assert _shown(page, _images(i, side=side)[0], zoom) and _shown(page, _images(i, side=side)[8 * 3 + 3], zoom)
        assert not _shown(page, _images(i, side=side)[4], zoom)  # the fifth image of the first row
    for image in (originals[0], reconstructions[0], originals[11], reconstructions[11]):
        assert _shown(page, image, zoom)


def test_each_width_has_its_best_dae_and_vae(make_store: MakeStore) -> None:
    trials = grid(model=["dae", "vae"], filters=[8, 16], latent_size=[4, 8, 16], epochs=[1])
    tables, results = _load(make_store(trials))
    drawing = present(sample_grids(tables, results))
    rows = results.plain
    best = rows.loc[rows.groupby(["filters", "model"])["gmm"].idxmin()]
    labels = [text.get_text() for text in drawing.figure.axes[0].texts if "filters" in text.get_text()]
    assert labels == [
        f"{row['model'].upper()}\n{row['filters']:.0f} filters\n{row['latent_size']:.0f} latent units\nseed 0"
        for _, row in best.sort_values(["filters", "model"]).iterrows()
    ]
    for score in (*best["gmm"], *best["mvg"], *best["standard_normal"], *best["reconstruction_test"]):
        assert f"fd {score:#.4g}" in _words(drawing)


def test_without_gmm_scores_the_mvg_ranks(make_store: MakeStore) -> None:
    def no_gmm(rows: Rows) -> None:
        rows["scores"] = [row for row in rows["scores"] if row["source"] != "gmm"]

    tables, results = _load(make_store(grid(filters=[16], latent_size=[4, 8, 16, 64], epochs=[1]), edit=no_gmm))
    best = results.plain.iloc[int(results.plain["mvg"].argmin())]
    drawing = present(sample_grids(tables, results))
    assert f"{best['latent_size']:.0f} latent units" in _words(drawing) and "MVG samples" in drawing.caption


def test_at_most_six_widths_from_the_narrowest_to_the_widest(make_store: MakeStore) -> None:
    tables, results = _load(make_store(grid(filters=range(4, 24), latent_size=[4], epochs=[1]), latent_points=0))
    labels = [
        t.get_text() for t in present(sample_grids(tables, results)).figure.axes[0].texts if "filters" in t.get_text()
    ]
    assert len(labels) == 6 and "\n4 filters" in labels[0] and "\n23 filters" in labels[-1]


def test_a_missing_or_damaged_picture_is_said_to_be_missing(make_store: MakeStore) -> None:
    tables, results = _load(make_store(grid(filters=[16], latent_size=[4], epochs=[1])))
    (folder,) = _folders(tables)
    (folder / "mvg.png").unlink()
    (folder / "gmm.png").write_bytes((folder / "gmm.png").read_bytes()[:500])
    assert _words(present(sample_grids(tables, results))).count("no picture") == 2


def test_a_folder_outside_the_store_is_not_followed(make_store: MakeStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    for name in (*NAMES, "interpolation.png"):
        (secret / name).write_bytes(image_grid(_images(0), columns=11))

    def outside(rows: Rows) -> None:
        rows["trials"][0]["pictures"] = "../secret"

    tables, results = _load(make_store(grid(filters=[16], latent_size=[4], epochs=[1]), edit=outside))
    assert sample_grids(tables, results) is None and interpolations(tables, results) is None


def test_a_link_that_leads_out_of_the_store_is_not_followed(make_store: MakeStore, tmp_path: Path) -> None:
    tables, results = _load(make_store(grid(filters=[16], latent_size=[4], epochs=[1])))
    (tmp_path / "secret.png").write_bytes(image_grid(_images(0)))
    (folder,) = _folders(tables)
    for name in NAMES:
        (folder / name).unlink()
        (folder / name).symlink_to(tmp_path / "secret.png")
    assert sample_grids(tables, results) is None


@pytest.mark.parametrize("draw", [sample_grids, interpolations])
def test_without_pictures_or_scores_there_is_no_page(make_store: MakeStore, draw: Draw) -> None:
    trials = grid(filters=[16], latent_size=[4, 8], epochs=[1])
    assert draw(*_load(make_store(trials, pictures=False))) is None
    varied = make_store(grid(filters=[16], latent_size=[4], noise_std=[0.5], epochs=[1]), interpolation=True)
    assert draw(*_load(varied)) is None

    def only_reconstructions(rows: Rows) -> None:
        rows["scores"] = [row for row in rows["scores"] if row["source"] == "reconstruction"]

    assert draw(*_load(make_store(trials, interpolation=True, edit=only_reconstructions))) is None


def test_a_store_from_before_interpolations_has_no_walks(small_store: Path) -> None:
    assert interpolations(*_load(small_store)) is None


def test_walks_show_both_real_images_and_all_between(make_store: MakeStore) -> None:
    store = make_store(grid(model=["dae", "vae"], filters=[16], latent_size=[8], epochs=[1]), interpolation=True)
    tables, results = _load(store)
    (dae,), (vae,) = (_folders(tables, model=model) for model in ("dae", "vae"))
    (dae / "interpolation.png").write_bytes(image_grid(_images(1, 88), columns=11))
    (vae / "interpolation.png").write_bytes(image_grid(_images(2, 88), columns=11))
    drawing = present(interpolations(tables, results))
    page = _pixels(drawing)
    for seed in (1, 2):
        for i in (0, 1, 9, 10, 32):
            assert _shown(page, _images(seed, 88)[i], 2)
    words = _words(drawing)
    assert "real A" in words and "real B" in words
    assert words.index("DAE\n16 filters") < words.index("VAE\n16 filters")


def test_widths_without_walks_are_left_out(make_store: MakeStore) -> None:
    tables, results = _load(make_store(grid(filters=[8, 16], latent_size=[8], epochs=[1]), interpolation=True))
    (folder,) = _folders(tables, filters=8)
    (folder / "interpolation.png").unlink()
    words = _words(present(interpolations(tables, results)))
    assert "16 filters" in words and "\n8 filters" not in words


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "side"), [("cifar10", 32), ("celeba", 64)])
def test_a_full_page_stays_under_three_megabytes(make_store: MakeStore, dataset: str, side: int) -> None:
    trials = grid(dataset=[dataset], image_size=[side], model=["dae", "vae"], filters=range(4, 10), latent_size=[8])
    tables, results = _load(make_store(trials, latent_points=0))
    # As hard to compress as photographs: smooth shapes with a little noise in the lowest bits.
    smooth = np.stack(
        [
            np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))
            for small in _images(0, side=8)
        ]
    )
    noisy = np.clip(smooth.astype(int) + np.random.default_rng(1).integers(-2, 3, smooth.shape), 0, 255).astype(
        np.uint8
    )
    pictures = {name: image_grid(np.roll(noisy, len(name), axis=0)) for name in NAMES}
    pictures["interpolation.png"] = image_grid(np.concatenate([noisy, noisy[:24]]), columns=11)
    for folder in _folders(tables):
        for name, png in pictures.items():
            (folder / name).write_bytes(png)
    for draw in (sample_grids, interpolations):
        drawing = present(draw(tables, results))
        assert len(drawing.to_bytes("png")) < 3e6 and len(drawing.to_bytes("pdf")) < 3e6


@pytest.mark.parametrize("draw", [sample_grids, interpolations])
def test_the_page_names_its_data_and_what_its_scores_are_and_is_the_same_twice(
    make_store: MakeStore, draw: Draw
) -> None:
    store = make_store(grid(filters=[16], latent_size=[4, 8], epochs=[1]), interpolation=True, evaluations=(FID, FD))
    tables = load_tables(store)
    fid, fd = all_results(tables)
    assert present(draw(tables, fid)).name != present(draw(tables, fd)).name
    assert "not FID" in _words(present(draw(tables, fd))) and "not FID" not in _words(present(draw(tables, fid)))
    assert f"data {tables.data_hash}" in _words(present(draw(tables, fid)))
    first, second = present(draw(tables, fid)), present(draw(tables, fid))
    assert first.to_bytes("png") == second.to_bytes("png") and first.to_bytes("pdf") == second.to_bytes("pdf")


@pytest.mark.parametrize("stored", [True, False])
def test_the_page_has_a_column_of_walks_only_where_some_trial_has_them(
    make_store: MakeStore, tmp_path: Path, stored: bool
) -> None:
    store = make_store(grid(filters=[16], latent_size=[4, 8], epochs=[1]), interpolation=stored)
    pictures = sample_pictures(load_tables(store), tmp_path, lambda name, png: name)
    assert ("Interpolations (test)" in pictures.columns) == stored
    (rows,) = pictures.shown.values()
    assert {len(row.grids) for row in rows} == {len(pictures.columns)} and all(row.grids.values() for row in rows)
    assert not stored or rows[0].grids["Interpolations (test)"].caption == ""
