//! Tokens: card details exchanged, once, for something that is no card.

use super::{Reading, Writing};
use crate::cards;
use crate::engine::Engine;
use crate::exchange::Reply;
use crate::flow::{Fault, read};
use crate::render::related::Related;
use crate::render::{Renderer, card, extra};
use bumpalo::Bump;
use gateway_api::error::ApiError;
use gateway_api::form::Change;
use gateway_api::objects;
use gateway_api::params::{self, AddressInput, BillingDetailsInput, decode};
use gateway_core::claim::Subject;
use gateway_core::id::TokenId;
use gateway_core::journal::{Batch, Row, RowKey, Urgency};
use gateway_core::record::Token;
use gateway_core::time::Timestamp;

fn text(engine: &Engine, token: &Token) -> String {
    let (texts, related) = (Bump::new(), Related::default());
    let r = Renderer { texts: &texts, related: &related, public_url: &engine.settings.public_url };
    objects::to_json(&card::token(&r, token))
}

/// The name and address that came with the card, as billing details.
fn billing(params: &params::CreateToken<'_>) -> String {
    let given = BillingDetailsInput {
        name: params.name.map_or(Change::Keep, Change::Set),
        address: match params.address == AddressInput::default() {
            true => Change::Keep,
            false => Change::Set(params.address),
        },
        ..BillingDetailsInput::default()
    };
    extra::merge_billing("", &given)
}

/// POST /v1/tokens. The code is not kept: whoever redeems the token charges without it.
pub async fn create(writing: &Writing<'_>, params: &params::CreateToken<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(&[])?;
    let tenant = call.caller.tenant;
    let intake = cards::take_in(call, &params.card, "card")?;
    let id = TokenId(call.engine.ids.next());
    let token = Token {
        id,
        tenant,
        created: Timestamp(id.0.ms()),
        card: intake.facts,
        sealed: intake.sealed,
        billing_details: billing(params),
        used: false,
    };
    let reply = Reply::json(200, text(&call.engine, &token));
    let mut batch = Batch::new(Urgency::New);
    batch.insert(Row::Token(Box::new(token)));
    call.finish(batch, Subject::Other, reply).await
}

/// GET /v1/tokens/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(&[])?;
    let missing = || ApiError::resource_missing("token", reading.id, "token");
    let id: TokenId = reading.id.parse().map_err(|_| missing())?;
    let found = read(reading.engine, &RowKey::Token(reading.caller.tenant, id)).await?;
    let Some(Row::Token(token)) = found.map(|stored| stored.row) else { return Err(missing()) };
    Ok(Reply::json(200, text(reading.engine, &token)))
}
