// A gateway as its own process: started on free ports in a directory of its own, and ended by its process id alone.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';

const START_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 20_000;

/** One gateway. Starting it again keeps its data directory and its certificates. */
export class Gateway {
  constructor(root, {certs = process.env.GATEWAY_CERTS, config = null} = {}) {
    this.root = root;
    this.certs = certs ?? path.join(root, 'certs-dev');
    this.config = config;
    this.process = null;
    this.ready = null;
    fs.mkdirSync(root, {recursive: true});
  }

  /** The merchant API's port, on localhost. */
  get port() {
    return new URL(this.ready.api).port;
  }

  /** Starts it and waits until it accepts. */
  async start(listen = '127.0.0.1:0') {
    const binary = process.env.GATEWAY_BINARY;
    const readyFile = path.join(this.root, 'ready.json');
    fs.rmSync(readyFile, {force: true});
    const options = [
      'serve', '--listen', listen, '--admin', '127.0.0.1:0', '--data-dir', path.join(this.root, 'data'),
      '--certs', this.certs, '--ready-file', readyFile,
    ];
    if (this.config !== null) {
      fs.writeFileSync(path.join(this.root, 'gateway.toml'), this.config);
      options.push('--config', path.join(this.root, 'gateway.toml'));
    }
    const log = fs.openSync(path.join(this.root, 'gateway.log'), 'a');
    // Settings of the caller's own gateway are not this one's.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TOLLGATE_')));
    this.process = spawn(binary, options, {stdio: ['ignore', log, log], cwd: this.root, env});
    fs.closeSync(log);
    this.ended = new Promise((resolve, reject) => {
      this.process.once('exit', (code, signal) => resolve(code ?? signal));
      this.process.once('error', reject);
    });
    this.ended.catch(() => {});
    const deadline = Date.now() + START_DEADLINE_MS;
    while (!fs.existsSync(readyFile)) {
      const ended = await Promise.race([this.ended, sleep(20)]);
      if (ended !== undefined) throw new Error(`the gateway ended with ${ended}:\n${this.lastLines()}`);
      if (Date.now() > deadline) {
        await this.kill();
        throw new Error(`no ready file after ${START_DEADLINE_MS} ms:\n${this.lastLines()}`);
      }
    }
    this.ready = JSON.parse(fs.readFileSync(readyFile, 'utf8'));
    assert.equal(this.ready.pid, this.process.pid);
    return this;
  }

  /** The end of what it printed. */
  lastLines() {
    return fs.readFileSync(path.join(this.root, 'gateway.log'), 'utf8').trim().split('\n').slice(-30).join('\n');
  }

  /** Ends it at once, as a crash would. */
  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  /** Asks it to drain and end; its exit code. */
  async stop() {
    if (this.process === null || this.process.exitCode !== null || this.process.signalCode !== null) return null;
    this.process.kill('SIGTERM');
    const late = sleep(STOP_DEADLINE_MS, 'late', {ref: false});
    const code = await Promise.race([this.ended, late]);
    if (code === 'late') {
      await this.kill();
      throw new Error(`it did not end ${STOP_DEADLINE_MS} ms after SIGTERM:\n${this.lastLines()}`);
    }
    return code;
  }

  /** Makes a merchant while it serves; its secret key. */
  async createMerchant(name, mode = 'test') {
    const merchant = await this.postAdmin('/merchants', {name});
    const key = await this.postAdmin('/keys', {merchant: merchant.id, mode, kind: 'secret'});
    return key.secret;
  }

  async postAdmin(route, body) {
    const answer = await fetch(this.ready.admin + route, {
      method: 'POST',
      headers: {'content-type': 'application/json'},
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${route}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }
}
