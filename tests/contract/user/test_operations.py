"""What keeps operations, exports, certificates and answers promises: the fake and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf import any_pb2
from google.rpc import code_pb2, status_pb2

from services.chassis.lists import ListQuery
from services.chassis.operations import Operation, OperationCancelled, Progress
from services.chassis.operations.operation import KEPT
from services.chassis.operations.runner import Runner
from services.user.domain import ErasureCertificate, PersonalDataExport, User, UserNotActive
from tests.conftest import NOON, Time
from tests.fakes.user import Ports
from trellis.user.v1 import resources_pb2 as pb

ADA, BOB = "users/usr_ada", "users/usr_bob"
DOING, OTHER = "DoSomething", "DoAnother"


def operation(number: int = 1, verb: str = DOING, owner: str = ADA, seconds: int = 0) -> Operation:
    at = NOON + timedelta(seconds=seconds)
    return Operation(f"operations/op_{number}", verb, owner, owner, at, at, at, checkpoint={"asked_s": 1.5})


async def add(ports: Ports, *operations: Operation) -> None:
    async with ports.begin() as tx:
        for each in operations:
            await tx.operations.add(each)
        await tx.commit()


async def add_users(ports: Ports) -> None:
    async with ports.begin() as tx:
        for name in (ADA, BOB):
            await tx.users.add(User(name, f"{name}@example.com", "X", NOON, NOON))
        await tx.commit()


async def test_what_was_added_is_found_whole(ports: Ports) -> None:
    await add(ports, operation())

    assert await ports.operations.find("operations/op_1") == operation()
    assert await ports.operations.find("operations/op_2") is None


async def test_how_far_it_is_is_seen_by_others_once_committed(ports: Ports) -> None:
    await add(ports, operation())
    progress = Progress("collecting", 1, 3, ("services/auth", "services/invoice"))

    async with ports.begin() as tx:
        found = await tx.operations.lock("operations/op_1")
        assert found is not None
        on = found.got_on(progress, NOON, after_s=60, more=[1, "two"])
        await tx.operations.save(on)
        await tx.commit()

    seen = await ports.operations.find("operations/op_1")
    assert seen == on
    assert seen is not None
    assert (seen.checkpoint, seen.version) == ({"asked_s": 1.5, "more": [1, "two"]}, 2)


async def test_the_one_due_longest_is_taken_and_nothing_before_its_time(ports: Ports) -> None:
    await add(ports, operation(1, seconds=5), operation(2, seconds=3), operation(3, seconds=9))

    async with ports.begin() as tx:
        assert await tx.operations.take(NOON + timedelta(seconds=2)) is None
        taken = await tx.operations.take(NOON + timedelta(seconds=6))
        assert taken is not None
        assert taken.name == "operations/op_2"


async def test_one_that_ended_is_not_taken(ports: Ports) -> None:
    await add(ports, operation())
    async with ports.begin() as tx:
        await tx.operations.fail(operation(), OperationCancelled("operations/op_1"))
        assert await tx.operations.take(NOON) is None
        await tx.commit()


async def test_an_answer_is_kept_packed_for_seven_days(ports: Ports) -> None:
    await add(ports, operation())
    async with ports.begin() as tx:
        await tx.operations.succeed(operation(), User(ADA, "ada@example.com", "Ada", NOON, NOON))
        await tx.commit()

    found = await ports.operations.find("operations/op_1")
    assert found is not None
    user = pb.User()
    assert any_pb2.Any.FromString(found.response).Unpack(user)
    assert (user.name, found.end_time, found.expire_time) == (ADA, NOON, NOON + KEPT)


async def test_one_that_is_kept_for_good_never_expires(ports: Ports) -> None:
    await add(ports, operation())
    async with ports.begin() as tx:
        ended = await tx.operations.succeed(operation(), User(ADA, "", "", NOON, NOON), forever=True)
        await tx.commit()

    assert (ended.done, ended.expire_time) == (True, None)
    async with ports.begin() as tx:
        assert await tx.operations.forget(NOON + timedelta(days=9999), 10) == 0


async def test_an_error_is_kept_as_callers_see_it(ports: Ports) -> None:
    await add(ports, operation(1), operation(2))
    async with ports.begin() as tx:
        failed = await tx.operations.fail(operation(1), UserNotActive(ADA))
        cancelled = await tx.operations.fail(operation(2), OperationCancelled("operations/op_2"))
        await tx.commit()

    codes = [status_pb2.Status.FromString(each.error).code for each in (failed, cancelled)]
    assert codes == [code_pb2.FAILED_PRECONDITION, code_pb2.CANCELLED]


async def test_what_expired_is_forgotten_in_portions(ports: Ports) -> None:
    await add(ports, operation(1), operation(2), operation(3), operation(4))
    async with ports.begin() as tx:
        for number in (1, 2, 3):
            await tx.operations.fail(operation(number), UserNotActive(ADA))
        await tx.commit()

    async with ports.begin() as tx:
        assert await tx.operations.forget(NOON + KEPT - timedelta(seconds=1), 2) == 0
        assert [await tx.operations.forget(NOON + KEPT, 2) for _ in range(3)] == [2, 1, 0]
        await tx.commit()
    assert await ports.operations.find("operations/op_4") is not None


async def test_what_runs_and_what_ran_last_are_found_by_what_they_do(ports: Ports) -> None:
    await add(ports, operation(1), operation(2, owner=BOB), operation(3, OTHER))
    async with ports.begin() as tx:
        assert await tx.operations.find_running(DOING, ADA) == operation(1)
        ended = await tx.operations.fail(operation(1), UserNotActive(ADA))
        assert await tx.operations.find_running(DOING, ADA) is None
        assert await tx.operations.find_last(DOING, ADA) == ended
        await tx.operations.add(operation(4))
        assert await tx.operations.find_last(DOING, ADA) == operation(4)


async def test_lists_those_of_one_owner(ports: Ports) -> None:
    await add(ports, operation(1), operation(2, OTHER, seconds=1), operation(3, owner=BOB))

    async def names(**query: str) -> list[str]:
        return [each.name for each in (await ports.operations.list(ADA, ListQuery(**query))).items]  # type: ignore[arg-type]

    assert await names() == ["operations/op_2", "operations/op_1"]
    assert await names(filter="verb = DoAnother") == ["operations/op_2"]
    assert await names(filter="done = true") == []
    assert await names(order_by="create_time") == ["operations/op_1", "operations/op_2"]


async def test_two_runners_never_do_the_same_step(ports: Ports, time: Time) -> None:
    await add(ports, *(operation(number) for number in range(6)))
    done: list[str] = []

    async def step(tx: Any, found: Operation) -> None:
        done.append(found.name)
        await asyncio.sleep(0)
        await tx.operations.save(found.ended(NOON))

    runner = Runner(ports.begin, time, {DOING: step})

    async def run() -> None:
        while await runner.run_next():
            pass

    await asyncio.gather(*(run() for _ in range(4)))

    assert sorted(done) == [f"operations/op_{number}" for number in range(6)]


async def test_a_step_that_fails_changes_nothing_and_is_done_again_later(ports: Ports, time: Time) -> None:
    await add_users(ports)
    await add(ports, operation())
    broken = True

    async def step(tx: Any, found: Operation) -> None:
        user = await tx.users.get(ADA)
        await tx.users.save(replace(user, display_name=user.display_name + "!"))
        if broken:
            raise RuntimeError("broken")
        await tx.operations.save(found.ended(time()))

    runner = Runner(ports.begin, time, {DOING: step})
    waits = []
    for _ in range(9):
        assert await runner.run_next() is True
        found = await ports.operations.find("operations/op_1")
        assert found is not None
        waits.append((found.next_time - time()).total_seconds())
        assert await runner.run_next() is False
        time.move(seconds=waits[-1])
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert (await ports.users.get(ADA)).display_name == "X"

    broken = False
    assert [await runner.run_next() for _ in range(2)] == [True, False]
    assert (await ports.users.get(ADA)).display_name == "X!"


async def test_a_declared_error_ends_it_with_that(ports: Ports, time: Time) -> None:
    await add(ports, operation())

    async def step(tx: Any, found: Operation) -> None:
        raise UserNotActive(ADA)

    assert await Runner(ports.begin, time, {DOING: step}).run_next() is True

    found = await ports.operations.find("operations/op_1")
    assert found is not None
    assert (found.done, status_pb2.Status.FromString(found.error).message) == (True, f"{ADA} is not active.")


async def test_an_export_is_had_until_its_time_is_over(ports: Ports) -> None:
    await add_users(ports)
    export = PersonalDataExport(f"{ADA}/personalDataExports/op_1", ADA, b'{"a": 1}', NOON, NOON + timedelta(days=7))
    async with ports.begin() as tx:
        await tx.exports.add(export)
        await tx.commit()

    assert await ports.exports.find(export.name, NOON) == export
    assert await ports.exports.find(export.name, export.expire_time) is None
    assert await ports.exports.find(f"{ADA}/personalDataExports/op_2", NOON) is None
    async with ports.begin() as tx:
        await tx.exports.forget(export.expire_time)
        await tx.commit()
    assert await ports.exports.find(export.name, NOON) is None


async def test_a_certificate_is_had_for_good(ports: Ports) -> None:
    await add_users(ports)
    certificate = ErasureCertificate("erasureCertificates/op_1", ADA, "a.b.c", NOON)
    async with ports.begin() as tx:
        await tx.certificates.add(certificate)
        await tx.commit()

    assert await ports.certificates.find(certificate.name) == certificate
    assert await ports.certificates.find("erasureCertificates/op_2") is None


async def test_the_first_answer_of_each_service_counts(ports: Ports) -> None:
    await add(ports, operation(1), operation(2))
    async with ports.begin() as tx:
        await tx.answers.add("operations/op_1", "auth", b"first", NOON)
        await tx.answers.add("operations/op_1", "auth", b"second", NOON)
        await tx.answers.add("operations/op_1", "invoice", b"other", NOON)
        await tx.answers.add("operations/op_2", "auth", b"of another", NOON)
        assert await tx.answers.of("operations/op_1") == {"auth": b"first", "invoice": b"other"}
        await tx.answers.remove("operations/op_1")
        assert await tx.answers.of("operations/op_1") == {}
        assert await tx.answers.of("operations/op_2") == {"auth": b"of another"}


async def test_answers_that_nobody_waits_for_are_forgotten(ports: Ports) -> None:
    await add(ports, operation(1), operation(2))
    async with ports.begin() as tx:
        for number in (1, 2):
            await tx.answers.add(f"operations/op_{number}", "auth", b"x", NOON)
        await tx.operations.fail(operation(1), UserNotActive(ADA))
        await tx.exports.forget(NOON)
        assert await tx.answers.of("operations/op_1") == {}
        assert await tx.answers.of("operations/op_2") == {"auth": b"x"}


@pytest.mark.parametrize(("days", "due"), [(30, True), (29.99, False)])
async def test_a_deleted_user_is_due_at_the_purge_time(ports: Ports, days: float, due: bool) -> None:
    await add_users(ports)
    async with ports.begin() as tx:
        deleted, _ = (await tx.users.get(ADA)).delete(NOON, timedelta(days=30))
        await tx.users.save(deleted)
        await tx.commit()

    async with ports.begin() as tx:
        assert await tx.users.lock_due(NOON + timedelta(days=days)) == (deleted if due else None)
