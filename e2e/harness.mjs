// Starts the demo server and offers what a viewer, a wallet and an attacker do with it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';

const here = dirname(fileURLToPath(import.meta.url));
const root = process.env.E2E_ROOT || join(here, '..');
export const shots = process.env.SHOTS || join(root, '.cache', 'e2e');
mkdirSync(shots, { recursive: true });

const modules = process.env.E2E_MODULES || join(here, 'node_modules');
const files = {
  '/__e2e/hls.js': [join(modules, 'hls.js/dist/hls.min.js'), 'text/javascript'],
  '/__e2e/shaka.js': [join(modules, 'shaka-player/dist/shaka-player.compiled.js'), 'text/javascript'],
  '/__e2e/dash.js': [join(modules, 'dashjs/dist/modern/umd/dash.all.min.js'), 'text/javascript'],
  '/__e2e/hostile.html': [join(here, 'hostile.html'), 'text/html'],
};

/** until polls f every `every` ms and returns its first truthy value; it throws after `ms`. */
export async function until(what, ms, f, every = 50) {
  const end = Date.now() + ms;
  for (;;) {
    const r = await f();
    if (r) return r;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise(r => setTimeout(r, every));
  }
}

export async function startDemo({ clip = process.env.CLIP, args = [] } = {}) {
  const data = mkdtempSync(join(tmpdir(), 'streamgate-e2e-'));
  // DEMO is another program that takes the demo's flags: bin/sgcluster runs it on nine services.
  const child = spawn(join(root, process.env.DEMO || 'bin/refserver'), ['demo', '--addr', '127.0.0.1:0', '--data', data, '--clip', clip, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', d => { log += d; });
  child.stderr.on('data', d => { log += d; });
  let exited = false;
  child.on('exit', () => { exited = true; });
  const file = join(data, 'demo.json');
  await until('demo.json', 300000, () => { if (exited) throw new Error('the demo ended:\n' + log); return existsSync(file); }, 100);
  const demo = JSON.parse(readFileSync(file, 'utf8'));
  const stop = () => new Promise(ok => { if (exited) return ok(); child.on('exit', ok); child.kill('SIGTERM'); setTimeout(() => child.kill('SIGKILL'), 15000).unref(); });
  return { ...demo, stop, log: () => log, data };
}

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});

export async function api(demo, path, { method = 'GET', token, body } = {}) {
  const res = await fetch(demo.url + path, { method, headers: { ...(token && { authorization: 'Bearer ' + token }), ...(body && { 'content-type': 'application/json' }), origin: demo.url }, body: body && JSON.stringify(body) });
  const text = await res.text();
  let json; try { json = JSON.parse(text); } catch { /* not JSON */ }
  return { status: res.status, json, text, headers: res.headers };
}

/** signIn does what a dapp does, with viem as the wallet. */
export async function signIn(demo, name) {
  const w = demo.wallets.find(w => w.name === name);
  const account = privateKeyToAccount(w.private_key);
  const ch = await api(demo, '/v1/auth/challenge', { method: 'POST', body: { account: `${demo.chain}:${account.address}` } });
  if (ch.status !== 200) throw new Error('challenge: ' + ch.text);
  const signature = await account.signMessage({ message: ch.json.message });
  const v = await api(demo, '/v1/auth/verify', { method: 'POST', body: { message: ch.json.message, signature } });
  if (v.status !== 200) throw new Error('verify: ' + v.text);
  return v.json.access_token;
}

export const address = (demo, name) => demo.wallets.find(w => w.name === name).address;

/** transfer moves the pass and returns when the node has the block: the moment rights change. */
export async function transfer(demo, from, to) {
  const r = await api(demo, '/v1/demo/transfer', { method: 'POST', body: { from: address(demo, from), to: address(demo, to) } });
  if (r.status !== 200) throw new Error('transfer: ' + r.text);
  return Date.now();
}

/** open asks for playback as name until the gate says yes. */
export async function open(demo, name) {
  const token = await signIn(demo, name);
  return until(`playback as ${name}`, 10000, async () => {
    const r = await api(demo, `/v1/assets/${demo.asset_id}/playback`, { method: 'POST', token, body: {} });
    return r.status === 200 && r.json;
  }, 200);
}

/** serveFiles gives the page the outside players, from the server's own origin. */
export async function serveFiles(page) {
  await page.route('**/__e2e/**', route => {
    const f = files[new URL(route.request().url()).pathname];
    return f ? route.fulfill({ path: f[0], contentType: f[1] }) : route.abort();
  });
}

export async function hostile(demo, browser, engine, grant) {
  const page = await browser.newPage({ viewport: { width: 800, height: 500 } });
  await serveFiles(page);
  const abs = p => new URL(p, demo.url).href;
  await page.goto(`${demo.url}/__e2e/hostile.html?engine=${engine}&hls=${encodeURIComponent(abs(grant.hls_url))}&dash=${encodeURIComponent(abs(grant.dash_url))}`);
  return page;
}

export const picture = page => page.evaluate(() => {
  const v = document.querySelector('video'), q = v.getVideoPlaybackQuality();
  return { t: v.currentTime, total: q.totalVideoFrames, dropped: q.droppedVideoFrames, audio: v.webkitAudioDecodedByteCount, ...(window.state || {}), error: v.error && v.error.message, paused: v.paused };
});

/** lastFrame waits until no frame was presented for `quiet` ms and returns the wall time of the last one. */
export async function lastFrame(page, quiet = 3000, limit = 60000) {
  await until('the picture to end', limit, async () => Date.now() - (await picture(page)).lastFrameAt > quiet, 250);
  return (await picture(page)).lastFrameAt;
}
