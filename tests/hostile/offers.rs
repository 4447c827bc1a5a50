//! Descriptions of sessions that nobody's browser makes.

use serde_json::json;

use super::bystanders::Bystanders;

/// What a browser really offers; the rest is made from it.
const CHROMIUM: &str = include_str!("../../media/tests/offers/chromium.sdp");

fn malformed() -> Vec<String> {
    let media: String = CHROMIUM
        .lines()
        .skip_while(|line| !line.starts_with("m="))
        .collect::<Vec<_>>()
        .join("\r\n");
    let session: String = CHROMIUM
        .lines()
        .take_while(|line| !line.starts_with("m="))
        .collect::<Vec<_>>()
        .join("\r\n");
    let mut all = vec![
        String::new(),
        "v=0".to_owned(),
        "\r\n".repeat(1000),
        "v=0\r\n\u{0}\u{0}\u{0}".to_owned(),
        "m=".repeat(20_000),
        CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        CHROMIUM.replace("a=fingerprint:sha-256 ", "a=fingerprint:md5 "),
        CHROMIUM.replace("a=setup:actpass", "a=setup:sideways"),
        CHROMIUM.replace("a=mid:", "a=mid:../"),
        CHROMIUM.replace("a=rtpmap:", "a=rtpmap:999999999999"),
        CHROMIUM.replace("a=ice-ufrag:", "a=ice-ufrag:\u{1f3a4}"),
        CHROMIUM.replacen(
            "a=ice-pwd:",
            &format!("a=ice-pwd:{}", "x".repeat(60_000)),
            1,
        ),
        CHROMIUM.replace("a=extmap:", "a=extmap:4294967296 a=extmap:"),
        CHROMIUM.replace("a=ssrc:", "a=ssrc:99999999999999999999"),
        CHROMIUM.replace("m=audio 9", "m=audio 99999"),
        format!("{session}\r\n{}", format!("{media}\r\n").repeat(12)),
        format!(
            "{CHROMIUM}{}",
            "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n".repeat(3_000)
        ),
        format!("{CHROMIUM}{}", "a=ssrc-group:FID 1 2\r\n".repeat(8_000)),
    ];
    // Cut anywhere.
    let cuts = (1..20).map(|part| CHROMIUM.len() * part / 20);
    all.extend(cuts.map(|at| CHROMIUM[..at].to_owned()));
    all
}

#[actix_web::test]
async fn an_offer_that_makes_no_sense_is_refused_and_costs_nobody_their_call() {
    let mut call = Bystanders::talking().await;
    let (mut eve, _, _) = call.api.enter(&call.room, "eve").await;
    let mut refused = 0;
    for sdp in malformed() {
        let begin: String = sdp.chars().take(40).collect();
        let offer = json!({ "sdp": sdp, "publish": [] });
        // Some can be understood after all; none may end the socket.
        if let Err(problem) = eve.ask("offer", offer).await {
            let status = problem["status"].as_u64().unwrap_or(0);
            assert!((400..500).contains(&status), "{begin:?}: {problem}");
            refused += 1;
        }
    }
    assert!(refused > 10, "{refused} were refused");
    let published = json!({ "sdp": CHROMIUM, "publish": [
        { "mid": "\r\n", "source": "microphone" }, { "mid": "0", "source": "../camera" },
    ] });
    eve.ask("offer", published)
        .await
        .expect_err("no such source");
    eve.ask("chat", json!({ "text": "eve is still there" }))
        .await
        .expect("the socket lives");
    call.ben
        .socket
        .event_where("chat", |chat| chat["text"] == "eve is still there")
        .await;
    call.ann
        .socket
        .event_where("chat", |chat| chat["text"] == "eve is still there")
        .await;
    let by_whip = call
        .api
        .http
        .post(format!("{}/whip/{}", call.api.base, call.room));
    let by_whip = by_whip
        .header("content-type", "application/sdp")
        .body("v=0\r\n".repeat(500));
    let status = by_whip.send().await.expect("a reply").status().as_u16();
    assert!((400..500).contains(&status), "{status}");
    call.are_unharmed(40).await;
}
