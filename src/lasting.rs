//! Work that goes on for as long as the server does: a panic ends one piece of it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use calls_actors::metrics::CRASHES;
use futures_util::FutureExt;
use metrics::counter;
use tracing::error;

/// How long it rests after a crash.
const REST: Duration = Duration::from_secs(2);

/// The work panicked; what it said is in the log.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the work on it crashed")]
pub(crate) struct Crashed;

/// Does a piece of work; `of` names whose it is in `calls_actor_crashes_total`.
pub(crate) async fn guarded<T>(
    of: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, Crashed> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.map_err(|_| {
        counter!(CRASHES, "actor" => of).increment(1);
        Crashed
    })
}

/// Does it, and begins anew whenever it crashes.
pub(crate) async fn lasting<W: Future<Output = ()>>(of: &'static str, work: impl Fn() -> W) {
    while guarded(of, work()).await.is_err() {
        error!("the {of} crashed and begins anew");
        tokio::time::sleep(REST).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_crashes_begins_anew_until_it_ends_by_itself() {
        let times = Cell::new(0);
        lasting("test", || async {
            times.set(times.get() + 1);
            assert!(times.get() == 3, "not yet");
        })
        .await;
        assert_eq!(times.get(), 3);
    }
}
