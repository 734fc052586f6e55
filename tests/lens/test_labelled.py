import numpy as np
import pytest

from nextword.lens import Axis, Labelled


def array(*shape: int, low: float = -1.0) -> Labelled:
    values = np.linspace(low, 1.0, int(np.prod(shape))).reshape(shape)
    axes = tuple(Axis(f"axis {n}", [f"{n}{i}" for i in range(size)]) for n, size in enumerate(shape))
    return Labelled(values, axes, "a title", "units")


def test_labels_must_fit() -> None:
    with pytest.raises(ValueError, match=r"shape \(2,\) needs as many labels, and was given \(3,\)"):
        Labelled(np.zeros(2), (Axis("x", ["a", "b", "c"]),), "t")
    with pytest.raises(ValueError, match="words of the shape"):
        Labelled(np.zeros(2), (Axis("x", ["a", "b"]),), "t", words=np.array(["a"], dtype=object))


def test_the_largest_with_their_labels() -> None:
    values = np.array([[1.0, np.nan, 5.0], [5.0, -2.0, 3.0]])
    found = Labelled(values, (Axis("r", ["a", "b"]), Axis("c", ["x", "y", "z"])), "t").top(9)
    assert [(f.labels, f.value) for f in found[:3]] == [(("a", "z"), 5.0), (("b", "x"), 5.0), (("b", "z"), 3.0)]
    assert len(found) == 5  # what is not a number is not among the largest


def test_numpy_takes_it_for_its_numbers() -> None:
    assert np.asarray(array(2, 3)).sum() == pytest.approx(0.0)
    assert "a title" in repr(array(2))


@pytest.mark.parametrize("shape", [(5,), (90,), (4, 6), (120, 130), (2, 3, 4, 5), (1, 4, 4)])
@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_every_shape_has_a_picture(shape: tuple[int, ...], low: float, tmp_path: object) -> None:
    figure = array(*shape, low=low).plot(f"{tmp_path}/picture.png")
    axes = figure.axes[0]
    assert axes.get_title(loc="left").startswith("a title")
    with open(f"{tmp_path}/picture.png", "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_of_many_bars_the_largest_are_drawn_and_the_sum_stays() -> None:
    many = array(90, low=0.0)
    figure = many.plot()
    bars = figure.axes[0].patches
    assert len(bars) == 41
    assert sum(bar.get_width() for bar in bars) == pytest.approx(many.values.sum())
    assert figure.axes[0].get_yticklabels()[-1].get_text() == "the other 50 together"


def test_words_stand_in_their_cells() -> None:
    words = np.array([["$a", "b\n"], ["c", "a very long word"]], dtype=object)
    axes = (Axis("r", ["0", "1"]), Axis("c", ["0", "1"]))
    figure = Labelled(np.eye(2), axes, "t", words=words).plot()
    assert {text.get_text() for text in figure.axes[0].texts} == {r"\$a", "b�", "c", "a very lo…"}


def test_an_unknown_format(tmp_path: object) -> None:
    with pytest.raises(ValueError, match=r"written as .png, .svg or .pdf, not as .gif2"):
        array(3).plot(f"{tmp_path}/x.gif2")
