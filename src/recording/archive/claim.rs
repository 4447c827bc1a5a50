//! Who works on the files of a recording: one at a time. What is in the bucket is cleared away here, and may be asked to be made
//! once more in the same moment, of these very files; what is deleted has no transcript put beside it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use calls_model::RecordingId;

/// So long somebody waits for what is soon over: copies that are cleared away, a transcript that is put away, a tape that is
/// closed.
pub(super) const WAITS_FOR: Duration = Duration::from_secs(5);

/// How often it is looked whether it is.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// The recordings that somebody works on.
#[derive(Debug, Clone, Default)]
pub(in crate::recording) struct Claims(Arc<Mutex<HashSet<RecordingId>>>);

/// Nobody else works on the files of a recording for as long as this lives.
#[derive(Debug)]
#[must_use = "it is given up as soon as this is dropped"]
pub(in crate::recording) struct Claim {
    claims: Claims,
    id: RecordingId,
}

impl Claims {
    /// Takes a recording's, unless somebody has it: its turn comes again.
    pub(in crate::recording) fn take(&self, id: &RecordingId) -> Option<Claim> {
        let is_free = self.lock().insert(id.clone());
        is_free.then(|| Claim {
            claims: self.clone(),
            id: id.clone(),
        })
    }

    /// Takes it as soon as it is free, and the recording too, where that is within a moment.
    pub(in crate::recording) async fn take_soon(
        &self,
        id: &RecordingId,
        is_free: impl Fn() -> bool,
    ) -> Option<Claim> {
        let began = Instant::now();
        loop {
            let claim = self.take(id).filter(|_| is_free());
            if claim.is_some() || began.elapsed() >= WAITS_FOR {
                return claim;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Somebody has it.
    pub(super) fn are_taken(&self, id: &RecordingId) -> bool {
        self.lock().contains(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<RecordingId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.id);
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use calls_actors::testing::TestClock;
    use calls_model::{Fact, Recording, RecordingStatus};

    use super::super::testing::{archive, available};
    use crate::store::StoredRecording;

    #[actix::test]
    async fn what_somebody_works_on_nobody_else_makes_keeps_or_clears_away() {
        let place = tempfile::tempdir().expect("a folder");
        let archive = archive(place.path(), TestClock::start()).await;
        let (store, studio) = (&archive.store, &archive.studio);
        let Recording {
            recording_id: id,
            call_id,
            requested_at: at,
            ..
        } = available(store, studio).await;
        let live = studio.folder_of(&id).join("live");
        let now = async || -> StoredRecording {
            let found = store.recording(&id, at).await.expect("it is read");
            found.expect("it is there")
        };

        let claim = archive.claims.take(&id).expect("nobody has it");
        archive.let_go_of_leftovers().await.expect("none that goes");
        assert!(live.exists(), "it may be made anew of it");
        let again = Fact::RecordingComposeRequested {
            call_id,
            recording_id: id.clone(),
            layout: None,
            at,
        };
        store.record(vec![again]).await.expect("stored");
        archive.process(now().await).await.expect("left alone");
        let status = now().await.recording.status;
        assert_eq!(status, RecordingStatus::Processing);
        drop(claim);
        archive.process(now().await).await.expect("made");

        let claim = archive.claims.take(&id).expect("it is made");
        archive.keep(now().await).await.expect("left alone");
        let status = now().await.recording.status;
        assert_eq!(status, RecordingStatus::Uploading);
        drop(claim);
        archive.keep(now().await).await.expect("kept");
        let status = now().await.recording.status;
        assert_eq!(status, RecordingStatus::Available);
        assert!(!live.exists(), "it was made of it");
        assert!(archive.claims.take(&id).is_some(), "all have done");
    }
}
