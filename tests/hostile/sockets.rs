//! Signaling sockets that break the protocol below and above JSON.

use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::bomb;
use super::bystanders::Bystanders;
use super::raw::{closed, upgraded};
use crate::support::Socket;

/// A masked frame (RFC 6455 §5.2) with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | 127];
    frame.extend((payload.len() as u64).to_be_bytes());
    frame.extend([0; 4]); // a mask that changes nothing
    frame.extend(payload);
    frame
}

#[actix_web::test]
async fn a_frame_that_would_unpack_to_a_flood_is_never_unpacked() {
    let mut call = Bystanders::talking().await;
    let extension = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let bomb = bomb::deflated(64);
    assert!(
        bomb.len() < 256 * 1024,
        "it fits into a frame: {}",
        bomb.len()
    );
    for _ in 0..5 {
        let (mut stream, head) = upgraded(call.http(), extension).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert!(
            !head.to_lowercase().contains("sec-websocket-extensions"),
            "{head}"
        );
        let _ = stream.write_all(&frame(0xc1, &bomb)).await; // text, final, RSV1: compressed
        assert!(
            closed(&mut stream).await,
            "what was not agreed on is an error"
        );
    }
    call.are_unharmed(20).await;
}

#[actix_web::test]
async fn frames_that_lie_about_themselves_end_their_own_socket_only() {
    let mut call = Bystanders::talking().await;
    let endless = |first: u8| {
        let mut frame = vec![first, 0x80 | 127];
        frame.extend(u64::MAX.to_be_bytes());
        frame.extend([0; 4]);
        frame
    };
    let lies: [(&str, Vec<u8>); 7] = [
        ("longer than memory", endless(0x81)),
        ("longer than anything", {
            let mut f = endless(0x81);
            f[2] = 0x7f;
            f
        }),
        ("an unknown opcode", frame(0x83, b"x")),
        ("a ping of a kilobyte", frame(0x89, &[0; 1024])),
        ("more of nothing", frame(0x80, b"x")),
        ("not masked", vec![0x81, 2, b'{', b'}']),
        ("no UTF-8", frame(0x81, &[0xff, 0xfe, 0xc0, 0x80])),
    ];
    for (lie, bytes) in lies {
        let (mut stream, _) = upgraded(call.http(), "").await;
        let _ = stream.write_all(&bytes).await;
        assert!(closed(&mut stream).await, "{lie}");
    }
    call.are_unharmed(20).await;
}

#[actix_web::test]
async fn a_frame_that_claims_gigabytes_is_refused_at_its_head_and_fills_no_memory() {
    let mut call = Bystanders::talking().await;
    let join = format!("/rooms/{}/join", call.room);
    for number in 0..3 {
        let joined = call
            .api
            .post(&join, json!({ "user_id": format!("eve-{number}") }));
        let token = joined.await["connection"]["token"].clone();
        let (mut stream, _) = upgraded(call.http(), "").await;
        let hello = json!({ "t": "hello", "id": 1, "d": { "token": token } }).to_string();
        stream
            .write_all(&frame(0x81, hello.as_bytes()))
            .await
            .expect("it reads");
        let mut head = vec![0x81, 0x80 | 127];
        head.extend((4_u64 << 30).to_be_bytes());
        head.extend([0; 4]);
        stream.write_all(&head).await.expect("it reads");
        let blanks = vec![b' '; 1024 * 1024];
        for _ in 0..64 {
            if stream.write_all(&blanks).await.is_err() {
                break; // it hung up, as it should
            }
        }
        assert!(closed(&mut stream).await, "it is still read");
    }
    call.are_unharmed(40).await;
}

#[actix_web::test]
async fn frames_without_bottom_are_answered_with_a_problem() {
    let mut call = Bystanders::talking().await;
    let (mut eve, _, _) = call.api.enter(&call.room, "eve").await;
    let opened = |open: &str, times: usize| open.repeat(times);
    for text in [
        opened("[", 200_000),
        opened("{\"t\":", 50_000),
        format!(
            "{{\"t\":\"chat\",\"id\":7,\"d\":{}",
            opened("{\"d\":", 40_000)
        ),
        format!("{{\"t\":\"{}\"}}", "x".repeat(200_000)),
        "{\"t\":\"chat\",\"id\":-1e999,\"d\":null}".to_owned(),
    ] {
        eve.text(text).await;
        let problem = eve.event("error").await;
        assert!(problem["code"].is_string(), "{problem}");
    }
    eve.ask("chat", json!({ "text": "eve is still there" }))
        .await
        .expect("the socket lives");
    for seat in [&mut call.ann, &mut call.ben] {
        let heard = seat.socket.event("chat").await;
        assert_eq!(heard["text"], "eve is still there");
    }
    call.are_unharmed(30).await;
}

#[actix_web::test]
async fn a_client_that_does_not_read_is_closed_and_may_come_back_while_others_go_on() {
    let mut call = Bystanders::with(|command| {
        command.env("CALLS__LIMITS__SOCKET_BACKLOG_BYTES", "262144");
    })
    .await;
    let (eve, joined, welcome) = call.api.enter(&call.room, "eve").await;
    let begun = Instant::now();
    let crabs = "\u{1f980}".repeat(3998); // 16 kB
    for number in 0..24 {
        let text = format!("{number}{crabs}");
        call.ann
            .socket
            .ask("chat", json!({ "text": text }))
            .await
            .expect("it is said");
        call.ben
            .socket
            .event_where("chat", |chat| chat["text"] == text)
            .await;
    }
    let away =
        |told: &Value| told["event"] == "reconnecting" && told["participant"]["user_id"] == "eve";
    call.ann.socket.event_where("participant", away).await;
    eprintln!("measured: closed after {:?}", begun.elapsed());
    drop(eve);
    let ws_url = &joined["connection"]["ws_url"];
    let mut eve = Socket::resume(ws_url, &welcome, 1).await;
    let again = eve.event("welcome").await;
    assert_eq!(again["participant_id"], welcome["participant_id"]);
    call.are_unharmed(30).await;
}
