//! How a parent learns that a child is gone.

use actix::WeakRecipient;
use actix::prelude::*;

/// How a child's life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It stopped by itself.
    Finished,
    /// It panicked.
    Crashed,
}

/// Sent once to the parent, whatever way the child ends.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct ChildEnded<Id: Send + 'static> {
    /// Which child.
    pub id: Id,
    /// Which way.
    pub ending: Ending,
}

/// A child keeps one of these in its state; dropping it tells the parent.
///
/// actix drops an actor's state when its handler panics, so this also works where `Supervisor` does not: after a
/// crash.
#[must_use = "the parent is told as soon as this is dropped"]
pub struct Lifeline<Id: Clone + Send + Unpin + 'static> {
    id: Id,
    parent: WeakRecipient<ChildEnded<Id>>,
}

impl<Id: Clone + Send + Unpin + 'static> Lifeline<Id> {
    /// Ties `id` to `parent`.
    pub fn new(id: Id, parent: &Recipient<ChildEnded<Id>>) -> Self {
        Self {
            id,
            parent: parent.downgrade(),
        }
    }
}

impl<Id: Clone + Send + Unpin + 'static> Drop for Lifeline<Id> {
    fn drop(&mut self) {
        let ending = if std::thread::panicking() {
            Ending::Crashed
        } else {
            Ending::Finished
        };
        if let Some(parent) = self.parent.upgrade() {
            parent.do_send(ChildEnded {
                id: self.id.clone(),
                ending,
            });
        }
    }
}
