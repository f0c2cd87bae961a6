//! The charge as the wire shows it: one attempt, with the scorer's and the issuer's word on it.

use super::{Renderer, card, customer, decline, extra, payment, refund, review};
use gateway_api::WireEnum;
use gateway_api::expand::Level;
use gateway_api::objects::{
    self, CardChecks, ChargeCard, ChargePaymentMethodDetails, Expandable, FraudDetails, List, More, Outcome,
    Overcapture, Status,
};
use gateway_core::acquirer::Check;
use gateway_core::card::CardFacts;
use gateway_core::id::ChargeId;
use gateway_core::means::{Means, Wallet};
use gateway_core::payment::{Attempt, AttemptState, Failure, FailureKind, Payment, RefundState, RiskLevel};

/// The charge's id.
pub const fn id_of(p: &Payment, attempt: &Attempt) -> ChargeId {
    ChargeId { payment: p.id, attempt: attempt.number }
}

/// The issuer's own code, if it gave one.
pub fn network_code<'a>(r: &Renderer<'a>, failure: &Failure) -> Option<&'a str> {
    (!failure.network_code.is_empty()).then(|| &*r.texts.alloc_str(&failure.network_code))
}

const fn failure(attempt: &Attempt) -> Option<&Failure> {
    match &attempt.state {
        AttemptState::Failed(failure) => Some(failure),
        AttemptState::Open
        | AttemptState::Authorized(_)
        | AttemptState::Voided(_)
        | AttemptState::Expired(_)
        | AttemptState::Abandoned => None,
    }
}

const fn status(attempt: &Attempt) -> &'static str {
    match &attempt.state {
        AttemptState::Open => "pending",
        AttemptState::Failed(_) | AttemptState::Abandoned => "failed",
        AttemptState::Authorized(_) | AttemptState::Voided(_) | AttemptState::Expired(_) => "succeeded",
    }
}

/// A voided or expired hold counts as refunded, as the dialect has it.
const fn released(attempt: &Attempt) -> bool {
    matches!(attempt.state, AttemptState::Voided(_) | AttemptState::Expired(_))
}

/// What was given back of an attempt, in minor units.
pub fn refunded_minor(p: &Payment, attempt: &Attempt) -> i64 {
    if released(attempt) {
        return attempt.amount_minor;
    }
    let of_this =
        p.refunds.iter().filter(|r| r.attempt == attempt.number && r.state == RefundState::Succeeded);
    of_this.map(|refund| refund.amount_minor).sum()
}

/// A charge.
pub fn charge<'a>(
    r: &Renderer<'a>,
    (p, attempt): (&'a Payment, &'a Attempt),
    level: Level<'_>,
) -> objects::Charge<'a> {
    let captured = attempt.captured_minor();
    let refunded = refunded_minor(p, attempt);
    let error = failure(attempt).map(|failure| decline::error(attempt, failure));
    let paid = attempt.approval().is_some();
    let more = extra::parse(&p.details.extra);
    objects::Charge {
        id: r.charge_id(id_of(p, attempt)),
        amount: attempt.amount_minor,
        amount_captured: captured,
        amount_refunded: refunded,
        authorization_code: attempt
            .approval()
            .map(|a| a.authorization_code.as_str())
            .filter(|code| !code.is_empty()),
        billing_details: extra::billing(r, &attempt.instrument.billing_details),
        calculated_statement_descriptor: p.details.statement_descriptor.as_deref(),
        captured: captured > 0 && attempt.closed,
        created: attempt.at.unix_seconds(),
        currency: r.texts.alloc_str(p.amount.currency.code()),
        customer: p.details.customer.map(|id| customer::reference(r, id, level.wants("customer"))),
        description: p.details.description.as_deref(),
        failure_code: error.as_ref().and_then(|e| e.code.map(WireEnum::as_str)),
        failure_message: error.as_ref().map(|e| &*r.texts.alloc_str(&e.message)),
        fraud_details: FraudDetails {
            gateway_report: None,
            user_report: extra::text(r, &more, "user_report"),
        },
        livemode: p.tenant.mode.is_live(),
        metadata: card::metadata(&p.details.metadata),
        outcome: outcome(r, attempt),
        paid,
        payment_intent: Some(if level.wants("payment_intent") {
            Expandable::object(payment::intent(r, p, level.descend("payment_intent")))
        } else {
            Expandable::Id(r.payment_id(p.id))
        }),
        payment_method: Some(r.method_id(attempt.instrument.method)),
        payment_method_details: Some(method_details(r, p, attempt)),
        receipt_email: p.details.receipt_email.as_deref(),
        refunded: (captured > 0 && refunded == captured) || released(attempt),
        review: review::reference(r, (p, attempt), level),
        refunds: level.wants("refunds").then(|| refunds(r, p, attempt)),
        shipping: extra::shipping(r, &more),
        statement_descriptor: p.details.statement_descriptor.as_deref(),
        statement_descriptor_suffix: p.details.statement_descriptor_suffix.as_deref(),
        status: status(attempt),
        ..objects::Charge::default()
    }
}

/// How many refunds an expanded charge shows; the rest is paged at `/v1/refunds`.
const SHOWN_REFUNDS: usize = 10;

fn refunds<'a>(r: &Renderer<'a>, p: &'a Payment, attempt: &Attempt) -> List<'a, objects::Refund<'a>> {
    let mut of_this: Vec<_> =
        p.refunds.iter().rev().filter(|refund| refund.attempt == attempt.number).collect();
    let more = if of_this.len() > SHOWN_REFUNDS { More::Yes } else { More::No };
    of_this.truncate(SHOWN_REFUNDS);
    let data = of_this.into_iter().map(|one| refund::refund(r, (p, one), Level::default())).collect();
    List::new(r.text(format_args!("/v1/charges/{}/refunds", id_of(p, attempt))), data, more)
}

fn outcome<'a>(r: &Renderer<'a>, attempt: &'a Attempt) -> Option<Outcome<'a>> {
    let base = Outcome {
        risk_level: Some(attempt.risk.level.as_str()),
        risk_score: (attempt.risk.level != RiskLevel::NotAssessed).then_some(attempt.risk.score),
        ..Outcome::default()
    };
    match &attempt.state {
        AttemptState::Open | AttemptState::Abandoned => None,
        AttemptState::Authorized(_) | AttemptState::Voided(_) | AttemptState::Expired(_) => {
            let reviewed = attempt.risk.review.is_some();
            Some(Outcome {
                network_status: Some("approved_by_network"),
                reason: risky(attempt),
                seller_message: Some(if reviewed {
                    "The payment waits for a review before it is captured."
                } else {
                    "Payment complete."
                }),
                kind: if reviewed { "manual_review" } else { "authorized" },
                ..base
            })
        }
        AttemptState::Failed(failure) => {
            let base = Outcome { reason: risky(attempt), ..base };
            Some(failed(r, base, failure))
        }
    }
}

/// What spoke against the payment, in the dialect's words: a rule, or the level of its score.
fn risky(attempt: &Attempt) -> Option<&'static str> {
    match attempt.risk.level {
        _any if attempt.risk.reason.starts_with("rule:") => Some("rule"),
        RiskLevel::Highest => Some("highest_risk_level"),
        RiskLevel::Elevated => Some("elevated_risk_level"),
        RiskLevel::Normal | RiskLevel::NotAssessed => None,
    }
}

fn failed<'a>(r: &Renderer<'a>, base: Outcome<'a>, failure: &Failure) -> Outcome<'a> {
    let word = decline::word(failure.code);
    let advice_code = word.advice();
    match failure.kind {
        FailureKind::Blocked => Outcome {
            network_status: Some("not_sent_to_network"),
            reason: base.reason.or(Some("highest_risk_level")),
            seller_message: Some("The payment was blocked as too risky."),
            kind: "blocked",
            ..base
        },
        FailureKind::NotSent => Outcome {
            network_status: Some("not_sent_to_network"),
            reason: Some(word.as_str()),
            seller_message: Some("No acquirer could be reached; nothing was sent."),
            kind: "invalid",
            ..base
        },
        FailureKind::Declined | FailureKind::NotAuthenticated => Outcome {
            advice_code,
            network_decline_code: network_code(r, failure),
            network_status: Some("declined_by_network"),
            reason: Some(word.as_str()),
            seller_message: Some(word.message()),
            kind: "issuer_declined",
            ..base
        },
        FailureKind::Reversed => Outcome {
            network_status: Some("reversed_after_approval"),
            reason: Some(word.as_str()),
            seller_message: Some("The outcome could not be learned in time; the authorization was reversed."),
            kind: "issuer_declined",
            ..base
        },
    }
}

fn method_details<'a>(r: &Renderer<'a>, p: &Payment, attempt: &'a Attempt) -> ChargePaymentMethodDetails<'a> {
    let reference = attempt.approval().map(|approval| approval.reference.as_str());
    let transaction = reference.filter(|text| !text.is_empty());
    match &attempt.instrument.means {
        Means::Card { facts, .. } => ChargePaymentMethodDetails::card(charge_card(r, p, (attempt, facts))),
        Means::Wallet(Wallet::Alipay) => ChargePaymentMethodDetails::alipay(transaction),
        Means::Wallet(Wallet::WechatPay) => ChargePaymentMethodDetails::wechat_pay(transaction),
    }
}

fn charge_card<'a>(
    r: &Renderer<'a>,
    p: &Payment,
    (attempt, facts): (&'a Attempt, &CardFacts),
) -> ChargeCard<'a> {
    let approval = attempt.approval();
    let held = matches!(attempt.state, AttemptState::Authorized(_)) && !attempt.sale;
    let available = Some(Status { status: "available" });
    let total = attempt.amount_minor;
    ChargeCard {
        amount_authorized: approval.map(|a| a.amount.minor),
        authorization_code: approval.map(|a| a.authorization_code.as_str()).filter(|code| !code.is_empty()),
        brand: Some(facts.brand.as_str()),
        capture_before: (held && p.status() == gateway_core::Status::RequiresCapture)
            .then(|| attempt.capture_before.unix_seconds()),
        checks: Some(CardChecks { cvc_check: cvc_check(attempt), ..CardChecks::default() }),
        country: card::country(r, facts),
        exp_month: facts.exp_month,
        exp_year: facts.exp_year,
        extended_authorization: Some(Status { status: "disabled" }),
        fingerprint: Some(card::fingerprint(r, facts)),
        funding: Some(facts.funding.as_str()),
        incremental_authorization: available,
        last4: Some(r.texts.alloc_str(facts.last4_str())),
        multicapture: available,
        network: Some(facts.brand.as_str()),
        network_transaction_id: approval.and_then(|a| a.network_transaction_id.as_deref()),
        overcapture: Some(Overcapture { maximum_amount_capturable: total, status: "unavailable" }),
        ..ChargeCard::default()
    }
}

fn cvc_check(attempt: &Attempt) -> Option<&'static str> {
    let answered = match &attempt.state {
        AttemptState::Failed(failure) => failure.cvc_check,
        AttemptState::Authorized(a) | AttemptState::Voided(a) | AttemptState::Expired(a) => a.cvc_check,
        AttemptState::Open | AttemptState::Abandoned => None,
    };
    let provided = attempt.instrument.means.card().is_some_and(|card| card.cvc_provided);
    let unanswered = provided.then_some("unchecked");
    answered.map(Check::as_str).or(unanswered)
}
