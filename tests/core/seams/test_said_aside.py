"""What is said on the standard error."""

import pytest

from kvtui.core.seams.standard_streams import say_aside


def test_a_path_in_a_message_can_not_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say_aside("kvtui: /tmp/\x1b[2J\u202e\nsecond line, C:\\new")
    assert capsys.readouterr().err == "kvtui: /tmp/\\x1b[2J\\u202e\nsecond line, C:\\new\n"
