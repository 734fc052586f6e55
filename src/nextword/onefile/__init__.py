"""GPT-2, the whole in one file, made from this package's source.

`contents.py` says what goes in and in which order; `rewriting.py` makes of each
piece what somebody who writes one file would have written; `assembling.py` puts
the file together; `program.py` is what only the file has: how it finds its
files, and its command line.
"""

from nextword.onefile.assembling import onefile

__all__ = ["onefile"]
