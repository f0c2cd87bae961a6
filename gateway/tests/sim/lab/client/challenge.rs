//! The customer of a payment, who is sent to the challenge's page: passes, fails, goes away, or answers twice at once.

use super::super::faults::{Deed, Fault, Stage};
use super::super::world::Death;
use super::{Client, Phase, wire};
use gateway::exchange::Service;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

impl Client {
    /// What the customer does on the page of this address. Whether anything was answered.
    pub async fn customer(&mut self, url: &str, deed: Deed) -> bool {
        sleep(Duration::from_millis(self.dice.between(5, 3_000))).await;
        let page = url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
        match self.world.strike(&Fault::CUSTOMER, Stage::Act, deed) {
            Some(Fault::ChallengeLeft) => return false,
            Some(Fault::ChallengeFailed) => self.click(&page, "fail", deed).await,
            Some(_twice) => {
                let (one, other) = if self.dice.per_mille(500) { ("pass", "fail") } else { ("pass", "pass") };
                tokio::join!(biased; self.click(&page, one, deed), self.click(&page, other, deed));
            }
            None => self.click(&page, "pass", deed).await,
        }
        true
    }

    async fn click(&self, page: &str, answer: &str, deed: Deed) {
        let live = self.machine.live().await;
        self.strike_meanwhile(deed);
        let exchange = wire::browser(&self.world, format!("{page}/{answer}"));
        let status = tokio::select! {
            biased;
            () = self.machine.over(live.life) => None,
            reply = live.api.call(Box::new(exchange)) => Some(reply.status),
        };
        self.world.trace(("customer", self.number, answer, status));
    }

    /// The process dies, or its clock is set, while the customer's answer is taken up.
    fn strike_meanwhile(&self, deed: Deed) {
        if self.world.notes().phase != Phase::Hurt {
            return;
        }
        let death = match self.world.strike(&Fault::BETWEEN, Stage::Act, deed) {
            Some(Fault::Killed) => Death::Killed,
            Some(Fault::PowerLost) => Death::PowerLost,
            Some(clock) => return self.world.set_clock(clock),
            None => return,
        };
        let (world, wait_ms) = (Arc::clone(&self.world), self.world.draw(|dice| dice.below(12)));
        tokio::spawn(async move {
            sleep(Duration::from_millis(wait_ms)).await;
            match world.die(death).await {}
        });
    }
}
