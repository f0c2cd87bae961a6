// Lists by pages, expansion, saved cards, events.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {cardData, everything, hold, newShop, pay, refusal, startGateway} from './shop.mjs';

const PAYMENTS = 250;
const gateway = await startGateway();
const busy = await newShop(gateway);
const made = [];
const numbers = Array.from({length: PAYMENTS}, (_, number) => number);

/** Makes payments until there are enough. */
async function work() {
  for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
    made.push((await pay(busy, {amount: 1000 + number})).id);
  }
}

await Promise.all(Array.from({length: 16}, work));

test('paging shows every payment once, newest first', async () => {
  for (const limit of [30, 100]) {
    const ids = (await everything(busy.paymentIntents.list({limit}))).map((intent) => intent.id);
    assert.equal(ids.length, PAYMENTS);
    assert.deepEqual([...ids].sort(), [...made].sort());
    assert.deepEqual(ids, [...ids].sort().reverse());
  }
});

test('paging backwards, and to an array', async () => {
  const ids = (await busy.paymentIntents.list({limit: 100}).autoPagingToArray({limit: 300})).map((one) => one.id);
  assert.equal(ids.length, PAYMENTS);
  const back = await busy.paymentIntents.list({limit: 40, ending_before: ids[200]});
  assert.deepEqual(back.data.map((intent) => intent.id), ids.slice(160, 200));
});

test('charges and events page too', async () => {
  for (const list of [busy.charges.list({limit: 100}), busy.events.list({limit: 100})]) {
    const ids = (await everything(list)).map((one) => one.id);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.length >= PAYMENTS);
  }
});

test('expansion of one, and of lists', async () => {
  const shop = await newShop(gateway);
  const customer = await shop.customers.create({name: 'Ada'});
  const method = await shop.paymentMethods.attach('pm_card_visa', {customer: customer.id});
  const paid = await pay(shop, {
    customer: customer.id,
    payment_method: method.id,
    expand: ['latest_charge', 'customer', 'payment_method', 'latest_charge.refunds'],
  });
  assert.deepEqual(
    [paid.latest_charge.object, paid.customer.name, paid.payment_method.card.last4],
    ['charge', 'Ada', '4242'],
  );
  assert.deepEqual(paid.latest_charge.refunds.data, []);
  const listed = await shop.paymentIntents.list({expand: ['data.latest_charge']});
  assert.equal(listed.data[0].latest_charge.id, paid.latest_charge.id);
  const plain = await shop.paymentIntents.retrieve(paid.id);
  assert.equal(plain.latest_charge, paid.latest_charge.id);
  await refusal(shop.paymentIntents.retrieve(paid.id, {expand: ['amount']}));
});

test('customers and their cards', async () => {
  const shop = await newShop(gateway);
  const customer = await shop.customers.create({email: 'ada@shop.example', metadata: {a: '1'}});
  const first = await shop.paymentMethods.create(cardData('4242424242424242'));
  await shop.paymentMethods.attach(first.id, {customer: customer.id});
  const second = await shop.paymentMethods.attach('pm_card_mastercard', {customer: customer.id});
  const saved = await everything(shop.paymentMethods.list({customer: customer.id}));
  assert.deepEqual(saved.map((one) => one.id), [second.id, first.id]);
  assert.equal((await shop.paymentMethods.detach(first.id)).customer, null);
  const left = await shop.customers.listPaymentMethods(customer.id);
  assert.deepEqual(left.data.map((one) => one.id), [second.id]);
  assert.equal((await shop.customers.update(customer.id, {name: 'Ada'})).name, 'Ada');
  assert.equal((await shop.customers.del(customer.id)).deleted, true);
  assert.equal((await shop.customers.retrieve(customer.id)).deleted, true);
});

test('tokens are used once, and setups save a card', async () => {
  const shop = await newShop(gateway);
  const token = await shop.tokens.create({card: cardData('4242424242424242').card});
  const data = {type: 'card', card: {token: token.id}};
  assert.equal((await pay(shop, {payment_method_data: data})).status, 'succeeded');
  assert.equal((await refusal(pay(shop, {payment_method_data: data}))).code, 'token_already_used');
  const customer = await shop.customers.create();
  const setup = await shop.setupIntents.create({customer: customer.id, confirm: true, payment_method: 'pm_card_visa'});
  assert.equal(setup.status, 'succeeded');
  const means = {customer: customer.id, payment_method: setup.payment_method, off_session: true};
  assert.equal((await pay(shop, means)).status, 'succeeded');
});

test('events tell the story in order, and show what was then', async () => {
  const shop = await newShop(gateway);
  const held = await hold(shop);
  await shop.paymentIntents.capture(held.id);
  const told = (await everything(shop.events.list())).reverse();
  assert.deepEqual(told.map((event) => event.type), [
    'payment_intent.created', 'charge.succeeded', 'payment_intent.amount_capturable_updated',
    'charge.captured', 'payment_intent.succeeded',
  ]);
  assert.deepEqual([told[2].data.object.status, told[4].data.object.status], ['requires_capture', 'succeeded']);
  assert.deepEqual(await shop.events.retrieve(told[2].id), told[2]);
  const some = await shop.events.list({types: ['charge.captured', 'charge.succeeded']});
  assert.deepEqual(some.data.map((event) => event.type), ['charge.captured', 'charge.succeeded']);
});
