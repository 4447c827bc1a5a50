//! How far a run is: a bar on a terminal, and a line now and then where there is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle, WeakProgressBar};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often the progress bar moves while time passes.
const TICK: Duration = Duration::from_millis(100);

/// How often a line tells the same where nobody sees a bar, as in the log of a CI.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how time passes. All clones are one.
#[derive(Clone)]
pub(crate) struct Stopwatch {
    bar: ProgressBar,
    joined: Arc<AtomicU64>,
    stop: watch::Receiver<bool>,
}

impl Stopwatch {
    /// One that ends early when `stop` turns true.
    pub(crate) fn new(stop: watch::Receiver<bool>) -> Self {
        let style = ProgressStyle::with_template("{msg:>18} [{bar:40}] {percent:>3} %")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(1).with_style(style);
        let joined = Arc::default();
        if bar.is_hidden() {
            let say = |line: &str| eprintln!("calls-loadtest: {line}");
            tokio::spawn(tell(bar.downgrade(), Arc::clone(&joined), say));
        }
        Self { bar, joined, stop }
    }

    /// Something else begins, of so many steps.
    pub(crate) fn phase(&self, what: &'static str, steps: u64) {
        self.bar.reset();
        self.bar.set_length(steps);
        self.bar.set_message(what);
    }

    /// One step is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// So many more came in.
    pub(crate) fn joined(&self, count: u64) {
        self.joined.fetch_add(count, Relaxed);
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Lets time pass, or ends early when stopped.
    pub(crate) async fn pass(&self, what: &'static str, seconds: u32) {
        self.each_tick(what, seconds, |_| {}).await;
    }

    /// The same, with something to do now and then.
    pub(super) async fn each_tick(
        &self,
        what: &'static str,
        seconds: u32,
        mut on_tick: impl FnMut(Duration),
    ) {
        self.phase(what, u64::from(seconds) * 1000);
        let whole = Duration::from_secs(seconds.into());
        let began = Instant::now();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stop = self.stop.clone();
        while began.elapsed() < whole {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let elapsed = began.elapsed();
            on_tick(elapsed);
            self.bar
                .set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        }
    }
}

/// Says how far it is, until the bar is taken away.
async fn tell(bar: WeakProgressBar, joined: Arc<AtomicU64>, say: impl Fn(&str)) {
    loop {
        sleep(LINE_EVERY).await;
        let Some(bar) = bar.upgrade().filter(|bar| !bar.is_finished()) else {
            return;
        };
        let done = bar.position() * 100 / bar.length().unwrap_or(1).max(1);
        let (what, joined) = (bar.message(), joined.load(Relaxed));
        say(&format!(
            "{what}, {} % done, {joined} joined",
            done.min(100)
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn where_there_is_no_terminal_a_line_tells_how_far_it_is_until_the_end() {
        let (_running, stop) = watch::channel(false);
        let stopwatch = Stopwatch::new(stop);
        let said = RefCell::new(Vec::new());
        let bar = stopwatch.bar.downgrade();
        let telling = tell(bar, Arc::clone(&stopwatch.joined), |line| {
            said.borrow_mut().push(line.to_owned());
        });
        let playing = async {
            stopwatch.phase("joining", 4);
            sleep(LINE_EVERY / 2).await;
            for _ in 0..3 {
                stopwatch.step();
            }
            stopwatch.joined(2);
            sleep(LINE_EVERY).await;
            stopwatch.phase("measuring", 1000);
            sleep(LINE_EVERY).await;
            stopwatch.clear();
        };
        tokio::join!(telling, playing);
        assert_eq!(
            said.into_inner(),
            [
                "joining, 75 % done, 2 joined",
                "measuring, 0 % done, 2 joined"
            ],
        );
    }
}
