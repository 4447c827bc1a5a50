//! Names that would rather be paths, headers or markup.

use serde_json::json;

use super::bystanders::Bystanders;
use super::raw::{say, status};

#[actix_web::test]
async fn no_path_leads_out_of_the_pages() {
    let mut call = Bystanders::talking().await;
    let address = call.http();
    let recordings = "/api/v1/calls/recordings/rec_01890a5d-ac96-774b-bcce-b302099a8057/download";
    let tricks = [
        "/../../../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%5c..%5c..%5cetc%5cpasswd",
        "//etc/passwd",
        "/docs/../../etc/passwd",
        "/docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/meet/%00/../../etc/passwd",
        "/index.html%00.png",
        "/%ff%fe",
        &format!("{recordings}?file=../../../../etc/passwd"),
        &format!("{recordings}?file=/etc/passwd"),
        "/api/v1/calls/recordings/..%2f..%2f..%2fetc%2fpasswd/download",
        "/api/v1/calls/rooms/..%2f..%2fhistory",
    ];
    for path in tricks {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        let answer = say(address, request.as_bytes()).await;
        let code = status(&answer);
        assert!((400..500).contains(&code), "{path}: {answer}");
        assert!(!answer.contains("root:"), "{path}: {answer}");
    }
    call.are_unharmed(30).await;
}

#[actix_web::test]
async fn a_name_with_line_ends_writes_no_header() {
    let mut call = Bystanders::talking().await;
    let evil = "x\r\nX-Evil: 1\r\n\r\n<script>alert(1)</script>\"; filename=\"y";
    let http = &call.api.http;
    let base = &call.api.base;
    let mut heard = Vec::new();
    let room = http
        .post(format!("{base}/rooms"))
        .json(&json!({ "name": evil }));
    heard.push(room.send().await.expect("a reply"));
    let join = http.post(format!("{base}/rooms/{}/join", call.room));
    let join = join.json(&json!({ "user_id": evil, "display_name": evil }));
    heard.push(join.send().await.expect("a reply"));
    let encoded = "x%0d%0aX-Evil:%201%0d%0a%0d%0a";
    for path in [
        format!("/history?user_id={encoded}"),
        format!("/rooms?cursor={encoded}"),
        format!("/rooms/{encoded}"),
        format!("/recordings/rec_{encoded}/download?file={encoded}"),
        format!("/transcripts/search?q={encoded}"),
        format!("/call_{encoded}/transcript?format={encoded}"),
        format!("/whep/room_{encoded}?participant={encoded}"),
    ] {
        heard.push(
            http.get(format!("{base}{path}"))
                .send()
                .await
                .expect("a reply"),
        );
    }
    for reply in heard {
        assert!(!reply.headers().contains_key("x-evil"), "{}", reply.url());
        assert!(reply.status().as_u16() < 500, "{}", reply.url());
        let kind = reply.headers()["content-type"].to_str().unwrap();
        assert!(kind.contains("json"), "{kind}: nothing is markup");
        assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
    }
    // What a client may choose of a request's head comes back in no head of an answer.
    let address = call.http();
    for head in [
        "X-Request-Id: a\x0b\x0cb",
        "Idempotency-Key: \u{7f}\u{1}",
        "Host: a\u{1}b",
    ] {
        let request = format!(
            "GET /healthz HTTP/1.1\r\nHost: {address}\r\n{head}\r\nConnection: close\r\n\r\n"
        );
        let answer = say(address, request.as_bytes()).await;
        let (head_of_answer, _) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(
            head_of_answer
                .chars()
                .all(|c| !c.is_control() || c == '\r' || c == '\n'),
            "{head:?}: {answer:?}"
        );
    }
    call.are_unharmed(30).await;
}
