"""The shell with a person at a real terminal."""

import re
import signal
import socket
from pathlib import Path

from tests.shell.terminal import Terminal

SESSION = """\
Distributed KV Store with Consistent Hashing
Commands: addnode <id> <port>, removenode <id>, put <k> <v>, get <k>, del <k>, setreplica <N>, show, stats, exit

> addnode A 5001
Node added: A (127.0.0.1:5001)
Rebalancing after adding node A...

> addnode B 5002
Node added: B (127.0.0.1:5002)
Rebalancing after adding node B...

> setreplica 2
[Coordinator] Replica set to 2

> put apple 123
Replicas for key apple: A B
[A] PUT apple = 123 -> {"status":"ok"}
[B] PUT apple = 123 -> {"status":"ok"}

> get apple
apple -> 123

> show
Active Nodes:
  A (127.0.0.1:5001, keys=1)
  B (127.0.0.1:5002, keys=1)

> stats

[System Stats]
Nodes: 2
Total Keys: 2
Avg Keys per Node: 1
Distinct Keys: 1
(Total Keys counts every copy, Distinct Keys each key once)

> exit
"""


def with_free_ports(session: str) -> str:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    for port, server in zip(("5001", "5002"), sockets, strict=True):
        session = session.replace(port, str(server.getsockname()[1]))
        server.close()
    return session


def replicas_swapped(session: str) -> str:
    """The same session where the ring puts B first: the original's ring was random there, too."""
    lines = session.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith("Replicas for key"))
    lines[at : at + 3] = ["Replicas for key apple: B A\n", lines[at + 2], lines[at + 1]]
    return "".join(lines)


def test_the_originals_session_comes_out_line_for_line(tmp_path: Path) -> None:
    session = with_free_ports(SESSION)
    with Terminal("shell", "--state", str(tmp_path / "state")) as terminal:
        for command in re.findall("^> (.*)$", session, re.MULTILINE):
            terminal.until("\n> ")
            terminal.types(command + "\n")
        assert terminal.ends() == 0
        said, _, last = terminal.text.rpartition("kvtui: ")
        assert said in (session, replicas_swapped(session))
        state = tmp_path / "state"
        assert last == f"1 key is kept in {state}; open the cluster again with: kvtui shell --state {state}\n"


def test_ctrl_d_leaves(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", HOME=str(tmp_path)) as terminal:
        terminal.until("\n> ")
        terminal.types("\x04")
        assert terminal.ends() == 0


def test_an_error_is_shown_and_the_next_command_runs_and_the_status_is_0(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", HOME=str(tmp_path)) as terminal:
        terminal.until("\n> ")
        terminal.types("pot apple 123\n")
        terminal.until('"pot" is not a command: did you mean "put"?\n\n> ')
        terminal.types("exit\n")
        assert terminal.ends() == 0


def test_ctrl_c_at_the_prompt_forgets_the_line(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", "--nodes", "1", HOME=str(tmp_path)) as terminal:
        terminal.until("\n> ")
        terminal.types("put apple 1")
        terminal.until("put apple 1")
        terminal.types("\x03")
        terminal.until("\n> ")
        terminal.types("get apple\n")
        terminal.until("apple -> [not found]\n\n> ")
        terminal.types("exit\n")
        assert terminal.ends() == 0


def test_ctrl_c_interrupts_the_command_that_runs_and_the_shell_goes_on(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", "--nodes", "2", "--replicas", "1", HOME=str(tmp_path)) as terminal:
        terminal.until("\n> ")
        file = tmp_path / "many.csv"
        file.write_text("".join(f"key{number},{number}\n" for number in range(500_000)))
        terminal.types(f"load {file}\n")
        terminal.until("Loading")
        terminal.types("\x03")
        terminal.until("Interrupted")
        terminal.until("\n> ")
        terminal.types("get key0\n")
        terminal.until("key0 -> 0\n\n> ")
        terminal.types("exit\n")
        assert terminal.ends() == 0


def test_tab_completes_commands_nodes_and_recent_keys(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", "--nodes", "1", HOME=str(tmp_path)) as terminal:
        terminal.until("\n> ")
        terminal.types('put "two words" 1\n')
        terminal.until('{"status":"ok"}\n\n> ')
        terminal.types("ge\ttw\t\n")
        terminal.until('\n"two words" -> 1\n\n> ')
        terminal.types("exit\n")
        assert terminal.ends() == 0


def test_tab_lists_what_is_possible_with_what_it_is_and_keeps_the_line_begun(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", "--nodes", "2", "--replicas", "1", HOME=str(tmp_path)) as terminal:
        terminal.until("\n> ")
        terminal.types("re\t")
        terminal.until("\nremovenode   Move a node's keys away, then remove it\nrebalance    Finish")
        terminal.until("\n> re")
        terminal.types("move\t\t")
        terminal.until("\nn1  n2\n> removenode n")
        terminal.types("\x15exit\n")
        assert terminal.ends() == 0


def test_ctrl_r_searches_the_lines_typed_before(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", HOME=str(tmp_path)) as terminal:
        terminal.until("\n> ")
        for line in ("help stats", "help get"):
            terminal.types(line + "\n")
            terminal.until("\n> ")
        terminal.types("\x12stat\r")
        terminal.until("stats   Show nodes")
        terminal.types("exit\n")
        assert terminal.ends() == 0


def test_history_comes_back_the_next_time(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with Terminal("shell", "--state", state) as terminal:
        terminal.until("\n> ")
        terminal.types("help stats\n")
        terminal.until("\n> ")
        terminal.types("exit\n")
        assert terminal.ends() == 0
    with Terminal("shell", "--state", state) as terminal:
        terminal.until("\n> ")
        terminal.types("\x1b[A\x1b[A\n")
        terminal.until("help stats\nstats   Show nodes")
        terminal.types("exit\n")
        assert terminal.ends() == 0


def test_a_node_that_dies_is_told_at_the_prompt_and_the_line_begun_is_kept(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", "--nodes", "2", "--replicas", "1", HOME=str(tmp_path)) as terminal:
        terminal.until("\n> ")
        terminal.types("stop n2\n")
        terminal.until("Node n2 is down")
        terminal.types("start n2\n")
        terminal.until("Node n2 is up again")
        terminal.types("exit\n")
        assert terminal.ends() == 0


def test_sigterm_at_the_prompt_ends_in_order_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Terminal("shell", "--memory", "--nodes", "1", HOME=str(tmp_path)) as terminal:
        before = terminal.modes()
        terminal.until("\n> ")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(30) == 128 + signal.SIGTERM
        assert terminal.modes() == before
