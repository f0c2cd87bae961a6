// What the tests share: the SDK as its documentation says, published cards, and a payment in one line.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {after} from 'node:test';
import Stripe from 'stripe';
import {Gateway} from './gateway_process.mjs';

export {Stripe};

let merchants = 0;

/** The unmodified SDK, pointed at a gateway. */
export function clientOf(gateway, key, options = {}) {
  const config = {host: 'localhost', port: gateway.port, protocol: 'https', maxNetworkRetries: 2, ...options};
  return new Stripe(key, config);
}

/** The SDK's own HTTP client, listened to: `bodies` gets what came over the wire, answer by answer. */
export function recording(bodies) {
  const client = Stripe.createNodeHttpClient();
  const send = client.makeRequest.bind(client);
  client.makeRequest = async (...request) => {
    const answer = await send(...request);
    const at = bodies.push('') - 1;
    answer.getRawResponse().on('data', (chunk) => (bodies[at] += chunk));
    return answer;
  };
  return client;
}

/** Starts gateways for the tests of a file. When they have ended, all must end in order, and their directories go. */
function gateways() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-sdk-'));
  const started = [];
  after(async () => {
    const codes = await Promise.all(started.map((one) => one.stop()));
    fs.rmSync(root, {recursive: true, force: true});
    assert.ok(codes.every((code) => code === 0), `exit codes ${codes}`);
  });
  return (options) => {
    const one = new Gateway(path.join(root, `gateway-${started.length}`), options);
    started.push(one);
    return one.start();
  };
}

/** Starts one more gateway, which a test may treat badly. */
export const startGateway = gateways();

/** A client of a merchant that has no other objects than this test's. */
export async function newShop(gateway, options) {
  merchants += 1;
  return clientOf(gateway, await gateway.createMerchant(`Shop ${merchants}`), options);
}

/** The published cards that end so. */
export function cards(...ends) {
  const table = JSON.parse(fs.readFileSync(process.env.GATEWAY_CARDS, 'utf8'));
  return table.filter((card) => ends.includes(card.ends));
}

/** A card's details, as a payment takes them in place. */
export function cardData(number, cvc = number.startsWith('37') ? '1234' : '123') {
  return {type: 'card', card: {number, exp_month: 12, exp_year: 2044, cvc}};
}

/** A payment that is confirmed at once, in dollars and by an ordinary card unless told otherwise. */
export function pay(shop, params = {}, options = {}) {
  const request = {amount: 2000, currency: 'usd', confirm: true, ...params};
  if (!request.payment_method && !request.payment_method_data) request.payment_method = 'pm_card_visa';
  return shop.paymentIntents.create(request, options);
}

/** An authorization. */
export function hold(shop, params = {}, options = {}) {
  return pay(shop, {capture_method: 'manual', ...params}, options);
}

/** The error that a call is refused with, which must be of this class. */
export async function refusal(promise, kind = Stripe.errors.StripeInvalidRequestError) {
  const error = await promise.then(
    (answer) => assert.fail(`answered ${JSON.stringify(answer)}`),
    (raised) => raised,
  );
  assert.ok(error instanceof kind, `${error.constructor.name} instead of ${kind.name}: ${error.message}`);
  return error;
}

/** All of a list, page by page. */
export async function everything(list) {
  const all = [];
  for await (const one of list) all.push(one);
  return all;
}
