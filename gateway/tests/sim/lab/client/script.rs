//! What a client does with its payments: pays, captures in parts, raises, cancels, refunds in parts, and looks now and then.

use super::super::facts::{Asked, Told, View};
use super::super::faults::{Deed, Fault, Stage};
use super::{Client, Request, wire};
use std::time::Duration;
use tokio::time::sleep;

/// Published test numbers that no scorer stops, and one that it always does.
pub const CARDS: [&str; 5] =
    ["4242424242424242", "5555555555554444", "4000056655665556", "378282246310005", "4100000000000019"];

/// A payment as its client knows it.
struct Payment {
    id: String,
    order: String,
    manual: bool,
    view: View,
}

impl Client {
    /// Makes and works off this many payments.
    pub async fn work(&mut self, payments: u64) {
        for number in 0..payments {
            sleep(Duration::from_millis(self.dice.below(600))).await;
            let order = format!("c{}-{number}", self.number);
            if let Some(payment) = self.pay(order).await {
                self.follow(payment).await;
            }
        }
    }

    async fn pay(&mut self, order: String) -> Option<Payment> {
        let large = self.dice.per_mille(150);
        let amount =
            if large { self.dice.between(20_000_000, 90_000_000) } else { self.dice.between(50, 90_000) };
        let amount = amount as i64;
        let (manual, confirm) = (self.dice.per_mille(650), self.dice.per_mille(750));
        let card = self.card();
        let method = if manual { "manual" } else { "automatic" };
        let body = format!(
            "amount={amount}&currency=usd&capture_method={method}&confirm={confirm}{card}&metadata[order]={order}"
        );
        let request = Request {
            key: format!("{order}-create"),
            asked: Asked::Create { amount, confirm },
            payment: None,
            path: "/v1/payment_intents".to_owned(),
            body,
            deed: if confirm { paying(manual) } else { Deed::Plain },
            foreign: false,
        };
        let told = self.ask(request).await?;
        let id = told.view.payment.clone()?;
        let mut payment = Payment { id, order, manual, view: told.view };
        self.send_customer(&mut payment).await;
        if !confirm {
            self.confirm(&mut payment, 0, "").await;
        }
        if payment.view.state.as_deref() == Some("requires_payment_method") && self.dice.per_mille(400) {
            let card = self.card();
            self.confirm(&mut payment, 1, &card[1..]).await;
        }
        Some(payment)
    }

    fn card(&mut self) -> String {
        let number = if self.dice.per_mille(30) { CARDS[4] } else { self.dice.pick(&CARDS[..4]) };
        format!(
            "&payment_method_data[type]=card&payment_method_data[card][number]={number}\
             &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2035\
             &payment_method_data[card][cvc]=123"
        )
    }

    async fn confirm(&mut self, payment: &mut Payment, attempt: u64, body: &str) {
        let deed = paying(payment.manual);
        let request = self.change(payment, ("confirm", attempt), (Asked::Confirm, deed), body.to_owned());
        self.ask_about(payment, request).await;
    }

    fn change(
        &self,
        payment: &Payment,
        (verb, number): (&str, u64),
        (asked, deed): (Asked, Deed),
        body: String,
    ) -> Request {
        let path = match verb {
            "refund" => "/v1/refunds".to_owned(),
            verb => format!("/v1/payment_intents/{}/{verb}", payment.id),
        };
        let key = format!("{}-{verb}-{number}", payment.order);
        Request { key, asked, payment: Some(payment.id.clone()), path, body, deed, foreign: false }
    }

    async fn ask_about(&mut self, payment: &mut Payment, request: Request) {
        let told = self.ask(request).await;
        take(payment, told);
        if self.dice.per_mille(200) || payment.view.state.as_deref() == Some("processing") {
            self.look(payment).await;
        }
        self.send_customer(payment).await;
    }

    /// A customer who must act is sent to do so; some merchants cancel meanwhile.
    async fn send_customer(&mut self, payment: &mut Payment) {
        if payment.view.state.as_deref() != Some("requires_action") {
            return;
        }
        let Some(page) = payment.view.page.clone() else { return };
        let race = self.world.swarm.rate(Fault::RaceOther);
        let cancels = self.hurting() && self.dice.per_mille(race);
        let deed = paying(payment.manual);
        if cancels {
            let request = self.cancel(payment);
            let told = self.ask(request).await;
            take(payment, told);
        }
        if self.customer(&page, deed).await {
            self.look(payment).await;
        }
    }

    async fn look(&mut self, payment: &mut Payment) {
        for _look in 0..3 {
            let told = self.send(&wire::look(&payment.id), None).await;
            take(payment, told);
            if payment.view.state.as_deref() != Some("processing") {
                return;
            }
            sleep(Duration::from_millis(self.dice.between(100, 2_500))).await;
        }
    }

    async fn follow(&mut self, mut payment: Payment) {
        self.look(&mut payment).await;
        if payment.view.state.as_deref() == Some("requires_capture") {
            self.use_hold(&mut payment).await;
        }
        let received = payment.view.received;
        if received > 0 && self.dice.per_mille(600) {
            self.refund(&mut payment, received).await;
        }
    }

    async fn use_hold(&mut self, payment: &mut Payment) {
        if self.dice.per_mille(200) {
            let total = payment.view.amount + self.dice.between(1, 5_000) as i64;
            let asked = (Asked::Increment { total }, Deed::Increment);
            let request =
                self.change(payment, ("increment_authorization", 0), asked, format!("amount={total}"));
            self.ask_about(payment, request).await;
        }
        let race = self.world.swarm.rate(Fault::RaceOther);
        if self.hurting() && self.dice.per_mille(race) {
            return self.race(payment).await;
        }
        match self.dice.below(10) {
            0 => {}
            1 | 2 => {
                let request = self.cancel(payment);
                self.ask_about(payment, request).await;
            }
            3..=6 => {
                let request = self.capture(payment, 0, payment.view.capturable.max(1), "");
                self.ask_about(payment, request).await;
            }
            _in_parts => self.capture_in_parts(payment).await,
        }
    }

    fn hurting(&self) -> bool {
        self.world.notes().phase == super::Phase::Hurt
    }

    fn cancel(&self, payment: &Payment) -> Request {
        self.change(payment, ("cancel", 0), (Asked::Cancel, Deed::Void), String::new())
    }

    fn capture(&self, payment: &Payment, number: u64, amount: i64, more: &str) -> Request {
        let asked = (Asked::Capture { amount }, Deed::Capture);
        self.change(payment, ("capture", number), asked, format!("amount_to_capture={amount}{more}"))
    }

    async fn capture_in_parts(&mut self, payment: &mut Payment) {
        let parts = self.dice.between(2, 3);
        for part in 0..parts {
            let left = payment.view.capturable;
            if left < 1 || payment.view.state.as_deref() != Some("requires_capture") {
                return;
            }
            let amount = self.dice.between(1, (left as u64).max(1)) as i64;
            let last = part + 1 == parts && self.dice.per_mille(800);
            let more = if last { "&final_capture=true" } else { "&final_capture=false" };
            let request = self.capture(payment, part, amount, more);
            self.ask_about(payment, request).await;
        }
    }

    /// A capture against a cancellation, or two captures, or two refunds later.
    async fn race(&mut self, payment: &mut Payment) {
        let capturable = payment.view.capturable.max(1);
        let first = self.capture(payment, 0, capturable, "");
        let second = if self.dice.per_mille(500) {
            self.cancel(payment)
        } else {
            self.capture(payment, 1, (capturable / 2).max(1), "")
        };
        self.at_once(payment, first, second).await;
    }

    async fn at_once(&mut self, payment: &mut Payment, first: Request, second: Request) {
        for request in [&first, &second] {
            self.world.count((Fault::RaceOther, Stage::Claim, request.deed));
            self.requests.push((request.clone(), false));
        }
        let (one, other) = tokio::join!(biased; self.send(&first, None), self.send(&second, None));
        for (request, told) in [(&first, &one), (&second, &other)] {
            if told.as_ref().is_some_and(|told| super::is_final(&request.asked, told)) {
                self.settled(&request.key);
            }
        }
        self.look(payment).await;
    }

    async fn refund(&mut self, payment: &mut Payment, received: i64) {
        let parts = self.dice.between(1, 3);
        let race = self.world.swarm.rate(Fault::RaceOther);
        if self.hurting() && self.dice.per_mille(race) {
            let first = self.refund_of(payment, 0, received);
            let second = self.refund_of(payment, 1, (received / 2).max(1));
            return self.at_once(payment, first, second).await;
        }
        for part in 0..parts {
            let amount = if parts == 1 { received } else { self.dice.between(1, received as u64) as i64 };
            let request = self.refund_of(payment, part, amount);
            self.ask(request).await;
            sleep(Duration::from_millis(self.dice.below(50))).await;
        }
    }

    fn refund_of(&self, payment: &Payment, number: u64, amount: i64) -> Request {
        let asked = (Asked::Refund { amount }, Deed::Refund);
        let body = format!("payment_intent={}&amount={amount}", payment.id);
        self.change(payment, ("refund", number), asked, body)
    }
}

const fn paying(manual: bool) -> Deed {
    if manual { Deed::Authorize } else { Deed::Sale }
}

/// The client knows what the last answer about the payment itself showed.
fn take(payment: &mut Payment, told: Option<Told>) {
    if let Some(told) = told
        && told.view.refund.is_none()
        && told.view.payment.as_deref() == Some(&payment.id)
    {
        payment.view = told.view;
    }
}
