import threading

import pytest

from nextword.train.background import Background


def test_a_result_is_there_once_the_task_is_done():
    gate, background = threading.Event(), Background("test")
    background.begin(lambda: gate.wait(20) and 7)
    assert background.is_busy
    assert background.result() is None
    gate.set()
    assert background.result(wait=True) == 7
    assert not background.is_busy
    assert background.result(wait=True) is None


def test_what_a_task_raises_is_raised_where_its_result_is_taken():
    background = Background("test")
    background.begin(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        background.result(wait=True)
    background.begin(lambda: 3)
    assert background.result(wait=True) == 3
