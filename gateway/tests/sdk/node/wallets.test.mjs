// Wallets: the customer is sent to a page or shown a code, and the simulated wallet's owner decides on a page of ours.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {newShop, refusal, startGateway} from './shop.mjs';

const gateway = await startGateway();
const RETURN_URL = 'https://shop.example/back?order=18';

const alipay = (more = {}) => ({
  amount: 2000,
  currency: 'cny',
  confirm: true,
  payment_method_types: ['alipay'],
  payment_method_data: {type: 'alipay'},
  return_url: RETURN_URL,
  ...more,
});

const wechatPay = (more = {}) => ({
  amount: 3000,
  currency: 'cny',
  confirm: true,
  payment_method_types: ['card', 'wechat_pay'],
  payment_method_data: {type: 'wechat_pay'},
  payment_method_options: {wechat_pay: {client: 'web'}},
  ...more,
});

/** What an attribute of a tag says; the empty text without it. */
function attribute(tag, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
  return value.replaceAll('&amp;', '&').replaceAll('&quot;', '"');
}

/** Opens the page and presses the button that has this word on it; where it leads. */
async function press(url, word) {
  const page = await fetch(url, {signal: AbortSignal.timeout(10_000)});
  const text = await page.text();
  assert.equal(page.status, 200, text);
  for (const [, tag, inside] of text.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)) {
    for (const [, button, label] of inside.matchAll(/<button([^>]*)>(.*?)<\/button>/gs)) {
      if (!`${label} ${attribute(button, 'value')}`.toLowerCase().includes(word)) continue;
      const inputs = [...inside.matchAll(/<input([^>]*)>/g), [null, button]].map(([, input]) => input);
      const named = inputs.filter((input) => attribute(input, 'name') !== '');
      const fields = named.map((input) => [attribute(input, 'name'), attribute(input, 'value')]);
      return fetch(new URL(attribute(tag, 'action'), url), {
        method: attribute(tag, 'method'),
        body: new URLSearchParams(fields),
        redirect: 'manual',
        signal: AbortSignal.timeout(10_000),
      });
    }
  }
  return assert.fail(`no button with ${word} in ${text}`);
}

test('a redirect is approved and refunded', async () => {
  const shop = await newShop(gateway);
  const intent = await shop.paymentIntents.create(alipay());
  assert.deepEqual([intent.status, intent.next_action.type], ['requires_action', 'alipay_handle_redirect']);
  assert.equal(intent.next_action.alipay_handle_redirect.return_url, RETURN_URL);
  const back = await press(intent.next_action.alipay_handle_redirect.url, 'approve');
  assert.equal(back.status, 303);
  assert.equal(new URL(back.headers.get('location')).host, 'shop.example');
  const paid = await shop.paymentIntents.retrieve(intent.id, {expand: ['latest_charge', 'payment_method']});
  assert.deepEqual([paid.status, paid.amount_received, paid.payment_method.type], ['succeeded', 2000, 'alipay']);
  const details = paid.latest_charge.payment_method_details;
  assert.equal(details.type, 'alipay');
  assert.notEqual(details.alipay.transaction_id, '');
  const first = await shop.refunds.create({payment_intent: intent.id, amount: 500});
  const rest = await shop.refunds.create({payment_intent: intent.id});
  assert.deepEqual([first.status, rest.status, rest.amount], ['succeeded', 'succeeded', 1500]);
});

test('a code is shown, declined, and scanned at the second try', async () => {
  const shop = await newShop(gateway);
  const intent = await shop.paymentIntents.create(wechatPay());
  const code = intent.next_action.wechat_pay_display_qr_code;
  const picture = Buffer.from(code.image_data_url.replace('data:image/png;base64,', ''), 'base64');
  assert.equal(picture.subarray(1, 4).toString(), 'PNG');
  await press(code.hosted_instructions_url, 'decline');
  const failed = await shop.paymentIntents.retrieve(intent.id);
  assert.equal(failed.status, 'requires_payment_method');
  assert.equal(failed.last_payment_error.code, 'payment_method_customer_decline');
  const again = await shop.paymentIntents.confirm(intent.id, {payment_method_data: {type: 'wechat_pay'}});
  await press(again.next_action.wechat_pay_display_qr_code.data, 'approve');
  assert.equal((await shop.paymentIntents.retrieve(intent.id)).status, 'succeeded');
});

test('a merchant cancels while the customer is away', async () => {
  const shop = await newShop(gateway);
  const intent = await shop.paymentIntents.create(alipay());
  assert.equal((await shop.paymentIntents.cancel(intent.id)).status, 'canceled');
  const page = await fetch(intent.next_action.alipay_handle_redirect.url, {signal: AbortSignal.timeout(10_000)});
  assert.equal(page.status, 404);
});

test('what a wallet can not do is said', async () => {
  const shop = await newShop(gateway);
  for (const more of [{capture_method: 'manual'}, {off_session: true}, {setup_future_usage: 'off_session'}]) {
    const refused = await refusal(shop.paymentIntents.create(alipay(more)));
    assert.equal(refused.param, Object.keys(more)[0]);
  }
});

test('a wallet is not kept', async () => {
  const shop = await newShop(gateway);
  const method = await shop.paymentMethods.create({type: 'alipay'});
  assert.equal(method.type, 'alipay');
  const {id: customer} = await shop.customers.create({});
  const refused = await refusal(shop.paymentMethods.attach(method.id, {customer}));
  assert.match(refused.message, /can't be saved/);
});
