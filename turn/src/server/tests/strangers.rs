//! Those who have shown no password: what they are sent, and what is kept of them.

use rtc_stun::attributes::ATTR_ERROR_CODE;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::message::{METHOD_CONNECT, METHOD_CREATE_PERMISSION, Setter};

use super::*;
use crate::testing::transport;

fn shortest_allocate() -> Vec<u8> {
    unsigned(METHOD_ALLOCATE, &[transport(17)]).raw
}

#[test]
fn a_challenge_is_short() {
    let mut world = World::new();
    let question = shortest_allocate();
    let answers = world.send(udp("192.0.2.1:5000"), &question);
    assert_eq!((question.len(), answers[0].len()), (28, 64));
    let answer = Answer::parse(&answers[0]).unwrap();
    assert_eq!(answer.code(), 401);
    assert_eq!(answer.get(ATTR_ERROR_CODE).unwrap().len(), 4, "no words");
}

#[test]
fn nobody_is_flooded_by_questions_in_their_name() {
    let mut world = World::new();
    let questions = [
        shortest_allocate(),
        unsigned(METHOD_BINDING, &[]).raw,
        unsigned(METHOD_CREATE_PERMISSION, &[]).raw,
    ];
    let (mut asked, mut answered) = (0, 0);
    for round in 0..100_000 {
        // Another port each time: that is no other victim.
        let client = udp(&format!("192.0.2.1:{}", 1024 + round % 60_000));
        let question = &questions[round % questions.len()];
        asked += question.len();
        answered += world
            .send(client, question)
            .iter()
            .map(Vec::len)
            .sum::<usize>();
    }
    assert!(answered < asked / 10, "{answered} bytes for {asked}");
    assert!(world.server.stats().withheld > 90_000);
}

#[test]
fn who_came_by_a_connection_or_answered_a_challenge_is_always_answered() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.user(ann, "ann");
    while !world
        .send(udp("192.0.2.1:6000"), &shortest_allocate())
        .is_empty()
    {}
    assert_eq!(world.ask(stream(1), &shortest_allocate()).code(), 401);
    assert_eq!(world.ask(ann, &asker.allocate()).code(), 0);
    world.pass(SECOND);
    assert_eq!(
        world
            .ask(udp("192.0.2.1:6000"), &shortest_allocate())
            .code(),
        401
    );
}

#[test]
fn what_is_no_request_is_not_answered() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let mut damaged = unsigned(METHOD_BINDING, &[]);
    FINGERPRINT.add_to(&mut damaged).unwrap();
    let whole = damaged.raw.clone();
    assert_eq!(world.send(ann, &whole).len(), 1);
    let mut wrong = whole.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let longer = [&whole[..], &[0; 4]].concat();
    let unknown = unsigned(METHOD_CONNECT, &[]).raw;
    let response = Answer::parse(&whole).map(|_| {
        let mut bytes = whole.clone();
        bytes[0] = 1;
        bytes
    });
    for bytes in [
        wrong,
        longer,
        unknown,
        response.unwrap(),
        Vec::new(),
        vec![0; 3000],
    ] {
        assert!(world.send(ann, &bytes).is_empty(), "{bytes:?}");
    }
    assert_eq!(world.server.stats().ignored, 6);
}

#[test]
fn an_answer_has_a_checksum_where_the_question_has_one() {
    let mut world = World::new();
    let mut question = unsigned(METHOD_BINDING, &[]);
    FINGERPRINT.add_to(&mut question).unwrap();
    let answers = world.send(udp("192.0.2.1:5000"), &question.raw);
    let mut answer = rtc_stun::message::Message::new();
    answer.unmarshal_binary(&answers[0]).unwrap();
    assert!(FINGERPRINT.check(&answer).is_ok());
}
