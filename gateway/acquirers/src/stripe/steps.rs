//! The calls of one message.
//!
//! An authorization is two calls: *create* makes an intent and moves nothing, *confirm* moves money. Create carries no card, so
//! it can be repeated at any time with the same idempotency key, and then finds the same intent: that is the inquiry. And
//! an intent that was canceled can't be confirmed any more: that is a reversal which nothing can overtake.

use super::outcome::{Trouble, approved, of_intent, trouble};
use gateway_api::client::{CardDetails, Client, Form, PaymentIntentView, PaymentMethodChoice, RefundView};
use gateway_core::SmolStr;
use gateway_core::acquirer::{
    AcquirerRequest, Answer, Approval, CustomerPresence, Decline, DeclineCode, FinalCapture, Original,
    OriginalKind, PendingAnswer, Trace, Verb,
};
use gateway_core::card::CardInClear;
use gateway_core::money::{Currency, Money};
use gateway_core::time::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};

const INTENTS: &str = "/v1/payment_intents";
/// How long a customer has, or an upstream that says `processing`, in milliseconds.
const PENDING_MS: i64 = 900_000;

/// One message's calls.
pub struct Steps<'a> {
    pub client: &'a Client,
    /// The adapter's name, which keeps the keys of two adapters apart.
    pub name: &'a str,
    pub request: &'a AcquirerRequest,
    pub now: Timestamp,
    pub idempotency_window_ms: u64,
    /// The card goes ahead as a payment method, in calls that move nothing.
    pub card_as_method: bool,
    /// A call that moves money has begun.
    pub committed: &'a AtomicBool,
}

impl Steps<'_> {
    fn key(&self, reference: u64, step: &str) -> String {
        format!("{}-{reference:012}-{step}", self.name)
    }

    fn own_key(&self, step: &str) -> String {
        self.key(self.request.trace.reference, step)
    }

    /// From here on a failure may have moved money.
    fn commit(&self) {
        self.committed.store(true, Ordering::Release);
    }

    /// Carries the message out.
    pub async fn run(&self) -> Answer {
        match &self.request.verb {
            Verb::Authorize => self.open(OriginalKind::Authorize).await,
            Verb::Sale => self.open(OriginalKind::Sale).await,
            Verb::Increment(original) => self.increment(original).await,
            Verb::Capture { original, last } => self.capture(original, *last).await,
            Verb::Void(original) => self.void(original).await,
            Verb::Refund(original) => self.refund(original).await,
            Verb::Reverse(original) => self.reverse(original).await,
            Verb::Inquire(original) => self.inquire(original).await,
            Verb::Verify => self.verify().await,
        }
    }

    async fn create(
        &self,
        kind: OriginalKind,
        trace: Trace,
        amount: Money,
    ) -> Result<PaymentIntentView, Trouble> {
        let method = if kind == OriginalKind::Sale { "automatic" } else { "manual" };
        let form = Form::new()
            .pair("amount", amount.minor)
            .pair("currency", amount.currency.code())
            .pair("capture_method", method)
            .pair("payment_method_types[0]", "card")
            .pair("metadata[tollgate_reference]", trace.reference_text());
        let answer = self.client.post(INTENTS, form, &self.key(trace.reference, "create")).await;
        answer.map(|response| response.view).map_err(|error| trouble(&error))
    }

    async fn open(&self, kind: OriginalKind) -> Answer {
        let Some(card) = &self.request.card else {
            return Answer::NotSent("the message needs a card".to_owned());
        };
        let intent = match self.create(kind, self.request.trace, self.request.amount).await {
            Ok(intent) => intent,
            // No card was sent and no money moved, whatever became of the call.
            Err(Trouble::NotSent(why) | Trouble::Unknown(why)) => return Answer::NotSent(why),
            Err(Trouble::Declined(decline)) => return Answer::Declined(decline),
        };
        let mut form = Form::new().pair("expand[0]", "latest_charge");
        if self.card_as_method {
            match self.attach(card, &intent.id).await {
                Ok(()) => {}
                Err(Trouble::NotSent(why) | Trouble::Unknown(why)) => return Answer::NotSent(why),
                Err(Trouble::Declined(decline)) => return Answer::Declined(decline),
            }
        } else {
            details(card).add_to(&mut form);
        }
        if self.request.customer == CustomerPresence::Absent {
            form.push("error_on_requires_action", true);
        }
        self.commit();
        match self.client.confirm_payment_intent(&intent.id, form, &self.own_key("confirm")).await {
            Ok(response) => of_intent(&response.view, self.now.plus_ms(PENDING_MS)),
            Err(error) => ended(trouble(&error)),
        }
    }

    /// Gives an intent its card, by a payment method made of it. No money moves.
    async fn attach(&self, card: &CardInClear, intent: &str) -> Result<(), Trouble> {
        let form = Form::new()
            .pair("type", "card")
            .pair("card[number]", card.pan.expose())
            .pair("card[exp_month]", card.exp_month)
            .pair("card[exp_year]", card.exp_year)
            .optional("card[cvc]", card.cvc.as_ref().map(|cvc| cvc.expose()));
        let made = self.client.post::<Made>("/v1/payment_methods", form, &self.own_key("method")).await;
        let method = made.map_err(|error| trouble(&error))?.view.id;
        let form = Form::new().pair("payment_method", method);
        let path = format!("{INTENTS}/{intent}");
        let updated = self.client.post::<Made>(&path, form, &self.own_key("attach")).await;
        updated.map(drop).map_err(|error| trouble(&error))
    }

    /// The upstream's id of a hold or sale: as it was approved, else by asking with the same key.
    async fn locate(&self, original: &Original) -> Result<PaymentIntentView, Trouble> {
        if let Some(id) = id_of(original) {
            let query = Form::new().pair("expand[0]", "latest_charge");
            let answer = self.client.payment_intent(id, &query).await;
            return answer.map(|response| response.view).map_err(|error| trouble(&error));
        }
        let age = self.now.0.saturating_sub(original.trace.at.0);
        if age >= i64::try_from(self.idempotency_window_ms).unwrap_or(i64::MAX) {
            return Err(Trouble::Unknown(
                "older than the upstream's memory of keys; look for it by hand".to_owned(),
            ));
        }
        let created = self.create(original.kind, original.trace, original.amount).await?;
        // The replay shows the intent as it was when it was made.
        let query = Form::new().pair("expand[0]", "latest_charge");
        let answer = self.client.payment_intent(&created.id, &query).await;
        answer.map(|response| response.view).map_err(|error| trouble(&error))
    }

    async fn increment(&self, original: &Original) -> Answer {
        let Some(id) = id_of(original) else { return no_id() };
        let form = Form::new().pair("amount", self.request.amount.minor).pair("expand[0]", "latest_charge");
        self.intent_call(id, "increment_authorization", form).await
    }

    async fn capture(&self, original: &Original, last: FinalCapture) -> Answer {
        let Some(id) = id_of(original) else { return no_id() };
        let form = Form::new()
            .pair("amount_to_capture", self.request.amount.minor)
            .optional("final_capture", (last == FinalCapture::No).then_some(false))
            .pair("expand[0]", "latest_charge");
        self.intent_call(id, "capture", form).await
    }

    async fn void(&self, original: &Original) -> Answer {
        let Some(id) = id_of(original) else { return no_id() };
        self.intent_call(id, "cancel", Form::new()).await
    }

    /// A change of an intent; its success is for this message's own amount.
    async fn intent_call(&self, id: &str, verb: &str, form: Form) -> Answer {
        self.commit();
        let path = format!("{INTENTS}/{id}/{verb}");
        match self.client.post::<PaymentIntentView>(&path, form, &self.own_key(verb)).await {
            Ok(response) => approved(&response.view, self.request.amount.minor),
            Err(error) => ended(trouble(&error)),
        }
    }

    async fn refund(&self, original: &Original) -> Answer {
        let Some(id) = id_of(original) else { return no_id() };
        self.refund_of(id, "refund").await
    }

    async fn refund_of(&self, id: &str, step: &str) -> Answer {
        let form = Form::new()
            .pair("payment_intent", id)
            .pair("amount", self.request.amount.minor)
            .pair("metadata[tollgate_reference]", self.request.trace.reference_text());
        self.commit();
        match self.client.post::<RefundView>("/v1/refunds", form, &self.own_key(step)).await {
            Ok(response) => refunded(&response.view, self.now),
            Err(error) => ended(trouble(&error)),
        }
    }

    async fn reverse(&self, original: &Original) -> Answer {
        match original.kind {
            OriginalKind::Authorize | OriginalKind::Sale => {}
            OriginalKind::Refund => return self.reverse_refund(original).await,
            // The dialect has no word that undoes these; they are repeated until they are answered.
            OriginalKind::Increment | OriginalKind::Capture | OriginalKind::Void => {
                return Answer::NotSent("this acquirer can't undo it; repeat it instead".to_owned());
            }
        }
        let intent = match self.locate(original).await {
            Ok(intent) => intent,
            Err(trouble) => return ended(trouble),
        };
        match intent.status.as_str() {
            "canceled" => approved(&intent, self.request.amount.minor),
            // The last capture released the rest of the hold already.
            "succeeded" if original.kind == OriginalKind::Authorize => {
                approved(&intent, self.request.amount.minor)
            }
            "succeeded" => self.refund_of(&intent.id, "reverse").await,
            _ if self.request.amount.minor < original.amount.minor => partial_refusal(),
            _ => self.intent_call(&intent.id, "cancel", Form::new()).await,
        }
    }

    async fn reverse_refund(&self, original: &Original) -> Answer {
        let Some(id) = id_of(original) else {
            return Answer::Unknown(
                "a refund whose answer never came can't be found by its reference".to_owned(),
            );
        };
        self.commit();
        let path = format!("/v1/refunds/{id}/cancel");
        match self.client.post::<RefundView>(&path, Form::new(), &self.own_key("cancel")).await {
            Ok(response) => refunded(&response.view, self.now),
            Err(error) => ended(trouble(&error)),
        }
    }

    async fn inquire(&self, original: &Original) -> Answer {
        match original.kind {
            OriginalKind::Authorize | OriginalKind::Sale => match self.locate(original).await {
                Ok(intent) => of_intent(&intent, original.trace.at.plus_ms(PENDING_MS)),
                Err(trouble) => ended(trouble),
            },
            OriginalKind::Refund => match id_of(original) {
                Some(id) => match self.client.refund(id).await {
                    Ok(response) => refunded(&response.view, self.now),
                    Err(error) => ended(trouble(&error)),
                },
                None => Answer::Unknown(
                    "a refund whose answer never came: repeat it with the same key".to_owned(),
                ),
            },
            OriginalKind::Increment | OriginalKind::Capture | OriginalKind::Void => {
                Answer::Unknown("repeat it with the same key".to_owned())
            }
        }
    }

    async fn verify(&self) -> Answer {
        let Some(card) = &self.request.card else {
            return Answer::NotSent("the message needs a card".to_owned());
        };
        let mut form = Form::new().pair("confirm", true).pair("payment_method_types[0]", "card");
        details(card).add_to(&mut form);
        match self.client.post::<serde_json::Value>("/v1/setup_intents", form, &self.own_key("verify")).await
        {
            Ok(response) => Answer::Approved(Approval {
                amount: Money::zero(self.request.amount.currency),
                reference: response.view["id"].as_str().unwrap_or_default().into(),
                authorization_code: SmolStr::default(),
                network_transaction_id: None,
                cvc_check: None,
            }),
            Err(error) => ended(trouble(&error)),
        }
    }
}

/// As much as matters of an object that was made.
#[derive(serde::Deserialize)]
struct Made {
    id: String,
}

fn details(card: &CardInClear) -> PaymentMethodChoice<'_> {
    PaymentMethodChoice::Card(CardDetails {
        number: card.pan.expose(),
        exp_month: card.exp_month,
        exp_year: card.exp_year,
        cvc: card.cvc.as_ref().map(|cvc| cvc.expose()),
    })
}

fn id_of(original: &Original) -> Option<&str> {
    original.approval.as_ref().map(|approval| approval.reference.as_str()).filter(|id| !id.is_empty())
}

/// The dialect releases a part of a hold only by the last capture.
fn partial_refusal() -> Answer {
    Answer::Declined(Decline {
        code: DeclineCode::InvalidAmount,
        network_code: "partial_release".into(),
        cvc_check: None,
    })
}

fn no_id() -> Answer {
    Answer::NotSent("the original has no reference of the upstream's".to_owned())
}

fn ended(trouble: Trouble) -> Answer {
    match trouble {
        Trouble::NotSent(why) => Answer::NotSent(why),
        Trouble::Unknown(why) => Answer::Unknown(why),
        Trouble::Declined(decline) => Answer::Declined(decline),
    }
}

fn refunded(refund: &RefundView, now: Timestamp) -> Answer {
    let decline = |code: &str| {
        Answer::Declined(Decline {
            code: DeclineCode::GenericDecline,
            network_code: code.into(),
            cvc_check: None,
        })
    };
    let Some(currency) = Currency::parse(&refund.currency) else {
        return Answer::Unknown("refunded in a currency that is not known".to_owned());
    };
    match refund.status.as_deref() {
        Some("succeeded") => Answer::Approved(Approval {
            amount: Money::new(refund.amount, currency),
            reference: refund.id.as_str().into(),
            authorization_code: SmolStr::default(),
            network_transaction_id: None,
            cvc_check: None,
        }),
        Some("pending" | "requires_action") => {
            Answer::Pending(PendingAnswer { until: now.plus_ms(PENDING_MS), action: None })
        }
        Some("failed") => decline(refund.failure_reason.as_deref().unwrap_or("failed")),
        Some("canceled") => decline("canceled"),
        Some(_) | None => Answer::Unknown("a refund in a state that is not known".to_owned()),
    }
}
