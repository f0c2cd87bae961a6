// One key, one payment, one answer.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Stripe, hold, newShop, pay, recording, refusal, startGateway} from './shop.mjs';

const gateway = await startGateway();
const key = {idempotencyKey: 'k'};

test('a replay is the same bytes', async () => {
  const bodies = [];
  const shop = await newShop(gateway, {httpClient: recording(bodies)});
  const first = await pay(shop, {}, key);
  const again = await pay(shop, {}, key);
  assert.equal(bodies.length, 2);
  assert.ok(bodies[0].includes(first.id));
  assert.equal(bodies[1], bodies[0]);
  assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
  assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true');
  assert.equal((await shop.paymentIntents.list()).data.length, 1);
});

test('a decline is replayed too', async () => {
  const bodies = [];
  const shop = await newShop(gateway, {httpClient: recording(bodies)});
  const decline = () =>
    refusal(pay(shop, {payment_method: 'pm_card_chargeDeclined'}, key), Stripe.errors.StripeCardError);
  await decline();
  const again = await decline();
  assert.equal(bodies[1], bodies[0]);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  assert.equal((await shop.charges.list()).data.length, 1);
});

test('a key with other parameters, or on another route, does nothing', async () => {
  const shop = await newShop(gateway);
  await pay(shop, {}, key);
  const idempotency = Stripe.errors.StripeIdempotencyError;
  const other = await refusal(pay(shop, {amount: 2001}, key), idempotency);
  assert.deepEqual([other.statusCode, other.rawType], [400, 'idempotency_error']);
  await refusal(shop.customers.create({}, key), idempotency);
  assert.equal((await shop.paymentIntents.list()).data.length, 1);
  assert.equal((await shop.customers.list()).data.length, 0);
});

test('fifty requests with one key make one payment', async () => {
  const bodies = [];
  const shop = await newShop(gateway, {httpClient: recording(bodies)});
  const answers = await Promise.all(Array.from({length: 50}, () => pay(shop, {}, key)));
  assert.equal(new Set(answers.map((answer) => answer.id)).size, 1);
  assert.equal(new Set(bodies.filter((body) => !body.includes('idempotency_key_in_use'))).size, 1);
  const firsts = answers.filter((answer) => !answer.lastResponse.headers['idempotent-replayed']);
  assert.equal(firsts.length, 1);
  assert.equal((await shop.paymentIntents.list({limit: 100})).data.length, 1);
  assert.equal((await shop.charges.list({limit: 100})).data.length, 1);
});

test('fifty captures with fifty keys take the money once', async () => {
  const shop = await newShop(gateway);
  const {id} = await hold(shop);
  const taken = await Promise.all(
    Array.from({length: 50}, () =>
      shop.paymentIntents.capture(id).then(
        (intent) => intent.amount_received,
        (refused) => {
          assert.equal(refused.code, 'payment_intent_unexpected_state');
          return 0;
        },
      ),
    ),
  );
  assert.deepEqual(taken.filter((amount) => amount !== 0), [2000]);
});

test('what was refused before it began leaves the key free', async () => {
  const shop = await newShop(gateway);
  const refused = await refusal(shop.paymentIntents.create({amount: 2000}, key));
  assert.equal(refused.code, 'parameter_missing');
  assert.equal((await pay(shop, {}, key)).status, 'succeeded');
});
