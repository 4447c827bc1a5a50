//! Everybody at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::bystanders::Bystanders;
use crate::support::Socket;

/// A busy server has five joins a second; this is ten times that, for four seconds, all at the same moment.
const STORM: usize = 200;

/// When the last of them is in, in a debug build on two cores.
const ALL_IN_WITHIN: Duration = Duration::from_secs(40);

#[actix_web::test]
async fn ten_times_the_usual_joins_get_in_and_a_call_beside_them_goes_on() {
    let mut call = Bystanders::talking().await;
    let hall = json!({ "name": "Hall", "max_participants": 500 });
    let hall = call.api.post("/rooms", hall).await;
    let hall = hall["room_id"].as_str().expect("an id").to_owned();
    let begun = Instant::now();
    let (api, hall) = (&call.api, &hall);
    let join = |number: usize| async move {
        let path = format!("/rooms/{hall}/join");
        loop {
            let user = json!({ "user_id": format!("guest-{number}") });
            let reply = api.try_post(&path, user).await.expect("a reply");
            if reply.status().is_success() {
                let joined: Value = reply.json().await.expect("JSON");
                let socket = Socket::hello(&joined["connection"]).await;
                return (socket, begun.elapsed());
            }
            // Who is told to wait is told for how long.
            assert!(
                [429, 503].contains(&reply.status().as_u16()),
                "{}",
                reply.status()
            );
            let wait = reply.headers()["retry-after"].to_str().expect("seconds");
            let wait: u64 = wait.parse().expect("seconds");
            assert!(
                begun.elapsed() < ALL_IN_WITHIN,
                "guest {number} never gets in"
            );
            tokio::time::sleep(Duration::from_secs(wait.max(1))).await;
        }
    };
    let guests = join_all((0..STORM).map(join)).await;
    let slowest = guests.iter().map(|(_, after)| *after).max();
    eprintln!("{STORM} joins: the last was in after {slowest:?}");
    assert!(slowest < Some(ALL_IN_WITHIN), "{slowest:?}");
    let inside = call
        .api
        .get(&format!("/rooms/{hall}/participants?limit=1"))
        .await;
    assert!(inside["data"].is_array(), "{inside}");
    call.are_unharmed(120).await;
}
