import signal

import pytest


def pytest_configure() -> None:
    """Under nohup, and behind a script's ``&``, signals are ignored that tests send to themselves and to what they start."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture
def anyio_backend() -> str:
    """What kvtui runs on; else releases of anyio differ in whether they try every event loop, or those that are installed."""
    return "asyncio"
