// Wallets other than a key of Ethereum: Solana's in the page, and a Safe that is a contract.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createPublicClient, createWalletClient, http, parseAbi, encodeFunctionData, getContractAddress, hashMessage, keccak256, concat, pad, encodePacked, zeroAddress } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { startDemo, launch, until, shots, api } from './harness.mjs';

const here = dirname(fileURLToPath(import.meta.url));
let demo, browser;
before(async () => {
  // A short picture will do, and is ready soon.
  const clip = join(mkdtempSync(join(tmpdir(), 'streamgate-clip-')), 'picture.mp4');
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=24:duration=24', '-f', 'lavfi', '-i', 'sine=frequency=330:duration=24',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', clip]);
  demo = await startDemo({ clip, args: ['--solana'] });
  browser = await launch();
}, { timeout: 360000 });
after(async () => { await browser?.close(); await demo?.stop(); });

const video = page => page.evaluate(() => {
  const v = document.querySelector('video');
  if (!v) return {};
  const q = v.getVideoPlaybackQuality();
  return { frames: q.totalVideoFrames, error: v.error && v.error.message, ...v.dataset };
});

/** visitor is a new browser profile in which scripts play the part of wallet extensions. */
async function visitor(...scripts) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', e => page.problems.push(String(e)));
  page.on('console', m => { if (m.type() === 'error' && !/status of 40[13]/.test(m.text())) page.problems.push(m.text()); });
  for (const s of scripts) await (typeof s === 'function' ? s(page) : page.addInitScript({ content: s }));
  await page.goto(demo.url + '/sign-in');
  return page;
}
const leave = async page => { assert.deepEqual(page.problems, []); await page.context().close(); };

async function plays(page, shot) {
  await page.goto(`${demo.url}/watch/${demo.asset_id}`);
  await page.click('.bigplay');
  const v = await until('48 frames', 30000, async () => { const v = await video(page); return v.frames >= 48 && v; });
  assert.equal(v.error, null);
  await page.screenshot({ path: join(shots, shot) });
}

/** denied presses play and returns what the wall says: why, and how to get in. */
async function denied(page, shot) {
  await page.goto(`${demo.url}/watch/${demo.asset_id}`);
  await page.click('.bigplay');
  await page.waitForSelector('.wall', { timeout: 20000 });
  assert.equal(await page.getAttribute('.wall', 'data-wall'), 'denied');
  const text = await page.innerText('.wall');
  assert.match(text, /no access with this wallet/i);
  assert.match(text, /how to get in/i);
  assert.ok((await page.$$('.howto li')).length > 0, text);
  await page.click('.wall summary');
  await page.screenshot({ path: join(shots, shot) });
  return page.innerText('.wall');
}

const everything = ['standard:connect', 'standard:disconnect', 'standard:events', 'solana:signIn', 'solana:signMessage'];
const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const unbase58 = s => { let n = 0n; for (const c of s) n = n * 58n + BigInt(alphabet.indexOf(c)); return n.toString(16).padStart(128, '0'); };
const seedOf = name => unbase58(demo.wallets.find(w => w.name === name).private_key).slice(0, 64);

/** solanaWallet bundles the test wallet for one of the demo's people. */
async function solanaWallet(who, { name = 'Outside Solana', features = everything } = {}) {
  const other = who === 'sol holder' ? 'sol newcomer' : 'sol holder';
  const { outputFiles } = await build({
    entryPoints: [join(here, 'wallet-solana.mjs')], bundle: true, write: false, format: 'iife', target: 'chrome110', logLevel: 'error', preserveSymlinks: true,
    define: { NAME: JSON.stringify(name), SEED: JSON.stringify(seedOf(who)), OTHER: JSON.stringify(seedOf(other)), FEATURES: JSON.stringify(features) },
  });
  return outputFiles[0].text;
}

/** ethereumWallet is a provider found by EIP-6963 whose account is address and whose signatures sign makes. */
const ethereumWallet = (address, sign, name = 'Outside Wallet') => async page => {
  await page.exposeFunction('__sign', sign);
  await page.addInitScript(([address, name]) => {
    const listeners = new Set();
    const provider = {
      on(event, f) { if (event === 'accountsChanged') listeners.add(f); return provider; }, removeListener(_, f) { listeners.delete(f); return provider; },
      async request({ method, params = [] }) {
        switch (method) {
          case 'eth_requestAccounts': case 'eth_accounts': return [address];
          case 'eth_chainId': return '0x539';
          case 'personal_sign': return window.__sign(params[0]);
          default: throw Object.assign(new Error('unsupported ' + method), { code: 4200 });
        }
      },
    };
    window.__ethereum = { accounts: list => { for (const f of listeners) f(list); } };
    const detail = Object.freeze({ provider, info: Object.freeze({ uuid: '350670db-19fa-4704-a166-e52e178b59d2', name, rdns: 'test.wallet', icon: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>' }) });
    const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
    window.addEventListener('eip6963:requestProvider', announce);
    announce();
  }, [address, name]);
};

const enter = async (page, name) => {
  await page.click(`.wallet:has-text("${name}")`);
  await page.waitForSelector('.me', { timeout: 20000 });
};

test('a Solana wallet signs in and plays what it may', { timeout: 120000 }, async t => {
  await t.test('by signIn', async () => {
    const page = await visitor(await solanaWallet('sol holder'));
    await enter(page, 'Outside Solana');
    assert.deepEqual(await page.evaluate(() => window.__solana.used), ['signIn']);
    await plays(page, 'wallets-solana-plays.png');
    await leave(page);
  });
  await t.test('by signMessage, where that is all it has', async () => {
    const page = await visitor(await solanaWallet('sol holder', { features: everything.filter(f => f !== 'solana:signIn') }));
    await enter(page, 'Outside Solana');
    assert.deepEqual(await page.evaluate(() => window.__solana.used), ['signMessage']);
    await leave(page);
  });
});

test('a Solana wallet without the pass is told why not, and how to get in; the pass arrives', { timeout: 120000 }, async () => {
  const page = await visitor(await solanaWallet('sol newcomer'));
  await enter(page, 'Outside Solana');
  const text = await denied(page, 'wallets-solana-denied.png');
  assert.match(text, /solana/i);
  const to = n => demo.wallets.find(w => w.name === n).address;
  const move = async (a, b) => { const r = await api(demo, '/v1/demo/transfer', { method: 'POST', body: { from: to(a), to: to(b) } }); assert.equal(r.status, 200, r.text); };
  await move('sol holder', 'sol newcomer');
  try {
    await page.waitForSelector('text=The gate opens for you now', { timeout: 20000 });
    await page.click('.wall .button.primary');
    await until('frames', 30000, async () => (await video(page)).frames >= 24);
  } finally {
    await move('sol newcomer', 'sol holder');
  }
  await page.waitForSelector('[data-wall=revoked]', { timeout: 15000 });
  await page.screenshot({ path: join(shots, 'wallets-solana-revoked.png') });
  await leave(page);
});

test('the sign-in page: both kinds, one, none; a person who declines', { timeout: 60000 }, async t => {
  const nobody = '0x00000000000000000000000000000000000000aa';
  await t.test('both', async () => {
    const page = await visitor(ethereumWallet(nobody, async () => '0x'), await solanaWallet('sol newcomer'));
    assert.equal(await page.locator('.wallet:has-text("Outside Wallet"):has-text("Ethereum")').count(), 1);
    assert.equal(await page.locator('.wallet:has-text("Outside Solana"):has-text("Solana")').count(), 1);
    assert.equal(await page.locator('li.none').count(), 0);
    await page.screenshot({ path: join(shots, 'wallets-both.png'), fullPage: true });
    await page.evaluate(() => { window.__declines = true; });
    await page.click('.wallet:has-text("Outside Solana")');
    await page.waitForSelector('text=You declined in the wallet');
    assert.equal(await page.locator('.me').count(), 0);
    await leave(page);
  });
  await t.test('one', async () => {
    const page = await visitor(await solanaWallet('sol newcomer'));
    await page.waitForSelector('li.none:has-text("No Ethereum wallet found")');
    await leave(page);
  });
  await t.test('none', async () => {
    const page = await visitor();
    const text = await page.innerText('li.none:has-text("No wallet found")');
    assert.match(text, /MetaMask/);
    assert.match(text, /Phantom/);
    await page.screenshot({ path: join(shots, 'wallets-none.png'), fullPage: true });
    await leave(page);
  });
});

test('a wallet that is disconnected or switches its account ends the session', { timeout: 60000 }, async t => {
  const holder = privateKeyToAccount(demo.wallets.find(w => w.name === 'holder').private_key);
  const evm = ethereumWallet(holder.address, raw => holder.signMessage({ message: { raw } }));
  for (const [what, script, name, act] of [
    ['Solana, another account', await solanaWallet('sol holder'), 'Outside Solana', () => window.__solana.switchAccount()],
    ['Solana, disconnected', await solanaWallet('sol holder'), 'Outside Solana', () => window.__solana.disconnect()],
    ['Ethereum, another account', evm, 'Outside Wallet', () => window.__ethereum.accounts(['0x00000000000000000000000000000000000000aa'])],
    ['Ethereum, disconnected', evm, 'Outside Wallet', () => window.__ethereum.accounts([])],
  ]) await t.test(what, async () => {
    const page = await visitor(script);
    await enter(page, name);
    const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem('streamgate.session')).access_token);
    await page.reload(); // the wallet is known again after it
    await page.waitForSelector('.me');
    await page.evaluate(act);
    await page.waitForSelector('[data-wallet-left]', { timeout: 10000 });
    assert.match(await page.innerText('[data-wallet-left]'), /signed out/);
    assert.equal(await page.locator('.me').count(), 0);
    await until('the end of the session at the server', 10000, async () => (await api(demo, '/v1/auth/session', { token })).status === 401);
    await leave(page);
  });
});

/** onChain lets one of the demo's people send transactions. */
function onChain(name) {
  const account = privateKeyToAccount(demo.wallets.find(w => w.name === name).private_key);
  const chain = { id: 1337, name: 'demo', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [demo.rpc_url] } } };
  const client = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
  const wallet = createWalletClient({ chain, transport: http(), account });
  const mined = async hash => { const r = await client.waitForTransactionReceipt({ hash }); assert.equal(r.status, 'success'); return r; };
  return { account, client, wallet, mined };
}

/** safes are Safes as their makers compiled them, deployed on the demo's chain by the creator. */
async function safes() {
  const artefact = (folder, name) => JSON.parse(readFileSync(join(here, 'node_modules/@safe-global/safe-contracts/build/artifacts/contracts', folder, `${name}.sol`, `${name}.json`), 'utf8'));
  const { client, wallet, mined } = onChain('creator');
  const deploy = async ({ abi, bytecode }) => (await mined(await wallet.deployContract({ abi, bytecode }))).contractAddress;
  const safe = artefact('.', 'Safe'), factory = artefact('proxies', 'SafeProxyFactory'), proxy = artefact('proxies', 'SafeProxy');
  const singleton = await deploy(safe), at = await deploy(factory), handler = await deploy(artefact('handler', 'CompatibilityFallbackHandler'));
  let nonce = 0n;
  return {
    /** make deploys a Safe of the owners, all of whom must sign, and mints it a pass if it is to hold one. */
    async make(owners, holds) {
      const setup = encodeFunctionData({ abi: safe.abi, functionName: 'setup', args: [owners.map(o => o.address), BigInt(owners.length), zeroAddress, '0x', handler, zeroAddress, 0n, zeroAddress] });
      const salt = keccak256(encodePacked(['bytes32', 'uint256'], [keccak256(setup), ++nonce]));
      const address = getContractAddress({ opcode: 'CREATE2', from: at, salt, bytecode: concat([proxy.bytecode, pad(singleton)]) });
      await mined(await wallet.writeContract({ address: at, abi: factory.abi, functionName: 'createProxyWithNonce', args: [singleton, setup, nonce] }));
      assert.ok((await client.getCode({ address }))?.length > 2, 'no Safe at its address');
      if (holds) await mined(await wallet.writeContract({ address: demo.pass_contract, abi: parseAbi(['function mint(address to)']), functionName: 'mint', args: [address] }));
      return address;
    },
    /** sign is what the owners' wallets sign for a Safe: its own typed message around what personal_sign hashes. */
    sign: (address, owners) => async raw => {
      const sorted = [...owners].sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1));
      return concat(await Promise.all(sorted.map(o => o.signTypedData({
        domain: { chainId: 1337, verifyingContract: address }, types: { SafeMessage: [{ name: 'message', type: 'bytes' }] }, primaryType: 'SafeMessage', message: { message: hashMessage({ raw }) },
      }))));
    },
  };
}

test('a Safe signs in by ERC-1271 and plays what it holds the pass for; another is told how to get in', { timeout: 120000 }, async t => {
  const s = await safes();
  const owners = [privateKeyToAccount(generatePrivateKey()), privateKeyToAccount(generatePrivateKey())];
  await t.test('of two owners, with the pass', async () => {
    const address = await s.make(owners, true);
    const page = await visitor(ethereumWallet(address, s.sign(address, owners), 'Safe'));
    await enter(page, 'Safe');
    assert.match((await page.getAttribute('.me-name', 'title')).toLowerCase(), new RegExp(address.toLowerCase()));
    await plays(page, 'wallets-safe-plays.png');
    await leave(page);
  });
  await t.test('without the pass', async () => {
    const address = await s.make(owners, false);
    const page = await visitor(ethereumWallet(address, s.sign(address, owners), 'Safe'));
    await enter(page, 'Safe');
    await denied(page, 'wallets-safe-denied.png');
    await leave(page);
  });
  await t.test('one owner of two does not sign in', async () => {
    const address = await s.make(owners, true);
    const page = await visitor(ethereumWallet(address, s.sign(address, owners.slice(0, 1)), 'Safe'));
    await page.click('.wallet:has-text("Safe")');
    await page.waitForSelector('[role=alert]', { timeout: 20000 });
    assert.equal(await page.locator('.me').count(), 0);
    await page.screenshot({ path: join(shots, 'wallets-safe-one-owner.png') });
    await page.context().close(); // the refusal is an error in its console
  });
});

// The vault keeps the pass in a wallet that never signs in here; the delegate is another key of the same person.
test('a delegate (delegate.xyz v2) plays what the vault holds, and no longer when it is revoked; others are told how to get in', { timeout: 120000 }, async t => {
  const token = await (async () => {
    const creator = onChain('creator');
    const ch = await api(demo, '/v1/auth/challenge', { method: 'POST', body: { account: `${demo.chain}:${creator.account.address}` } });
    const v = await api(demo, '/v1/auth/verify', { method: 'POST', body: { message: ch.json.message, signature: await creator.account.signMessage({ message: ch.json.message }) } });
    return v.json.access_token;
  })();
  const asset = `${demo.chain}/erc721:${demo.pass_contract}`;
  const before = (await api(demo, `/v1/assets/${demo.asset_id}/gate`, { token })).json.rule;
  const put = async rule => { const r = await api(demo, `/v1/assets/${demo.asset_id}/gate`, { method: 'PUT', token, body: rule }); assert.equal(r.status, 200, r.text); };
  await put({ gr: 1, when: { hold: asset, as: ['owner', 'delegate'] } });
  try {
    const vault = onChain('holder');
    const delegate = privateKeyToAccount(generatePrivateKey()), other = privateKeyToAccount(generatePrivateKey());
    const abi = parseAbi(['function delegateContract(address to, address contract_, bytes32 rights, bool enable) payable']);
    const set = async on => vault.mined(await vault.wallet.writeContract({ address: '0x00000000000000447e69651d841bd8d104bed493', abi, functionName: 'delegateContract', args: [delegate.address, demo.pass_contract, `0x${'00'.repeat(32)}`, on] }));
    await set(true);
    const page = await visitor(ethereumWallet(delegate.address, raw => delegate.signMessage({ message: { raw } }), 'Delegate'));
    await enter(page, 'Delegate');
    await t.test('the delegate', async () => { await plays(page, 'wallets-delegate-plays.png'); });
    await t.test('somebody else', async () => {
      const page = await visitor(ethereumWallet(other.address, raw => other.signMessage({ message: { raw } }), 'Stranger'));
      await enter(page, 'Stranger');
      await denied(page, 'wallets-delegate-denied.png');
      await leave(page);
    });
    await t.test('the delegate, revoked', async () => {
      await page.goto(`${demo.url}/watch/${demo.asset_id}`);
      await page.click('.bigplay');
      await until('frames', 30000, async () => (await video(page)).frames >= 24);
      await set(false);
      await page.waitForSelector('[data-wall=revoked]', { timeout: 20000 });
      await page.screenshot({ path: join(shots, 'wallets-delegate-revoked.png') });
      await leave(page);
    });
  } finally {
    await put(before);
  }
});
