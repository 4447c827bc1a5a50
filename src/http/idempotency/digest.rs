//! The hash by which one body is told from another; that of a file is made while it passes.

use std::cell::RefCell;
use std::rc::Rc;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};

/// Begins with the key, so that nobody guesses at what is kept of it (a body may be little more than a password), and with
/// what the body is said to be.
pub(super) fn begun(request: &ServiceRequest, key: &str) -> Sha256 {
    let mut hash = Sha256::new_with_prefix(key);
    hash.update([0]);
    hash.update(request.content_type());
    hash.update([0]);
    hash
}

/// A body on its way to whoever reads it.
pub(super) struct Passing(Rc<RefCell<Passed>>);

/// What of it has passed.
struct Passed {
    hash: Sha256,
    end: End,
}

/// How far it has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    CutShort,
    Whole,
}

impl Passing {
    /// Looks at the body of this request from here on.
    pub(super) fn of(request: &mut ServiceRequest, key: &str) -> Self {
        let passed = Rc::new(RefCell::new(Passed {
            hash: begun(request, key),
            end: End::NotYet,
        }));
        let (seen, ended) = (Rc::clone(&passed), Rc::clone(&passed));
        let pieces =
            request
                .take_payload()
                .inspect(move |piece| match (piece, &mut *seen.borrow_mut()) {
                    (Ok(piece), passed) => passed.hash.update(piece),
                    (Err(_), passed) => passed.end = End::CutShort,
                });
        let end = stream::once(async move {
            let passed = &mut *ended.borrow_mut();
            if passed.end == End::NotYet {
                passed.end = End::Whole;
            }
        });
        let end = end.filter_map(|()| async { None });
        request.set_payload(Payload::Stream {
            payload: Box::pin(pieces.chain(end)),
        });
        Self(passed)
    }

    /// Its hash, if all of it was read.
    pub(super) fn hash(&self) -> Option<String> {
        let passed = self.0.borrow();
        let whole = passed.end == End::Whole;
        whole.then(|| hex::encode(passed.hash.clone().finalize()))
    }

    /// Its sender hung up in the middle.
    pub(super) fn is_cut_short(&self) -> bool {
        self.0.borrow().end == End::CutShort
    }
}
