//! Bodies that are too long, too deep, or far larger than they look.

use super::bomb;
use super::bystanders::Bystanders;
use super::raw::{say, status};

/// What a bomb would unpack to.
const UNPACKED_MB: usize = 256;

#[actix_web::test]
async fn bodies_that_unpack_to_a_flood_are_refused_before_they_do() {
    let mut call = Bystanders::talking().await;
    let bomb = bomb::gzipped(UNPACKED_MB);
    assert!(bomb.len() < 1024 * 1024, "{} bytes", bomb.len());
    for encoding in ["gzip", "deflate", "br", "gzip, gzip"] {
        let asked = call.api.http.post(format!("{}/rooms", call.api.base));
        let asked = asked
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(bomb.clone());
        // It may hang up while the body is still on its way.
        if let Ok(reply) = asked.send().await {
            let status = reply.status().as_u16();
            assert!((400..500).contains(&status), "{encoding}: {status}");
        }
    }
    call.are_unharmed(30).await;
}

#[actix_web::test]
async fn json_without_end_is_refused_however_it_goes_on() {
    let mut call = Bystanders::talking().await;
    let deep = |open: &str, times: usize| open.repeat(times);
    let bodies = [
        deep("[", 60_000),
        deep("{\"name\":", 7_000),
        format!(
            "{{\"name\":\"Hall\",\"metadata\":{}",
            deep("{\"a\":", 10_000)
        ),
        format!(
            "{{\"name\":\"Hall\",\"metadata\":{}1{}}}",
            deep("{\"a\":", 5_000),
            deep("}", 5_000)
        ),
        format!("{{\"name\":\"{}\"}}", "x".repeat(8 * 1024 * 1024)),
        format!("{{\"name\":1{}}}", "0".repeat(50_000)),
        "\u{0}".repeat(1000),
    ];
    for body in bodies {
        let begin: String = body.chars().take(30).collect();
        let asked = call.api.http.post(format!("{}/rooms", call.api.base));
        let asked = asked.header("content-type", "application/json").body(body);
        if let Ok(reply) = asked.send().await {
            let status = reply.status().as_u16();
            assert!(status < 500, "{begin}: {status}"); // keys that nobody knows are passed over, however deep
        }
    }
    call.are_unharmed(30).await;
}

#[actix_web::test]
async fn a_request_that_two_readers_would_cut_apart_differently_is_refused() {
    let mut call = Bystanders::talking().await;
    let host = call.http();
    let smuggled = "0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    let length = smuggled.len();
    let heads = [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        format!("Content-Length: {length}\r\nContent-Length: 1"),
        format!("Content-Length: +{length}"),
        "Content-Length: 18446744073709551616".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".to_owned(),
        "Transfer-Encoding: xchunked".to_owned(),
        "X-Header : space before the colon".to_owned(),
        "X-Header: bare\rreturn".to_owned(),
    ];
    for head in heads {
        let request = format!(
            "POST /api/v1/calls/rooms HTTP/1.1\r\nHost: {host}\r\n{head}\r\n\r\n{smuggled}"
        );
        let answer = say(host, request.as_bytes()).await;
        let code = status(&answer);
        assert!(code == 0 || (400..500).contains(&code), "{head}: {answer}");
        assert!(!answer.contains("calls_http_requests_total"), "{head}");
    }
    call.are_unharmed(30).await;
}
