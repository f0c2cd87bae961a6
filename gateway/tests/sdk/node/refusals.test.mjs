// What is refused, how the SDK reports it, and a restart in between.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Stripe, clientOf, everything, hold, newShop, pay, recording, refusal, startGateway} from './shop.mjs';

const gateway = await startGateway();

test("another merchant's objects do not exist", async () => {
  const [ours, theirs] = [await newShop(gateway), await newShop(gateway)];
  const held = await hold(ours);
  const calls = [
    () => theirs.paymentIntents.retrieve(held.id),
    () => theirs.paymentIntents.capture(held.id),
    () => theirs.paymentIntents.cancel(held.id),
    () => theirs.charges.retrieve(held.latest_charge),
    () => theirs.refunds.create({payment_intent: held.id}),
  ];
  for (const call of calls) {
    const refused = await refusal(call());
    assert.deepEqual([refused.statusCode, refused.code], [404, 'resource_missing']);
  }
  assert.deepEqual((await theirs.paymentIntents.list()).data, []);
});

test('parameters that are wrong', async () => {
  const shop = await newShop(gateway);
  const cases = [
    [{amount: 2000, currency: 'usd', frobnicate: 1}, 'parameter_unknown', 'frobnicate'],
    [{currency: 'usd'}, 'parameter_missing', 'amount'],
    [{amount: 'ten', currency: 'usd'}, 'parameter_invalid_integer', 'amount'],
    [{amount: 19.99, currency: 'usd'}, 'parameter_invalid_integer', 'amount'],
    [{amount: -5, currency: 'usd'}, 'parameter_invalid_integer', 'amount'],
    [{amount: 10, currency: 'usd'}, 'amount_too_small', 'amount'],
    [{amount: 100_000_000, currency: 'usd'}, 'amount_too_large', 'amount'],
  ];
  for (const [params, code, param] of cases) {
    const refused = await refusal(shop.paymentIntents.create(params));
    assert.deepEqual([refused.statusCode, refused.code, refused.param], [400, code, param]);
  }
  assert.deepEqual((await shop.paymentIntents.list()).data, []);
});

test('what does not exist, and what is too large, comes as an error', async () => {
  const shop = await newShop(gateway);
  const unknown = await refusal(shop.rawRequest('GET', '/v1/nothing'));
  assert.equal(unknown.statusCode, 404);
  assert.equal((await refusal(shop.paymentIntents.retrieve('pi_nothing'))).code, 'resource_missing');
  const large = await refusal(shop.customers.create({description: 'x'.repeat(400_000)}), Stripe.errors.StripeError);
  assert.equal(large.statusCode, 413);
});

test('a wrong key, and none', async () => {
  const {StripeAuthenticationError} = Stripe.errors;
  const wrong = await refusal(clientOf(gateway, 'sk_test_wrong').paymentIntents.list(), StripeAuthenticationError);
  assert.equal(wrong.statusCode, 401);
  const silent = clientOf(gateway, undefined, {authenticator: async () => {}});
  const none = await refusal(silent.paymentIntents.list(), StripeAuthenticationError);
  assert.equal(none.statusCode, 401);
});

test('too many requests', async () => {
  const limited = await startGateway({config: '[limits]\nrequests_per_s_key = 2\n'});
  const hasty = clientOf(limited, limited.ready.secret_key, {maxNetworkRetries: 0});
  const answers = await Promise.allSettled(Array.from({length: 20}, () => hasty.paymentIntents.list()));
  const refused = answers.filter((answer) => answer.status === 'rejected').map((answer) => answer.reason);
  assert.ok(refused.length >= 10);
  for (const error of refused) {
    assert.ok(error instanceof Stripe.errors.StripeRateLimitError, `${error}`);
    assert.deepEqual([error.statusCode, error.code], [429, 'rate_limit']);
    assert.equal(error.headers['stripe-should-retry'], 'true');
    assert.ok(Number(error.headers['retry-after']) >= 1);
  }
  const patient = clientOf(limited, limited.ready.secret_key, {maxNetworkRetries: 8});
  for (let number = 0; number < 4; number += 1) assert.equal((await pay(patient)).status, 'succeeded');
});

test('everything acknowledged outlives a crash, and the SDK carries on', async () => {
  const one = await startGateway();
  const bodies = [];
  const shop = clientOf(one, one.ready.secret_key, {httpClient: recording(bodies), maxNetworkRetries: 12});
  const keys = Array.from({length: 20}, (_, number) => ({idempotencyKey: `k${number}`}));
  for (const key of keys) await hold(shop, {}, key);
  const first = bodies.splice(0);
  await one.kill();
  const inFlight = keys.map((key) => hold(shop, {}, key));
  await sleep(200);
  await one.start(`127.0.0.1:${one.port}`);
  const again = await Promise.all(inFlight);
  assert.deepEqual([...bodies].sort(), [...first].sort());
  assert.ok(again.every((intent) => intent.lastResponse.headers['idempotent-replayed'] === 'true'));
  assert.equal((await everything(shop.paymentIntents.list({limit: 100}))).length, keys.length);
  assert.equal((await shop.paymentIntents.capture(again[0].id)).status, 'succeeded');
});
