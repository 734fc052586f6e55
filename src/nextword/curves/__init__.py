"""Loss curves: read from runs and logs, set beside what is expected, and judged. Needs no torch."""

from nextword.curves.curve import Circumstances, Curve, Point
from nextword.curves.expected import band, band_edges, first_loss
from nextword.curves.judgement import judge
from nextword.curves.logs import read_curve
from nextword.curves.verdict import Verdict
from nextword.lazy import attach

__all__ = ["Circumstances", "Curve", "Point", "Verdict", "band", "band_edges", "first_loss", "judge", "read_curve"]

__getattr__, __dir__ = attach(__name__)
