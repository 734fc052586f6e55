"A Penny on Haddow" (story.txt)

This short story was written for nextword, as the text that its demo trains on.
It is an original work.

To the extent possible under law, the authors of nextword have waived all
copyright and related or neighbouring rights to "A Penny on Haddow". It is
dedicated to the public domain under CC0 1.0 Universal:

    https://creativecommons.org/publicdomain/zero/1.0/

You may copy, change, translate, publish and perform it, also for money,
without asking. It comes without any warranty.
