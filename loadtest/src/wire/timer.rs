//! A timer that is right to some tens of microseconds; the runtime's own rounds to a millisecond.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;

/// Longest sleep at once; longer ones are repeated.
const LONGEST: Duration = Duration::from_secs(60);

/// A timer of one task.
pub struct Timer {
    fd: AsyncFd<OwnedFd>,
}

impl Timer {
    /// A timer on the current runtime.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        #[allow(
            deprecated,
            reason = "it is deprecated for types whose descriptor may change; that of an OwnedFd may not"
        )]
        let fd = AsyncFd::new(fd)?;
        Ok(Self { fd })
    }

    /// Sleeps until the moment; returns at once if it has passed.
    ///
    /// # Errors
    /// The system refuses the timer, which it has no reason to.
    pub async fn until(&self, moment: Instant) -> io::Result<()> {
        loop {
            let left = moment.saturating_duration_since(Instant::now()).min(LONGEST);
            if left.is_zero() {
                return Ok(());
            }
            let value =
                Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let once = Itimerspec { it_interval: zero, it_value: value };
            timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            let mut ready = self.fd.readable().await?;
            let mut expirations = [0_u8; 8];
            match ready.try_io(|fd| rustix::io::read(fd.get_ref(), &mut expirations).map_err(Into::into)) {
                Ok(Ok(_bytes)) => {}
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_early() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let timer = Timer::new().expect("a timer");
            for micros in [50, 400, 3_000, 20_000] {
                let moment = Instant::now() + Duration::from_micros(micros);
                timer.until(moment).await.expect("a timer works");
                assert!(Instant::now() >= moment);
            }
            timer.until(Instant::now() - Duration::from_secs(1)).await.expect("the past is now");
        });
    }
}
