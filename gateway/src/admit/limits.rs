//! Rates: so many requests a second a key, and so many an address. Buckets live in this process.

use crate::exchange::Reply;
use arc_swap::ArcSwap;
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
    clock: PortClock,
    current: ArcSwap<Current>,
}

/// Rates, and how much of them is used up.
struct Current {
    keys: Buckets<ApiKeyId>,
    addresses: Buckets<IpAddr>,
    key_quota: NonZeroU32,
    address_quota: NonZeroU32,
}

impl Current {
    fn new((key_quota, address_quota): (NonZeroU32, NonZeroU32), clock: &PortClock) -> Self {
        let keys =
            RateLimiter::dashmap_with_clock(Quota::per_second(key_quota), clock.clone()).with_middleware();
        let addresses = RateLimiter::dashmap_with_clock(Quota::per_second(address_quota), clock.clone())
            .with_middleware();
        Self { keys, addresses, key_quota, address_quota }
    }
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
        let current = ArcSwap::from_pointee(Current::new((a_key, an_address), &clock));
        Self { clock, current }
    }

    /// Other rates from now on. Whoever had used up theirs begins anew; the same rates again change nothing.
    pub fn set(&self, a_key: NonZeroU32, an_address: NonZeroU32) {
        let now = self.current.load();
        if (now.key_quota, now.address_quota) != (a_key, an_address) {
            self.current.store(Arc::new(Current::new((a_key, an_address), &self.clock)));
        }
    }

    /// Counts a request of an address (a /64 network in IPv6), before its key is looked at.
    ///
    /// # Errors
    /// The 429, with the seconds after which it passes.
    pub fn address(&self, address: IpAddr) -> Result<(), Box<Reply>> {
        match self.current.load().addresses.check_key(&crate::edge::network(address)) {
            Ok(_snapshot) => Ok(()),
            Err(not_until) => Err(self.refuse(not_until.wait_time_from(self.clock.now()), not_until.quota())),
        }
    }

    /// Counts a request of a key.
    ///
    /// # Errors
    /// The 429, with the seconds after which it passes.
    pub fn key(&self, key: ApiKeyId) -> Result<Remaining, Box<Reply>> {
        let current = self.current.load();
        match current.keys.check_key(&key) {
            Ok(snapshot) => Ok(remaining(&snapshot, current.key_quota)),
            Err(not_until) => Err(self.refuse(not_until.wait_time_from(self.clock.now()), not_until.quota())),
        }
    }

    fn refuse(&self, wait: Duration, quota: Quota) -> Box<Reply> {
        let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
        let remaining = Remaining { quota: quota.burst_size().get(), left: 0 };
        Box::new(remaining.describe(Reply::from(ApiError::rate_limited(seconds))))
    }

    /// Forgets those that have not asked for a while. Call it now and then: the buckets grow without it.
    pub fn forget_idle(&self) {
        let current = self.current.load();
        current.keys.retain_recent();
        current.addresses.retain_recent();
    }
}

fn remaining(snapshot: &StateSnapshot, quota: NonZeroU32) -> Remaining {
    Remaining { quota: quota.get(), left: snapshot.remaining_burst_capacity() }
}

/// Put together by hand: it is done for each answer.
fn field(before: &str, number: u32, behind: &str) -> String {
    let mut text = String::with_capacity(32);
    text.push_str(before);
    text.push_str(itoa::Buffer::new().format(number));
    text.push_str(behind);
    text
}

impl Remaining {
    /// Adds the `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers).
    pub fn describe(self, reply: Reply) -> Reply {
        reply
            .with_header("ratelimit-policy", &field("\"default\";q=", self.quota, ";w=1"))
            .with_header("ratelimit", &field("\"default\";r=", self.left, ";t=1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::SystemClock;

    fn limits(a_key: u32, an_address: u32) -> Limits {
        let rate = |number| NonZeroU32::new(number).unwrap();
        Limits::new(rate(a_key), rate(an_address), Arc::new(SystemClock::default()))
    }

    #[test]
    fn a_network_of_ipv6_has_one_rate() {
        let limits = limits(1, 2);
        let asked = |address: &str| limits.address(address.parse().unwrap()).is_ok();
        assert!(asked("2001:db8::1") && asked("2001:db8::2"));
        assert!(!asked("2001:db8::3"), "another address of the same customer");
        assert!(asked("2001:db8:0:1::1") && asked("192.0.2.1") && asked("192.0.2.2"));
    }

    #[test]
    fn rates_can_be_changed_while_serving() {
        let limits = limits(1, 1);
        let rate = |number| NonZeroU32::new(number).unwrap();
        let key = ApiKeyId(gateway_core::id::Id(1));
        assert!(limits.key(key).is_ok() && limits.key(key).is_err());
        limits.set(rate(1), rate(1));
        assert!(limits.key(key).is_err(), "the same rates are no new start");
        limits.set(rate(100), rate(1));
        assert!((0..100).all(|_| limits.key(key).is_ok()));
    }
}
