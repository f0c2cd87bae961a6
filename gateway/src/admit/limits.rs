//! Rates: so many requests a second a key, and so many an address. Buckets live in this process.

use crate::exchange::Reply;
use gateway_api::error::ApiError;
use gateway_core::id::ApiKeyId;
use gateway_core::ports::Clock as ClockPort;
use governor::clock::Clock;
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// The port's monotonic clock in governor's terms, so that limits run on simulated time too.
#[derive(Clone)]
pub(super) struct PortClock(pub(super) Arc<dyn ClockPort>);

impl Clock for PortClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.monotonic_ns())
    }
}

type Buckets<K> = RateLimiter<K, DashMapStateStore<K>, PortClock, StateInformationMiddleware>;

/// The limits of requests.
pub struct Limits {
    keys: Buckets<ApiKeyId>,
    addresses: Buckets<IpAddr>,
    clock: PortClock,
    key_quota: NonZeroU32,
}

/// What is left of the narrowest bucket, for the `RateLimit` fields.
#[derive(Debug, Clone, Copy)]
pub struct Remaining {
    quota: u32,
    left: u32,
}

impl Limits {
    /// So many requests a second, and at most as many at once.
    pub fn new(a_key: NonZeroU32, an_address: NonZeroU32, clock: Arc<dyn ClockPort>) -> Self {
        let clock = PortClock(clock);
        let keys = RateLimiter::dashmap_with_clock(Quota::per_second(a_key), clock.clone()).with_middleware();
        let addresses =
            RateLimiter::dashmap_with_clock(Quota::per_second(an_address), clock.clone()).with_middleware();
        Self { keys, addresses, clock, key_quota: a_key }
    }

    /// Counts a request of an address, before its key is looked at.
    ///
    /// # Errors
    /// The 429, with the seconds after which it passes.
    pub fn address(&self, address: IpAddr) -> Result<(), Box<Reply>> {
        match self.addresses.check_key(&address) {
            Ok(_snapshot) => Ok(()),
            Err(not_until) => Err(self.refuse(not_until.wait_time_from(self.clock.now()), not_until.quota())),
        }
    }

    /// Counts a request of a key.
    ///
    /// # Errors
    /// The 429, with the seconds after which it passes.
    pub fn key(&self, key: ApiKeyId) -> Result<Remaining, Box<Reply>> {
        match self.keys.check_key(&key) {
            Ok(snapshot) => Ok(self.remaining(&snapshot)),
            Err(not_until) => Err(self.refuse(not_until.wait_time_from(self.clock.now()), not_until.quota())),
        }
    }

    fn remaining(&self, snapshot: &StateSnapshot) -> Remaining {
        Remaining { quota: self.key_quota.get(), left: snapshot.remaining_burst_capacity() }
    }

    fn refuse(&self, wait: Duration, quota: Quota) -> Box<Reply> {
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
        let remaining = Remaining { quota: quota.burst_size().get(), left: 0 };
        Box::new(remaining.describe(Reply::from(ApiError::rate_limited(seconds))))
    }

    /// Forgets those that have not asked for a while. Call it now and then: the buckets grow without it.
    pub fn forget_idle(&self) {
        self.keys.retain_recent();
        self.addresses.retain_recent();
    }
}

impl Remaining {
    /// Adds the `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers).
    pub fn describe(self, reply: Reply) -> Reply {
        reply
            .with_header("ratelimit-policy", &format!("\"default\";q={};w=1", self.quota))
            .with_header("ratelimit", &format!("\"default\";r={};t=1", self.left))
    }
}
