"""Who belongs to the cluster: hellos, losses, joins, leaves, replacements, tuning."""

from tests.mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        name="a_lost_tail_is_judged_by_the_log_alone",
        where="Supervisor._judge_tail",
        promise=4,
        story="what a node told of its counter matters only once it is logged: not while the log is full",
        old="known.counter >= max(node.counter, member.counter)",
        new="known.counter >= member.counter",
    ),
    Mutant(
        name="what_a_node_noted_proves_nothing",
        where="Supervisor.check_log",
        promise=8,
        story="a node that noted more than the log holds does not prove it to be an old copy",
        old="not obeyed and not topology.outdated_by(facts.noted)",
        new="not obeyed",
    ),
    Mutant(
        name="who_left_proves_nothing",
        where="Supervisor._check_left",
        promise=8,
        story="a node that left a newer coordinator is taken for wiped, and joined again",
        new="return",
    ),
    Mutant(
        name="who_left_a_coordinator_of_the_same_epoch_proves_nothing",
        where="Supervisor._check_left",
        promise=8,
        story="who left another coordinator of the same epoch is taken for wiped (no two logs are opened under one epoch)",
        old="later = left.noted.epoch == topology.epoch and left.coordinator != self._coordinator",
        new="later = False",
        simulated=False,
    ),
    Mutant(
        name="a_member_at_anothers_address_is_that_one_wiped",
        where="Supervisor._check_identity",
        promise=4,
        story="a node that answers at the former address of another one is taken for that one without its data",
        new="return",
    ),
    Mutant(
        name="a_node_leaves_before_that_is_noted",
        where="Supervisor.part",
        promise=8,
        story="a node leaves before the others have noted who holds what without it: a table rebuilt from theirs misses it",
        old="await self._notes.noted(others)",
        new="pass",
    ),
    Mutant(
        name="the_last_node_leaves_with_what_came_meanwhile",
        where="Membership._release_last",
        promise=7,
        story="the last node leaves although something was written since it said that it is empty",
        old="elif known and seq == self._ledger.seq:",
        new="elif known:",
    ),
    Mutant(
        name="who_comes_back_to_the_cluster_is_not_emptied",
        where="core.membership.Membership._join",
        promise=4,
        story="a node of this cluster that was forgotten joins with what it holds, which nobody marks",
        old='if not facts.empty and data != "keep":',
        new="if False:",
    ),
    Mutant(
        name="any_node_keeps_the_keys_that_it_brings",
        where="core.membership.Membership._take_own_data",
        promise=7,
        story="keys of a node that joins are kept there, and not stored in the cluster, though others hold its slots",
        old="if not any(place.replicas for place in self._ledger.topology.distinct):",
        new="if True:",
    ),
    Mutant(
        name="an_old_log_lets_a_node_be_removed_by_force",
        where="unheard.check_heard",
        promise=7,
        story=(
            "a coordinator on what may be an old log goes on without a node that may hold newer writes than it knows of"
            " (nor is it drained before that is known)"
        ),
        old="if counts and ledger.cautious and name not in ledger.granted:",
        new="if False:",
        simulated=False,
    ),
    Mutant(
        name="what_is_left_of_lost_slots_may_go",
        where="refusals.check_spare",
        promise=7,
        story="a node that is away and has what is left of lost slots can be removed by force",
        old="if left:",
        new="if False:",
    ),
    Mutant(
        name="half_of_the_cluster_is_replaced",
        where="replacement.overdue",
        promise=7,
        story="a coordinator that is cut off from half of its nodes replaces them",
        old="len(left) * 2 <= len(planned)",
        new="len(left) * 2 < len(planned)",
        simulated=False,
    ),
    Mutant(
        name="short_absences_add_up",
        where="Replacement._gone_since",
        promise=7,
        story="a node that was back for a moment is replaced as if it had been away all along",
        old="and known[0] == losses",
        new="",
    ),
    Mutant(
        name="what_a_person_ended_is_started_again",
        where="Revival._look",
        promise=12,
        story="a node that a person stopped is started again (the simulation stops none)",
        old="if node.at_rest or node.parting or node.id in self._starting:",
        new="if node.parting or node.id in self._starting:",
        simulated=False,
    ),
    Mutant(
        name="an_older_copy_comes_back_elsewhere",
        where="Readdressing.readdress",
        promise=7,
        story="an older copy of a node's data is taken for it at another address (the simulation starts no copies of nodes)",
        old="max(node.counter, member.counter)",
        new="0",
        simulated=False,
    ),
    Mutant(
        name="what_is_left_is_served_uncompared",
        where="LossesRoom.accept",
        promise=3,
        story="replicas that serve what is left of lost slots are not compared first, and answer differently",
        old="""
            for start, stop in lost:
                self._ledger.unverified[start:stop] = b"\\1" * (stop - start)
        """,
        new="",
    ),
    Mutant(
        name="who_is_away_serves_what_is_left",
        where="LossesRoom._served_again",
        promise=2,
        story="a replica that can't be reached counts as clean when a loss is accepted",
        old="clean = tuple(node for node in others if self._ledger.nodes[node].usable)",
        new="clean = tuple(others)",
        simulated=False,
    ),
    Mutant(
        name="an_old_log_accepts_losses",
        where="LossesRoom.accept",
        promise=8,
        story="what seems lost by an old copy of the log is given up although others may hold it",
        old="if self._ledger.cautious and topology.home != HOME:",
        new="if False:",
        simulated=False,
    ),
    Mutant(
        name="the_last_copy_may_be_wiped",
        where="FaultsRoom._check_spare",
        promise=7,
        story="a node that has the last clean copy of something can be wiped (the simulation deletes directories itself)",
        old="if last:",
        new="if False:",
        simulated=False,
    ),
    Mutant(
        name="the_read_mode_resets_the_write_quorum",
        where="Tuning.set_reads",
        promise=2,
        story="who changes what reads fall back to changes how many copies a write needs as well",
        old="Tuned(topology.quorum, mode, topology.throttle)",
        new="Tuned(0, mode, topology.throttle)",
    ),
    Mutant(
        name="a_directory_stays_held_by_who_could_not_open_it",
        where="opening.open_cluster",
        promise=11,
        story="a state directory whose log can't be read stays locked until the process ends",
        old="""
        except BaseException:
            let_go(engine)
            raise
        """,
        new="",
        simulated=False,
    ),
    Mutant(
        name="nobody_looks_between_the_hellos",
        where="Supervisor.call",
        promise=8,
        story="what another coordinator had a node note before it was refused proves nothing",
        old="self.check_log(node, granted)\nreturn link, granted",
        new="return link, granted",
        simulated=False,
    ),
    Mutant(
        name="what_became_of_a_member_while_it_was_asked_is_undone",
        where="Readdressing.readdress",
        promise=12,
        story="a node that is to leave is not, once it was taken back at another address",
        old="""
        facts = await self._identity(node, host, port)
        there = await self._answering(node.host, node.port)
        member = self._ledger.topology.members.get(node.id)
        """,
        new="""
        member = self._ledger.topology.members.get(node.id)
        facts = await self._identity(node, host, port)
        there = await self._answering(node.host, node.port)
        """,
        simulated=False,
    ),
)
