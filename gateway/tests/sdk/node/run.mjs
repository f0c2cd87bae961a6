// Runs the tests. The CA must stand in NODE_EXTRA_CA_CERTS when a process starts, so a first gateway makes the
// certificates, and the tests run in processes of their own.

import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {Gateway} from './gateway_process.mjs';

if (!process.env.GATEWAY_BINARY) {
  console.error("set GATEWAY_BINARY to the gateway's binary (target/release/gateway)");
  process.exit(2);
}
const here = import.meta.dirname;
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-sdk-'));
let code = 1;
try {
  const certs = path.join(root, 'certs-dev');
  const first = await new Gateway(path.join(root, 'first'), {certs}).start();
  const {ca} = first.ready;
  await first.stop();
  const tests = fs.readdirSync(here).filter((name) => name.endsWith('.test.mjs')).sort();
  const options = ['--test', '--test-concurrency=1', '--test-reporter=spec', ...process.argv.slice(2), ...tests];
  const env = {
    GATEWAY_CARDS: path.join(here, '..', 'cards.json'),
    ...process.env,
    GATEWAY_CERTS: certs,
    NODE_EXTRA_CA_CERTS: ca,
  };
  code = spawnSync(process.execPath, options, {cwd: here, stdio: 'inherit', env}).status ?? 1;
} finally {
  fs.rmSync(root, {recursive: true, force: true});
}
process.exit(code);
