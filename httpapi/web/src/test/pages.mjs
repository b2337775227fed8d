// Shows every screen of the built app, over a scripted API, to Chromium: dark
// and light, desktop and phone. Judges each with axe-core, counts what the
// policy blocks, and leaves a screenshot. Usage: node pages.mjs DIST OUT ; prints JSON.
import { chromium } from 'playwright-core';
import { readFile, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';

const [dist, out] = process.argv.slice(2);
const only = process.env.ONLY;
await mkdir(out, { recursive: true });
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const origin = 'http://127.0.0.1:7777';
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const csp = process.env.CSP;

const collection = '0x5fbdb2315678afecb367f032d93f642f64180aa3';
const alice = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';
const gate = { gr: 1, when: { hold: `eip155:1337/erc721:${collection}` } };
const sentence = 'The wallet holds at least 1 token of the ERC-721 collection 0x5fbd…0aa3 on eip155:1337.';
const now = '2026-11-22T12:00:00Z';
const asset = (id, title, more = {}) => ({ id, owner: 'u1', title, status: 'ready', policy: {}, version: 1, duration_ms: 52200, width: 1280, height: 720, progress: { stage: 'done', percent: 100 }, created_at: now, updated_at: now, mine: true, gate, gate_sentence: sentence, ...more });
const assets = [
  asset('a1', 'Sintel: the trailer', { tags: ['animation', 'open movie'], description: 'A girl, a dragon, and a very long way.\nBlender Foundation, CC BY 3.0.' }),
  asset('a2', 'Backstage: how the light rig of the winter tour was made, part one', { mine: false, duration_ms: 3723000 }),
  asset('a3', 'Open day', { policy: { public: true }, gate: undefined, gate_sentence: undefined }),
  asset('a4', 'Rough cut 7', { status: 'processing', version: 0, duration_ms: 0, gate: undefined, gate_sentence: undefined, progress: { stage: 'transcode', percent: 41.5, rung: '480p', eta_sec: 23 } }),
  asset('a5', 'Waiting', { status: 'created', version: 0, gate: undefined, gate_sentence: undefined }),
  asset('a6', 'Holiday.mkv', { status: 'failed', version: 0, gate: undefined, gate_sentence: undefined, reason: 'The file ends in the middle of a frame. Export it again and upload the new file.' }),
];
const explain = { pointer: '/when', kind: 'all', outcome: 'no', reason: 'not_held', sentence: 'all of these', children: [
  { pointer: '/when/all/0', kind: 'hold', outcome: 'no', reason: 'not_held', sentence: 'holds at least 1 token of 0x5fbd…0aa3', observed: '0', wanted: '1', chain: 'eip155:1337', block: { number: 42, hash: '0x', time: now }, finality: 'latest' },
  { pointer: '/when/all/1', kind: 'after', outcome: 'yes', reason: 'allowed', sentence: 'it is after 1 November 2026' },
  { pointer: '/when/all/2', kind: 'hold', outcome: 'unknown', reason: 'chain_unavailable', sentence: 'holds at least 1 token of 0xbc4c…f13d', chain: 'eip155:1' }] };
const no = { outcome: 'no', reason: 'not_held', message: 'This wallet does not hold the access pass.', rule_id: 'gr1:x', at: now, valid_until: now, cached: false, explain, how_to: ['Get 1 token of the collection 0x5fbd…0aa3 on eip155:1337.', 'Ask to be put on the list "crew", and wait until 1 December 2026.'],
  what_if: [
    { sentence: 'Get 1 token of the collection 0x5fbd…0aa3 on eip155:1337.', steps: [{ pointer: '/when/any/0', now: 'no', want: 'yes', sentence: 'get 1 token of the collection 0x5fbd…0aa3 on eip155:1337' }] },
    { sentence: 'Ask to be put on the list "crew", and wait until 1 December 2026.', steps: [{ pointer: '/when/any/1/all/0', now: 'unknown', want: 'yes', sentence: 'ask to be put on the list "crew"' }, { pointer: '/when/any/1/all/1', now: 'no', want: 'yes', sentence: 'wait until 1 December 2026' }] }] };
const full = { outcome: 'no', reason: 'too_many_streams', message: '2 streams run with this account already, and that is the most at once.', rule_id: 'gr1:x', at: now, valid_until: now, cached: false, how_to: ['Stop another stream with this account. A place that was left without a word is free again within 24 seconds.'] };
const unknown = { ...no, outcome: 'unknown', reason: 'chain_unavailable', message: 'The chain eip155:1 did not answer in time.', how_to: undefined, what_if: undefined };
const problem = (status, code, title, more) => [status, { type: '/problems/' + code, title, status, code, request_id: 'R1', ...more }];
const session = { access_token: 'a', refresh_token: 'r', expires_at: '2099-01-01T00:00:00Z', account: `eip155:1337:${alice}`, name: 'holder' };
const demo = { chain: 'eip155:1337', pass_contract: collection, asset_id: 'a1', wallets: [{ name: 'holder', address: alice, holds: true }, { name: 'newcomer', address: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', holds: false }] };

const base = {
  'GET /v1/assets': [200, { assets }],
  'GET /v1/chains': [200, { chains: [{ chain: 'eip155:1337', healthy: true }] }],
  'GET /v1/demo': [404, {}],
  'POST /v1/gates/lint': [200, { rule: gate, rule_id: 'gr1:x', sentence, warnings: [{ pointer: '/when', code: 'no_holding_time', detail: 'A balance with no holding time can be borrowed for one block.' }] }],
  'POST /v1/gates/check': [200, no],
  'PUT /v1/assets/a1/gate': [200, { rule: gate, rule_id: 'gr1:x', sentence, warnings: [] }],
};
const pass = (more = {}) => ({ id: 'p1', chain: 'eip155:1337', signer: 'server', from: '0x00000000000000000000000000000000000051e9', state: 'confirmed', kind: 'erc721', name: 'Winter tour 2026', symbol: 'TOUR', owner: alice, soulbound: true, max_supply: 500,
  contract: collection, hash: '0x' + 'ab'.repeat(32), block: { number: 42, hash: '0x' + 'cd'.repeat(32) }, asset: `eip155:1337/erc721:${collection}`, rule: gate, sentence, created_at: now, updated_at: now, ...more });
const waiting = pass({ id: 'p2', name: 'Backstage', signer: 'wallet', from: alice, state: 'created', asset: undefined, rule: undefined, sentence: undefined, hash: undefined, block: undefined, contract: undefined, transaction: {} });
const failed = pass({ id: 'p3', name: 'Spring tour', state: 'failed', reason: 'The contract refuses: OwnableInvalidOwner(0x0000000000000000000000000000000000000000)', asset: undefined });
const mint = (id, state, more = {}) => ({ ...pass(), id, pass_id: 'p1', to: alice, token_id: '7', state, ...more });
base['GET /v1/passes'] = [200, { passes: [pass(), waiting, failed], chains: [{ chain: 'eip155:1337', kinds: ['erc721', 'erc1155', 'subscription'], server: true, wallet: true }, { chain: 'eip155:137', kinds: ['erc721'], server: false, wallet: true }] }];
base['GET /v1/passes/p1'] = [200, pass({ reorgs: 1 })];
base['GET /v1/passes/p2'] = [200, waiting];
base['GET /v1/passes/p1/mints'] = [200, { mints: [mint('m1', 'confirmed'), mint('m2', 'sent', { reason: 'Waits: higher fees would be above the limit of 50 gwei.' }), mint('m3', 'created', { signer: 'wallet' })] }];
base['GET /v1/passes/p2/mints'] = [200, { mints: [] }];
for (const a of assets) base[`GET /v1/assets/${a.id}`] = [200, a];

const play = async (page) => { await page.click('.bigplay'); await page.waitForSelector('.wall'); };
const screens = [
  { name: 'library', path: '/', signedIn: true },
  { name: 'library-anonymous', path: '/', api: { 'GET /v1/demo': [200, demo] } },
  { name: 'library-empty', path: '/', api: { 'GET /v1/assets': [200, { assets: [] }] } },
  { name: 'library-down', path: '/', api: { 'GET /v1/assets': problem(503, 'unavailable', 'Not available right now', { detail: 'The database did not answer. Try again soon.' }) } },
  { name: 'sign-in', path: '/sign-in', api: { 'GET /v1/demo': [200, demo] }, wallet: true },
  { name: 'sign-in-none', path: '/sign-in' },
  { name: 'new', path: '/new', signedIn: true },
  { name: 'new-anonymous', path: '/new' },
  { name: 'manage', path: '/videos/a1', signedIn: true, act: async (page) => { await page.click('text=Test >> nth=-1'); await page.waitForSelector('.decision'); } },
  { name: 'manage-json', path: '/videos/a1', signedIn: true, act: async (page) => { await page.click('text=JSON'); } },
  { name: 'manage-conditions', path: '/videos/a1', signedIn: true, act: async (page) => { await page.click('text=Add a condition'); await page.click('text=Add a condition'); await page.locator('.condition select').nth(1).selectOption('is'); await page.locator('.condition select').nth(2).selectOption('after'); } },
  { name: 'manage-invalid', path: '/videos/a1', signedIn: true, api: { 'POST /v1/gates/lint': problem(400, 'invalid', 'The request is not valid', { detail: 'The rule is not valid.', errors: [{ pointer: '/when/hold', detail: 'the address has 41 hex digits, 40 are due' }] }) } },
  { name: 'processing', path: '/videos/a4', signedIn: true },
  { name: 'waiting', path: '/videos/a5', signedIn: true },
  { name: 'failed', path: '/videos/a6', signedIn: true },
  { name: 'watch', path: '/watch/a1', signedIn: true },
  { name: 'wall-denied', path: '/watch/a2', signedIn: true, api: { 'POST /v1/assets/a2/playback': problem(403, 'forbidden', 'Not allowed', { detail: no.message, decision: no }) }, act: async (page) => { await play(page); await page.click('text=What was checked'); } },
  { name: 'wall-anonymous', path: '/watch/a2', api: { 'POST /v1/assets/a2/playback': problem(401, 'unauthenticated', 'Sign in first', { detail: 'Sign in with a wallet to watch this video.', decision: { ...no, reason: 'not_signed_in', message: 'Sign in with a wallet to watch this video.', explain: undefined, how_to: undefined, what_if: undefined } }) }, act: play },
  { name: 'wall-unknown', path: '/watch/a2', signedIn: true, api: { 'POST /v1/assets/a2/playback': problem(503, 'unavailable', 'Not available right now', { detail: unknown.message, decision: unknown }) }, act: play },
  { name: 'wall-full', path: '/watch/a2', signedIn: true, api: { 'POST /v1/assets/a2/playback': problem(429, 'limited', 'Too many requests', { detail: full.message, decision: full }) }, act: play },
  { name: 'wall-error', path: '/watch/a2', signedIn: true, api: { 'POST /v1/assets/a2/playback': problem(429, 'limited', 'Too many requests', { detail: 'Wait a little and try again.' }) }, act: play },
  { name: 'passes', path: '/passes', signedIn: true },
  { name: 'passes-none', path: '/passes', signedIn: true, api: { 'GET /v1/passes': [200, { passes: [], chains: [] }] } },
  { name: 'passes-anonymous', path: '/passes' },
  { name: 'pass', path: '/passes/p1', signedIn: true, api: { 'GET /v1/demo': [200, demo] }, act: async (page) => { await page.click('text=Let holders watch it'); await page.waitForSelector('.notice.good'); } },
  { name: 'pass-waits', path: '/passes/p2', signedIn: true, act: async (page) => { await page.click('text=Sign with your wallet'); await page.waitForSelector('.notice'); } },
  { name: 'lost', path: '/nothing/here' },
];
const looks = [
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  { name: 'phone', colorScheme: 'dark', viewport: { width: 360, height: 740 } },
];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'] });
const findings = [];
let shown = 0;
for (const look of looks) {
  for (const s of screens) {
    if (only && !new RegExp(only).test(`${s.name}-${look.name}`)) continue;
    const ctx = await browser.newContext({ colorScheme: look.colorScheme, viewport: look.viewport, reducedMotion: 'reduce' });
    const page = await ctx.newPage();
    const where = `${s.name}-${look.name}`;
    const note = (what) => findings.push({ where, what });
    page.on('pageerror', (e) => note('page error: ' + e));
    page.on('console', (m) => { if (m.type() === 'error' && /Content Security Policy|Refused/.test(m.text())) note(m.text()); });
    await page.route('**/*', async (r) => {
      const u = new URL(r.request().url());
      if (u.pathname.endsWith('/events')) return r.fulfill({ status: 200, contentType: 'text/event-stream', body: 'event: open\ndata: {}\n\n' });
      if (u.pathname.startsWith('/v1/')) {
        const [status, body] = s.api?.[`${r.request().method()} ${u.pathname}`] ?? base[`${r.request().method()} ${u.pathname}`] ?? problem(404, 'not_found', 'Not found');
        return r.fulfill({ status, contentType: status < 400 ? 'application/json' : 'application/problem+json', body: JSON.stringify(body) });
      }
      const file = extname(u.pathname) ? u.pathname : '/index.html';
      return r.fulfill({ status: 200, headers: { 'Content-Type': types[extname(file)] ?? 'text/plain', ...(csp ? { 'Content-Security-Policy': csp } : {}) }, body: await readFile(join(dist, file)) });
    });
    if (s.signedIn) await page.addInitScript((x) => sessionStorage.setItem('streamgate.session', JSON.stringify(x)), session);
    if (s.wallet) await page.addInitScript(() => {
      const detail = { info: { uuid: 'w1', name: 'Some Wallet', icon: 'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"%3E%3Crect width="9" height="9" fill="%23f6851b"/%3E%3C/svg%3E', rdns: 'x.y' }, provider: { request: async () => { throw { code: 4001 }; } } };
      addEventListener('eip6963:requestProvider', () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail })));
    });
    try {
      await page.goto(origin + s.path);
      await page.waitForSelector('h1', { state: 'attached', timeout: 30000 });
      await page.waitForLoadState('networkidle');
      await s.act?.(page);
      await page.waitForTimeout(60);
    } catch (e) { note('did not come up: ' + String(e).split('\n')[0]); }
    await page.screenshot({ path: join(out, where + '.png'), fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) note(`scrolls sideways by ${wide} px`);
    const result = await page.evaluate(`(() => { ${axe}; return axe.run(document, { resultTypes: ['violations'] }); })()`);
    for (const v of result.violations) note(`${v.impact}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`);
    shown++;
    await ctx.close();
  }
}
await browser.close();
console.log(JSON.stringify({ shown, findings }, null, 1));
