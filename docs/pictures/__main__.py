"""`python -m docs.pictures [PART-OF-A-NAME]` draws pictures as PNG files into build/pictures, to look at them."""

import sys
from pathlib import Path

from docs.pictures.drawing import draw_all

for file in draw_all(Path("build/pictures"), *sys.argv[1:2], suffix="png"):
    print(file)
