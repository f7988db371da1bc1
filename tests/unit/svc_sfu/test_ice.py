"""Who may send packets to a socket that many share."""

from aioice import stun

from svc_sfu.core.ice import MAX_ADDRESSES, Agent, Session

HERE = ("192.0.2.1", 4000)
THERE = ("192.0.2.2", 5000)


def check(session: Session, *, password: str = "", use: bool = False, remote: str = "them") -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{session.ufrag}:{remote}"
    message.attributes["PRIORITY"] = 1
    if use:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity((password or session.password).encode())
    return bytes(message)


def agent_with(*sessions: Session) -> Agent:
    agent = Agent()
    for session in sessions:
        agent.add(session)
    return agent


def test_a_check_with_the_password_is_answered_and_lets_packets_in() -> None:
    session = Session("abcd", "secret of many letters")
    agent = agent_with(session)
    assert agent.of(HERE) is None
    reply = agent.receive(check(session), HERE, 1.0)
    assert reply is not None
    answer = stun.parse_message(reply.data)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == HERE
    assert answer.check_message_integrity(session.password.encode())
    assert reply.session is session
    assert agent.of(HERE) is session
    assert session.nominated == HERE


def test_a_check_with_another_password_or_name_is_not_answered() -> None:
    session = Session("abcd", "secret of many letters")
    agent = agent_with(session)
    assert agent.receive(check(session, password="guessed"), HERE, 1.0) is None
    assert agent.receive(check(Session("else", session.password)), HERE, 1.0) is None
    assert agent.of(HERE) is None


def test_a_check_of_another_generation_is_not_answered() -> None:
    session = Session("abcd", "secret of many letters", remote_ufrag="them")
    agent = agent_with(session)
    assert agent.receive(check(session, remote="others"), HERE, 1.0) is None
    assert agent.receive(check(session), HERE, 1.0) is not None


def test_packets_go_where_the_other_side_says() -> None:
    session = Session("abcd", "secret of many letters")
    agent = agent_with(session)
    agent.receive(check(session), HERE, 1.0)
    agent.receive(check(session), THERE, 2.0)
    assert session.nominated == HERE
    reply = agent.receive(check(session, use=True), THERE, 3.0)
    assert session.nominated == THERE
    assert reply is not None
    assert reply.session is None, "only the first time"


def test_addresses_of_a_session_are_bounded_and_the_nominated_stays() -> None:
    session = Session("abcd", "secret of many letters")
    agent = agent_with(session)
    agent.receive(check(session, use=True), HERE, 0.0)
    for port in range(100):
        agent.receive(check(session), ("192.0.2.9", port + 1), 1.0 + port)
    assert len(session.addresses) == MAX_ADDRESSES
    assert agent.of(HERE) is session
    assert agent.of(("192.0.2.9", 1)) is None


def test_an_address_that_changes_hands_belongs_to_the_last_who_proved_it() -> None:
    one, other = Session("one1", "secret of many letters"), Session("two2", "secret of other letters")
    agent = agent_with(one, other)
    agent.receive(check(one), HERE, 0.0)
    agent.receive(check(other), HERE, 1.0)
    assert agent.of(HERE) is other
    agent.remove(one)
    assert agent.of(HERE) is other
    agent.remove(other)
    assert agent.of(HERE) is None
    assert agent.receive(check(other), HERE, 2.0) is None


def test_garbage_is_not_answered() -> None:
    session = Session("abcd", "secret of many letters")
    agent = agent_with(session)
    good = check(session)
    for data in (
        b"",
        b"\0",
        bytes(20),
        good[:-1],
        good + b"x",
        good[:8] + b"\xff" * 60,
        bytes([good[0], 0x11]) + good[2:],
    ):
        assert agent.receive(data, HERE, 0.0) is None
    for at in range(len(good) - 8):  # the last eight are a checksum that nobody needs
        changed = bytearray(good)
        changed[at] ^= 0x55
        agent.receive(bytes(changed), HERE, 0.0)
    assert agent.of(HERE) is None
