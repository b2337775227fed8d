// A creator issues passes on the product's page: by the platform's signer, and by a wallet of the browser.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startDemo, launch, api, signIn, until, shots, address } from './harness.mjs';
import { privateKeyToAccount } from 'viem/accounts';

let demo, browser;
before(async () => { demo = await startDemo(); browser = await launch(); }, { timeout: 360000 });
after(async () => { await browser?.close(); await demo?.stop(); });

const frames = page => page.evaluate(() => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0);

/** open gives a page of its own that notes what goes wrong in it. */
async function open(path) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', e => page.problems.push(String(e)));
  page.on('console', m => { if (m.type() === 'error' && !/status of 40[13]/.test(m.text())) page.problems.push(m.text()); });
  if (path) await page.goto(demo.url + path);
  return page;
}

async function demoPerson(name) {
  const page = await open('/sign-in');
  await page.click(`.wallet:has-text("${name}")`);
  await page.waitForSelector('.me');
  return page;
}

/** outsideWallet puts a wallet with the account of name into the page: EIP-1193 and EIP-6963, with viem as its keys. */
async function outsideWallet(page, name) {
  const account = privateKeyToAccount(demo.wallets.find(w => w.name === name).private_key);
  const rpc = async (method, params) => {
    const res = await fetch(demo.rpc_url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
    const { result, error } = await res.json();
    if (error) throw new Error(error.message);
    return result;
  };
  const sent = [];
  await page.exposeFunction('__sign', raw => account.signMessage({ message: { raw } }));
  await page.exposeFunction('__send', async tx => {
    assert.equal(tx.from.toLowerCase(), account.address.toLowerCase());
    const nonce = Number(await rpc('eth_getTransactionCount', [account.address, 'pending']));
    const raw = await account.signTransaction({
      type: 'eip1559', chainId: Number(tx.chainId), nonce, to: tx.to, data: tx.data, value: BigInt(tx.value), gas: BigInt(tx.gas),
      maxFeePerGas: BigInt(tx.maxFeePerGas), maxPriorityFeePerGas: BigInt(tx.maxPriorityFeePerGas),
    });
    sent.push(tx);
    return rpc('eth_sendRawTransaction', [raw]);
  });
  await page.addInitScript(address => {
    const provider = {
      on() { return provider; }, removeListener() { return provider; },
      async request({ method, params = [] }) {
        switch (method) {
          case 'eth_requestAccounts': case 'eth_accounts': return [address];
          case 'eth_chainId': return '0x539';
          case 'personal_sign': return window.__sign(params[0]);
          case 'eth_sendTransaction': return window.__send(params[0]);
          default: throw Object.assign(new Error('unsupported ' + method), { code: 4200 });
        }
      },
    };
    const detail = Object.freeze({ provider, info: Object.freeze({ uuid: '350670db-19fa-4704-a166-e52e178b59d2', name: 'Outside Wallet', rdns: 'test.wallet', icon: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>' }) });
    const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
    window.addEventListener('eip6963:requestProvider', announce);
    announce();
  }, account.address);
  return sent;
}

async function issue(page, { name, symbol, kind, signer, to }) {
  await page.click('nav >> text=Passes');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Symbol').fill(symbol);
  if (kind) await page.getByLabel('Kind').selectOption(kind);
  await page.getByLabel('Who signs').selectOption(signer);
  await page.click('text=Deploy the pass');
  await page.waitForSelector('.status [data-state=confirmed]', { timeout: 30000 });
  await page.getByLabel('To', { exact: true }).fill(address(demo, to));
  await page.getByRole('button', { name: 'Mint', exact: true }).click();
  await page.waitForSelector(`li[data-to="${address(demo, to).toLowerCase()}"] [data-state=confirmed]`, { timeout: 30000 });
  await page.click('text=Let holders watch it');
  await page.waitForSelector('.notice.good');
}

async function plays(name) {
  const page = await demoPerson(name);
  await page.goto(`${demo.url}/watch/${demo.asset_id}`);
  await page.click('.bigplay');
  await until(`${name} plays`, 30000, async () => (await frames(page)) > 24);
  assert.deepEqual(page.problems, []);
  await page.context().close();
}

async function meetsTheGate(name) {
  const token = await signIn(demo, name);
  return (await api(demo, `/v1/assets/${demo.asset_id}/playback`, { method: 'POST', token, body: {} })).status === 403;
}

test('a creator deploys a pass, mints it to a viewer and makes it the gate; the viewer plays', { timeout: 300000 }, async t => {
  const creator = await demoPerson('creator');
  const offered = (await api(demo, '/v1/passes', { token: await signIn(demo, 'creator') })).json.chains;
  assert.ok(offered.some(c => c.server), 'this deployment has no signer of its own');
  assert.ok(await meetsTheGate('newcomer'), 'the newcomer plays already');
  const began = Date.now();
  await issue(creator, { name: 'Winter tour', symbol: 'TOUR', signer: 'server', to: 'newcomer' });
  t.diagnostic(`deployed, minted and set as gate ${Date.now() - began} ms after the click on Passes`);
  await creator.screenshot({ path: join(shots, 'passes-one.png'), fullPage: true });
  await creator.click('text=All passes');
  await creator.waitForSelector('.orders [data-state=confirmed]');
  await creator.screenshot({ path: join(shots, 'passes-list.png'), fullPage: true });
  await plays('newcomer');
  assert.ok(await meetsTheGate('holder'), 'the old pass still opens the video');
  assert.deepEqual(creator.problems, []);
  await creator.context().close();
});

test('the same with the creator’s own wallet', { timeout: 300000 }, async t => {
  const creator = await open();
  const sent = await outsideWallet(creator, 'creator');
  await creator.goto(demo.url + '/sign-in');
  await creator.click('.wallet:has-text("Outside Wallet")');
  await creator.waitForSelector('.me');
  await issue(creator, { name: 'Own keys', symbol: 'OWN', signer: 'wallet', to: 'holder' });
  assert.equal(sent.length, 2, 'one deployment and one mint');
  await creator.screenshot({ path: join(shots, 'passes-wallet.png'), fullPage: true });
  await plays('holder');
  assert.ok(await meetsTheGate('newcomer'));
  const list = (await api(demo, '/v1/passes', { token: await signIn(demo, 'creator') })).json.passes;
  assert.equal(list[0].owner, address(demo, 'creator').toLowerCase());
  assert.equal(list[0].signer, 'wallet');
  t.diagnostic(`contract ${list[0].contract}`);
  assert.deepEqual(creator.problems, []);
  await creator.context().close();
});
