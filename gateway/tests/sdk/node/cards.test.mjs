// Every published card, by its number and by its names; and the challenge.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Stripe, cardData, cards, newShop, pay, refusal, startGateway} from './shop.mjs';

const gateway = await startGateway();
const {StripeCardError} = Stripe.errors;

/** Each card in each way of naming it. */
function ways(...ends) {
  return cards(...ends).flatMap((card) => [
    [card, card.number, {payment_method_data: cardData(card.number)}],
    ...card.aliases.map((alias) => [card, alias, {payment_method: alias}]),
  ]);
}

for (const [card, name, means] of ways('succeeded')) {
  test(`${name} succeeds`, async () => {
    const shop = await newShop(gateway);
    const paid = await pay(shop, {...means, expand: ['latest_charge']});
    assert.deepEqual([paid.status, paid.amount_received], ['succeeded', 2000]);
    const shown = paid.latest_charge.payment_method_details.card;
    assert.deepEqual([shown.brand, shown.last4], [card.brand, card.number.slice(-4)]);
    if (card.risk) assert.equal(paid.latest_charge.outcome.risk_level, card.risk);
  });
}

for (const [card, name, means] of ways('declined', 'blocked')) {
  test(`${name} is declined: ${card.decline_code ?? card.code}`, async () => {
    const shop = await newShop(gateway);
    const declined = await refusal(pay(shop, means), StripeCardError);
    assert.deepEqual([declined.statusCode, declined.code, declined.rawType], [402, card.code, 'card_error']);
    assert.equal(declined.raw.decline_code ?? null, card.decline_code);
    assert.equal(declined.payment_intent.status, 'requires_payment_method');
    const charge = await shop.charges.retrieve(declined.charge);
    const [type, network] =
      card.ends === 'blocked' ? ['blocked', 'not_sent_to_network'] : ['issuer_declined', 'declined_by_network'];
    assert.deepEqual([charge.status, charge.outcome.type, charge.outcome.network_status], ['failed', type, network]);
  });
}

for (const [card, name, means] of ways('invalid')) {
  test(`${name} is no number`, async () => {
    const shop = await newShop(gateway);
    const refused = await refusal(pay(shop, means), StripeCardError);
    assert.deepEqual([refused.statusCode, refused.code], [402, card.code]);
  });
}

/** The form with a button that has this word, sent as a browser would; where it leads. */
async function press(url, word) {
  const page = await (await fetch(url)).text();
  const form = page.match(/<form\b[\s\S]*?<\/form>/gi).find((text) => text.toLowerCase().includes(word));
  assert.ok(form, `no form with ${word} in ${page}`);
  const attribute = (tag, name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`, 'i'))?.[1].replaceAll('&amp;', '&');
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input\b[^>]*>/gi)) {
    if (attribute(input, 'name')) fields.set(attribute(input, 'name'), attribute(input, 'value') ?? '');
  }
  const buttons = form.match(/<button\b[\s\S]*?<\/button>/gi);
  const button = buttons.find((text) => text.toLowerCase().includes(word));
  if (attribute(button, 'name')) fields.set(attribute(button, 'name'), attribute(button, 'value') ?? '');
  const action = new URL(attribute(form, 'action') ?? '', url);
  return fetch(action, {method: 'POST', body: fields, redirect: 'manual'});
}

for (const [, name, means] of ways('requires_action')) {
  test(`${name} asks the customer, who approves`, async () => {
    const shop = await newShop(gateway);
    const waiting = await pay(shop, {...means, return_url: 'https://shop.example/back'});
    assert.deepEqual([waiting.status, waiting.next_action.type], ['requires_action', 'redirect_to_url']);
    const back = await press(waiting.next_action.redirect_to_url.url, 'complete');
    assert.ok([302, 303].includes(back.status), `${back.status}`);
    const target = new URL(back.headers.get('location'));
    assert.equal(target.origin + target.pathname, 'https://shop.example/back');
    assert.equal(target.searchParams.get('payment_intent'), waiting.id);
    const paid = await shop.paymentIntents.retrieve(waiting.id);
    assert.deepEqual([paid.status, paid.amount_received], ['succeeded', 2000]);
  });

  test(`${name} asks the customer, who fails`, async () => {
    const shop = await newShop(gateway);
    const waiting = await pay(shop, {...means, return_url: 'https://shop.example/back'});
    await press(waiting.next_action.redirect_to_url.url, 'fail');
    const failed = await shop.paymentIntents.retrieve(waiting.id);
    assert.equal(failed.status, 'requires_payment_method');
    assert.equal(failed.last_payment_error.code, 'payment_intent_authentication_failure');
  });

  test(`${name} where nobody can be asked`, async () => {
    const shop = await newShop(gateway);
    const declined = await refusal(pay(shop, {...means, error_on_requires_action: true}), StripeCardError);
    assert.deepEqual([declined.statusCode, declined.code], [402, 'authentication_required']);
  });
}
