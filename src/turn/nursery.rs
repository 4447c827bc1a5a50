//! Where tasks of one actor run: they end with it, and a panic in one of them is a panic of the actor.

use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Takes tasks in.
#[derive(Clone)]
pub(super) struct Nursery(UnboundedSender<Task>);

/// The tasks themselves, for the actor to run.
pub(super) struct Tasks(UnboundedReceiver<Task>);

/// An empty one.
pub(super) fn nursery() -> (Nursery, Tasks) {
    let (take, taken) = unbounded_channel();
    (Nursery(take), Tasks(taken))
}

impl Nursery {
    /// Runs a task from now on.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let _ = self.0.send(Box::pin(task)); // else the actor is gone, and so would be the task
    }
}

impl Tasks {
    /// Runs them all.
    pub(super) async fn run(mut self) {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(task) = self.0.recv() => running.push(task),
                Some(()) = running.next() => {}
                else => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[actix::test]
    async fn tasks_end_with_whoever_runs_them() {
        struct Ended(Rc<Cell<u32>>);
        impl Drop for Ended {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let (nursery, tasks) = nursery();
        let ended = Rc::new(Cell::new(0));
        let forever = |guard| async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        };
        let mut running = Box::pin(tasks.run());
        nursery.spawn(forever(Ended(Rc::clone(&ended))));
        assert!(futures_util::poll!(running.as_mut()).is_pending());
        nursery.spawn(forever(Ended(Rc::clone(&ended)))); // not yet taken in
        drop(running);
        assert_eq!(ended.get(), 2);
    }

    #[actix::test]
    async fn a_panic_in_a_task_comes_out() {
        let (nursery, tasks) = nursery();
        nursery.spawn(async { panic!("a test wanted this") });
        let outcome = actix::spawn(tasks.run()).await;
        assert!(outcome.is_err_and(|error| error.is_panic()));
    }
}
