"""A crowd that waits: bounded, always open to a newcomer, and nobody's flood ends another's wait."""

from kvtui.core.crowd import Crowd


class Visitor:
    def __init__(self) -> None:
        self.gone = False

    def abort(self) -> None:
        self.gone = True


def test_a_flood_from_one_address_ends_only_its_own() -> None:
    crowd: Crowd[Visitor] = Crowd(8)
    guest = Visitor()
    crowd.enter(guest, "10.0.0.1")
    flood = [Visitor() for _ in range(1000)]
    gone_from = {crowd.enter(visitor, "10.0.0.66") for visitor in flood}
    assert gone_from == {None, "10.0.0.66"}
    assert len(crowd) == 8
    assert not guest.gone
    assert [visitor.gone for visitor in flood] == [True] * 993 + [False] * 7


def test_an_idle_crowd_makes_way_for_a_newcomer_of_its_own_address() -> None:
    crowd: Crowd[Visitor] = Crowd(4)
    idle = [Visitor() for _ in range(4)]
    for visitor in idle:
        crowd.enter(visitor, "127.0.0.1")
    newcomer = Visitor()
    assert crowd.enter(newcomer, "127.0.0.1") == "127.0.0.1"
    assert [visitor.gone for visitor in [*idle, newcomer]] == [True, False, False, False, False]


def test_who_left_makes_room_and_leaving_twice_is_nothing() -> None:
    crowd: Crowd[Visitor] = Crowd(2)
    first, second, third = Visitor(), Visitor(), Visitor()
    crowd.enter(first, "a")
    crowd.enter(second, "b")
    crowd.leave(first)
    crowd.leave(first)
    assert crowd.enter(third, "c") is None
    crowd.disperse()
    assert (first.gone, second.gone, third.gone, len(crowd)) == (False, True, True, 0)
