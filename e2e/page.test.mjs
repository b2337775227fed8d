// The product's own page, as its users meet it.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startDemo, launch, until, shots } from './harness.mjs';
import { privateKeyToAccount } from 'viem/accounts';

let demo, browser;
before(async () => { demo = await startDemo(); browser = await launch(); }, { timeout: 360000 });
after(async () => { await browser?.close(); await demo?.stop(); });

const watch = (q = '') => `${demo.url}/watch/${demo.asset_id}${q}`;
const video = page => page.evaluate(() => {
  const v = document.querySelector('video');
  if (!v) return {};
  const q = v.getVideoPlaybackQuality();
  return { t: v.currentTime, frames: q.totalVideoFrames, audio: v.webkitAudioDecodedByteCount, error: v.error && v.error.message, paused: v.paused, ...v.dataset };
});

/** person opens the page in a context of its own and signs in with a demo wallet. */
async function person(name) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', e => page.problems.push(String(e)));
  page.on('console', m => { if (m.type() === 'error' && !/status of 40[13]/.test(m.text())) page.problems.push(m.text()); });
  await page.goto(demo.url + '/sign-in');
  await page.click(`.wallet:has-text("${name}")`);
  await page.waitForSelector('.me');
  return page;
}

test('the holder plays by HLS and by DASH', { timeout: 120000 }, async t => {
  const page = await person('holder');
  for (const engine of ['hls', 'shaka', 'dash']) await t.test(engine, async t => {
    await page.goto(watch(`?engine=${engine}`));
    await page.click('.bigplay');
    const v = await until('96 frames and sound', 30000, async () => { const v = await video(page); return v.frames >= 96 && v.audio > 10000 && v; });
    assert.equal(v.engine, engine);
    assert.equal(v.error, null);
    t.diagnostic(`first frame ${v.firstFrameMs} ms after the click`);
    await page.screenshot({ path: join(shots, `page-${engine}.png`) });
  });
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test('the newcomer meets the wall with the reason; after the transfer rights change in both pages', { timeout: 120000 }, async t => {
  const holder = await person('holder'), newcomer = await person('newcomer');
  await newcomer.goto(watch());
  await newcomer.click('.bigplay');
  await newcomer.waitForSelector('.wall');
  const wall = await newcomer.innerText('.wall');
  assert.match(wall, /how to get in/i);
  assert.match(wall, /token/);
  await newcomer.screenshot({ path: join(shots, 'page-wall.png') });

  await holder.goto(watch());
  await holder.click('.bigplay');
  await until('the holder plays', 20000, async () => (await video(holder)).frames > 48);
  await newcomer.click('text=Transfer the pass to newcomer');
  const at = Date.now();
  await holder.waitForSelector('[data-wall=revoked]', { timeout: 10000 });
  const told = Date.now() - at;
  t.diagnostic(`the old holder's page said so ${told} ms after the click on transfer`);
  assert.ok(told < 2000, `${told} ms`);
  const stopped = (await video(holder)).frames ?? 0;
  await new Promise(r => setTimeout(r, 1000));
  assert.ok(((await video(holder)).frames ?? 0) - stopped <= 2, 'the picture goes on behind the notice');
  await holder.screenshot({ path: join(shots, 'page-revoked.png') });

  await newcomer.waitForSelector('text=The gate opens for you now', { timeout: 15000 });
  await newcomer.click('.wall .button.primary');
  await until('the new holder plays', 20000, async () => (await video(newcomer)).frames > 48);
  await newcomer.screenshot({ path: join(shots, 'page-new-holder.png') });
  assert.deepEqual([...holder.problems, ...newcomer.problems], []);

  await newcomer.click('text=Transfer the pass to holder');
  await holder.waitForSelector('text=The gate opens for you now', { timeout: 15000 });
  await holder.context().close();
  await newcomer.context().close();
});

test('a wallet of the browser signs in by EIP-6963', { timeout: 60000 }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const account = privateKeyToAccount(demo.wallets.find(w => w.name === 'holder').private_key);
  await page.exposeFunction('__sign', raw => account.signMessage({ message: { raw } }));
  await page.addInitScript(address => {
    const provider = {
      on() { return provider; }, removeListener() { return provider; },
      async request({ method, params = [] }) {
        switch (method) {
          case 'eth_requestAccounts': case 'eth_accounts': return [address];
          case 'eth_chainId': return '0x539';
          case 'personal_sign': return window.__sign(params[0]);
          default: throw Object.assign(new Error('unsupported ' + method), { code: 4200 });
        }
      },
    };
    const detail = Object.freeze({ provider, info: Object.freeze({ uuid: '350670db-19fa-4704-a166-e52e178b59d2', name: 'Outside Wallet', rdns: 'test.wallet', icon: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>' }) });
    const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
    window.addEventListener('eip6963:requestProvider', announce);
    announce();
  }, account.address);
  await page.goto(demo.url + '/sign-in');
  await page.click('.wallet:has-text("Outside Wallet")');
  await page.waitForSelector('.me');
  await page.goto(watch());
  await page.click('.bigplay');
  await until('frames', 20000, async () => (await video(page)).frames > 24);
  await context.close();
});
