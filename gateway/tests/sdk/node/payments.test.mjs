// Authorize, capture, void, increment, refund: the life of one payment.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Stripe, cardData, hold, newShop, pay, refusal, startGateway} from './shop.mjs';

const gateway = await startGateway();

test('an authorization holds, and a capture in part releases the rest', async () => {
  const shop = await newShop(gateway);
  const held = await hold(shop);
  assert.deepEqual(
    [held.status, held.amount_capturable, held.amount_received],
    ['requires_capture', 2000, 0],
  );
  const captured = await shop.paymentIntents.capture(held.id, {amount_to_capture: 1500});
  assert.deepEqual(
    [captured.status, captured.amount_capturable, captured.amount_received],
    ['succeeded', 0, 1500],
  );
  const charge = await shop.charges.retrieve(captured.latest_charge);
  assert.deepEqual([charge.captured, charge.amount_captured], [true, 1500]);
});

test('a capture in several parts', async () => {
  const shop = await newShop(gateway);
  const {id} = await hold(shop, {amount: 3000});
  const first = await shop.paymentIntents.capture(id, {amount_to_capture: 1000, final_capture: false});
  assert.deepEqual([first.status, first.amount_capturable, first.amount_received], ['requires_capture', 2000, 1000]);
  const over = await refusal(shop.paymentIntents.capture(id, {amount_to_capture: 2001}));
  assert.deepEqual([over.statusCode, over.code, over.param], [400, 'amount_too_large', 'amount_to_capture']);
  const second = await shop.paymentIntents.capture(id, {amount_to_capture: 500, final_capture: false});
  assert.deepEqual([second.amount_capturable, second.amount_received], [1500, 1500]);
  const last = await shop.paymentIntents.capture(id);
  assert.deepEqual([last.status, last.amount_received], ['succeeded', 3000]);
});

test('a second capture is refused with the intent', async () => {
  const shop = await newShop(gateway);
  const {id} = await hold(shop);
  await shop.paymentIntents.capture(id);
  const refused = await refusal(shop.paymentIntents.capture(id));
  assert.deepEqual([refused.statusCode, refused.code], [400, 'payment_intent_unexpected_state']);
  assert.deepEqual([refused.payment_intent.id, refused.payment_intent.status], [id, 'succeeded']);
  assert.equal((await shop.paymentIntents.retrieve(id)).amount_received, 2000);
});

test('a void gives the hold back', async () => {
  const shop = await newShop(gateway);
  const {id} = await hold(shop);
  const canceled = await shop.paymentIntents.cancel(id, {cancellation_reason: 'requested_by_customer'});
  assert.deepEqual(
    [canceled.status, canceled.cancellation_reason, canceled.amount_capturable],
    ['canceled', 'requested_by_customer', 0],
  );
  const refused = await refusal(shop.paymentIntents.capture(id));
  assert.equal(refused.code, 'payment_intent_unexpected_state');
});

test('an increment raises the hold', async () => {
  const shop = await newShop(gateway);
  const {id} = await hold(shop);
  const raised = await shop.paymentIntents.incrementAuthorization(id, {amount: 2600});
  assert.deepEqual([raised.amount, raised.amount_capturable], [2600, 2600]);
  assert.equal((await refusal(shop.paymentIntents.incrementAuthorization(id, {amount: 2500}))).param, 'amount');
  assert.equal((await shop.paymentIntents.capture(id)).amount_received, 2600);
});

test('refunds in parts end where the money ends', async () => {
  const shop = await newShop(gateway);
  const paid = await pay(shop, {amount: 1000});
  const first = await shop.refunds.create({payment_intent: paid.id, amount: 300});
  assert.deepEqual([first.status, first.amount], ['succeeded', 300]);
  const over = await refusal(shop.refunds.create({payment_intent: paid.id, amount: 701}));
  assert.deepEqual([over.statusCode, over.param], [400, 'amount']);
  const rest = await shop.refunds.create({charge: paid.latest_charge});
  assert.equal(rest.amount, 700);
  const none = await refusal(shop.refunds.create({charge: paid.latest_charge}));
  assert.equal(none.code, 'charge_already_refunded');
  const charge = await shop.charges.retrieve(paid.latest_charge, {expand: ['refunds']});
  assert.deepEqual([charge.refunded, charge.amount_refunded], [true, 1000]);
  assert.deepEqual(charge.refunds.data.map((refund) => refund.id), [rest.id, first.id]);
});

test('an intent step by step, declined once', async () => {
  const shop = await newShop(gateway);
  const made = await shop.paymentIntents.create({amount: 1000, currency: 'eur', metadata: {order: '17', gone: 'x'}});
  assert.equal(made.status, 'requires_payment_method');
  const updated = await shop.paymentIntents.update(made.id, {amount: 1200, metadata: {gone: ''}});
  assert.deepEqual(updated.metadata, {order: '17'});
  const confirm = (card) => shop.paymentIntents.confirm(made.id, {payment_method: card});
  const declined = await refusal(confirm('pm_card_chargeDeclined'), Stripe.errors.StripeCardError);
  assert.equal(declined.payment_intent.status, 'requires_payment_method');
  const paid = await confirm('pm_card_visa');
  assert.deepEqual([paid.status, paid.amount_received, paid.last_payment_error], ['succeeded', 1200, null]);
  const charges = await shop.charges.list({payment_intent: made.id});
  assert.deepEqual(charges.data.map((charge) => charge.status), ['succeeded', 'failed']);
});

test('a card given in place is shown masked', async () => {
  const shop = await newShop(gateway);
  const paid = await pay(shop, {payment_method_data: cardData('5555555555554444'), expand: ['latest_charge']});
  const {card} = paid.latest_charge.payment_method_details;
  assert.deepEqual([card.brand, card.last4, card.checks.cvc_check], ['mastercard', '4444', 'pass']);
  assert.ok(!JSON.stringify(paid).includes('5555555555554444'));
});

test('every answer names its request and version', async () => {
  const shop = await newShop(gateway);
  const {lastResponse} = await pay(shop, {}, {idempotencyKey: 'named'});
  assert.match(lastResponse.requestId, /^req_/);
  assert.equal(lastResponse.apiVersion, Stripe.API_VERSION);
  assert.equal(lastResponse.idempotencyKey, 'named');
});
