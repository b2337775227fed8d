// Passes: a creator deploys a contract of passes, watches it come onto the chain, mints to wallets, and makes it the
// gate of a video. The server signs, or the creator's own wallet does.

import { Asset, call, Demo, demoInfo, problemOf, ProblemError } from './api';
import { Child, field, fill, h, icon, put, say, shortAddress } from './dom';
import { session } from './session';
import { go, link, title, View } from './router';
import { empty, problemBox, skeleton } from './ui';
import { providers, walletError } from './wallets';

type State = 'created' | 'signed' | 'sent' | 'mined' | 'replaced' | 'confirmed' | 'failed';
interface Transaction { chainId: string; from: string; to?: string; data: string; value: string; gas: string; maxFeePerGas: string; maxPriorityFeePerGas: string }
interface Order {
  id: string; chain: string; signer: 'server' | 'wallet'; from: string; state: State; reason?: string; hash?: string;
  block?: { number: number; hash: string }; reorgs?: number; contract?: string; created_at: string; updated_at: string; transaction?: Transaction;
}
type Kind = 'erc721' | 'erc1155' | 'subscription' | 'token2022';
interface Pass extends Order { kind: Kind; name: string; symbol: string; base_uri?: string; max_supply?: number; soulbound?: boolean; owner: string; asset?: string; rule?: unknown; sentence?: string }
interface Mint extends Order { pass_id: string; to: string; token_id?: string; amount?: number; duration?: number }
interface Issuing { chain: string; kinds: Kind[]; server: boolean; wallet: boolean }

const kinds: Record<Kind, string> = { erc721: 'NFT pass (ERC-721)', erc1155: 'Tiered pass (ERC-1155)', subscription: 'Subscription (ERC-5643)', token2022: 'Solana pass (Token-2022)' };
const stateWord: Record<State, string> = {
  created: 'Being prepared', signed: 'Signed', sent: 'On its way', mined: 'In a block', replaced: 'Another transaction came before', confirmed: 'Confirmed', failed: 'Failed',
};
const final = (o: Order) => o.state === 'confirmed' || o.state === 'failed';

function stateBadge(o: Order): HTMLElement {
  const cls = o.state === 'confirmed' ? 'ready' : o.state === 'failed' ? 'failed' : 'processing';
  return h('span', { class: 'badge ' + cls, 'data-state': o.state }, o.signer === 'wallet' && o.state === 'created' ? 'Waits for your wallet' : stateWord[o.state]);
}

/** sendByWallet has the wallet of the browser that owns tx.from sign and send it, and returns the hash. */
async function sendByWallet(tx: Transaction): Promise<string> {
  const from = tx.from.toLowerCase();
  window.dispatchEvent(new Event('eip6963:requestProvider'));
  for (const ask of ['eth_accounts', 'eth_requestAccounts']) {
    for (const p of providers.values()) {
      let accounts: string[] = [];
      try { accounts = (await p.request({ method: ask })) as string[]; } catch (err) { if (ask !== 'eth_accounts') throw err; }
      if (!accounts.some((a) => a.toLowerCase() === from)) continue;
      if (BigInt((await p.request({ method: 'eth_chainId' })) as string) !== BigInt(tx.chainId)) await p.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: tx.chainId }] });
      return (await p.request({ method: 'eth_sendTransaction', params: [tx] })) as string;
    }
  }
  throw new ProblemError({ type: '', title: 'That wallet is not in this browser', status: 0, code: 'invalid', detail: `The transaction is for ${tx.from}. Open the wallet with that account, or sign in with another one.` });
}

/** byWallet sends what an order waits for, and tells the server its hash. */
async function byWallet<T extends Order>(path: string, order: T): Promise<T> {
  if (!order.transaction) return order;
  return call<T>('POST', `${path}/sent`, { hash: await sendByWallet(order.transaction) });
}

const failure = (err: unknown): HTMLElement => {
  const words = err instanceof ProblemError ? null : walletError(err);
  return words ? h('p', { class: 'notice', role: 'alert' }, words) : problemBox(problemOf(err));
};

const signedOut = () => h('div', { class: 'page' }, h('h1', { class: 'sr' }, 'Passes'),
  empty('Sign in first', 'A wallet shows whose the passes are.', link('/sign-in?next=' + encodeURIComponent(location.pathname), { class: 'button primary' }, icon('wallet'), 'Sign in')));

/** poll calls load every `every` ms until it returns true or the person leaves. */
async function poll(signal: AbortSignal, every: number, load: () => Promise<boolean>): Promise<void> {
  while (!signal.aborted) {
    try { if (await load()) return; } catch { /* the next look may succeed */ }
    await new Promise((r) => setTimeout(r, every));
  }
}

function select(options: Record<string, string>, value: string): HTMLSelectElement {
  return h('select', null, Object.entries(options).map(([v, label]) => h('option', { value: v, selected: v === value }, label)));
}

export async function passes({ root, signal }: View): Promise<void> {
  title('Passes');
  if (!session.account) return put(root, signedOut());
  const list = h('ul', { class: 'orders' });
  const form = h('div', null, skeleton(3));
  put(root, h('div', { class: 'page' },
    h('div', null, h('h1', null, 'Passes'), h('p', { class: 'lead' }, 'Deploy a contract of passes, mint them to your audience, and let a video open for whoever holds one.')),
    h('div', { class: 'columns' },
      h('section', { class: 'panel', 'aria-labelledby': 'mine-h' }, h('h2', { id: 'mine-h' }, 'Your passes'), list),
      h('section', { class: 'panel', 'aria-labelledby': 'new-h' }, h('h2', { id: 'new-h' }, 'New pass'), form))));
  let shown = '';
  let formed = false;
  const load = async () => {
    const page = await call<{ passes: Pass[]; chains: Issuing[] }>('GET', '/v1/passes', undefined, { signal });
    if (!formed) { formed = true; fill(form, page.chains.length ? newPass(page.chains, signal) : h('p', { class: 'hint' }, 'This server issues no passes: no chain is set up for it.')); }
    const text = JSON.stringify(page.passes);
    if (text !== shown) {
      shown = text;
      fill(list, page.passes.length ? page.passes.map((p) => h('li', null,
        h('div', { class: 'order-head' }, link(`/passes/${p.id}`, { class: 'order-name' }, p.name), stateBadge(p)),
        h('p', { class: 'hint' }, `${p.symbol}, ${kinds[p.kind]}, ${p.chain}`),
        p.reason ? h('p', { class: 'hint' }, p.reason) : null)) : h('li', { class: 'none' }, icon('wallet'), h('span', null, 'You have no passes yet.')));
    }
    return false;
  };
  try {
    await load();
  } catch (err) {
    if (!signal.aborted) fill(form, problemBox(problemOf(err)));
    if (!signal.aborted) fill(list, h('li', { class: 'none' }, 'Your passes could not be read.'));
    return;
  }
  await poll(signal, 1000, load);
}

function newPass(chains: Issuing[], signal: AbortSignal): HTMLElement {
  const name = h('input', { required: true, maxlength: 64, autocomplete: 'off' });
  const symbol = h('input', { required: true, maxlength: 16, autocomplete: 'off', spellcheck: 'false' });
  const chain = select(Object.fromEntries(chains.map((c) => [c.chain, c.chain])), chains[0].chain);
  const kind = h('select');
  const signer = h('select');
  const supply = h('input', { inputmode: 'numeric', placeholder: 'No limit', autocomplete: 'off' });
  const uri = h('input', { placeholder: 'ipfs://…', autocomplete: 'off', spellcheck: 'false' });
  const bound = h('input', { type: 'checkbox', id: 'soulbound' });
  const note = h('div', { 'aria-live': 'polite' });
  const button = h('button', { class: 'button primary' }, 'Deploy the pass');
  const fit = () => {
    const c = chains.find((x) => x.chain === chain.value)!;
    fill(kind, c.kinds.map((k) => h('option', { value: k }, kinds[k])));
    fill(signer, c.server ? h('option', { value: 'server' }, 'StreamGate signs and pays') : null, c.wallet ? h('option', { value: 'wallet' }, 'My own wallet signs and pays') : null);
  };
  chain.addEventListener('change', fit);
  fit();
  // One key until it succeeds: pressing twice, or again after a lost answer, deploys once.
  let key = crypto.randomUUID();
  const submit = async (e: Event) => {
    e.preventDefault();
    button.disabled = true;
    fill(note, h('p', { class: 'notice' }, signer.value === 'wallet' ? 'Look at your wallet: it asks you to send one transaction.' : 'Asking the chain…'));
    try {
      const made = await call<Pass>('POST', '/v1/passes', {
        chain: chain.value, kind: kind.value, name: name.value.trim(), symbol: symbol.value.trim(), signer: signer.value,
        ...(supply.value.trim() ? { max_supply: Number(supply.value) } : {}), ...(uri.value.trim() ? { base_uri: uri.value.trim() } : {}), ...(bound.checked ? { soulbound: true } : {}),
      }, { headers: { 'Idempotency-Key': key } });
      await byWallet(`/v1/passes/${made.id}`, made);
      key = crypto.randomUUID();
      say('The pass is on its way.');
      if (!signal.aborted) go(`/passes/${made.id}`);
    } catch (err) {
      if (err instanceof ProblemError && err.problem.status >= 400 && err.problem.status < 500) key = crypto.randomUUID();
      fill(note, failure(err));
    }
    button.disabled = false;
  };
  return h('form', { onsubmit: (e: Event) => void submit(e) },
    field('Name', name), field('Symbol', symbol, 'Up to 16 letters and digits.'), field('Kind', kind), chains.length > 1 ? field('Chain', chain) : null, field('Who signs', signer),
    h('div', { class: 'check' }, bound, h('label', { for: 'soulbound' }, 'Bound to its holder', h('span', { class: 'hint' }, 'It cannot be sold or given away.'))),
    h('details', null, h('summary', null, 'More'), h('div', { class: 'more' }, field('At most', supply, 'How many can ever be minted.'), field('Metadata address', uri, 'A token’s metadata is at this and its id.'))),
    note, button);
}

export async function onePass({ root, params, signal }: View): Promise<void> {
  title('Pass');
  if (!session.account) return put(root, signedOut());
  const path = `/v1/passes/${params.id}`;
  const page = h('div', { class: 'page' }, skeleton(4));
  put(root, page);
  let pass: Pass;
  try {
    pass = await call<Pass>('GET', path, undefined, { signal });
  } catch (err) {
    if (!signal.aborted) fill(page, h('h1', null, 'Pass'), problemBox(problemOf(err)));
    return;
  }
  const demo = await demoInfo();
  if (signal.aborted) return;
  title(pass.name);
  const status = h('div', { class: 'status', 'aria-live': 'polite' });
  const gate = h('section', { class: 'panel', 'aria-labelledby': 'use-h' });
  const mint = h('section', { class: 'panel', 'aria-labelledby': 'mint-h' });
  const mints = h('ul', { class: 'orders' });
  fill(page,
    h('p', null, link('/passes', { class: 'quiet' }, 'All passes')),
    h('div', null, h('h1', null, pass.name), h('p', { class: 'lead' }, `${pass.symbol}, ${kinds[pass.kind]}${pass.soulbound ? ', bound to its holder' : ''}${pass.max_supply ? `, at most ${pass.max_supply}` : ''}`)),
    h('section', { class: 'panel', 'aria-labelledby': 'state-h' }, h('h2', { id: 'state-h' }, 'On the chain'), status),
    h('div', { class: 'columns' }, mint, h('div', null, gate)));
  let drawn = '';
  let usable = false;
  const draw = (p: Pass) => {
    pass = p;
    const text = JSON.stringify({ ...p, transaction: !!p.transaction, updated_at: '' });
    if (text !== drawn) {
      if (drawn) say(`${p.name}: ${stateWord[p.state]}`);
      drawn = text;
      fill(status, orderFacts(p, path, (o) => draw(o as Pass)));
    }
    if (p.asset && !usable) {
      usable = true;
      void useAsGate(gate, p, signal);
      fill(mint, h('h2', { id: 'mint-h' }, 'Mint'), mintForm(p, demo, () => void loadMints()), h('h3', null, 'Minted'), mints);
    } else if (!usable) {
      fill(gate, h('h2', { id: 'use-h' }, 'Use as gate'), h('p', { class: 'hint' }, 'Once the pass is on the chain.'));
      fill(mint, h('h2', { id: 'mint-h' }, 'Mint'), h('p', { class: 'hint' }, 'Once the pass is on the chain.'));
    }
  };
  let shown = '';
  const loadMints = async () => {
    const got = await call<{ mints: Mint[] }>('GET', `${path}/mints`, undefined, { signal });
    const text = JSON.stringify(got.mints.map((m) => ({ ...m, updated_at: '' })));
    if (text !== shown) {
      shown = text;
      fill(mints, got.mints.length ? got.mints.map((m) => mintRow(m, path, () => void loadMints())) : h('li', { class: 'none' }, 'Nothing yet.'));
    }
  };
  draw(pass);
  await poll(signal, 1000, async () => {
    if (!final(pass) && !(pass.signer === 'wallet' && pass.state === 'created')) draw(await call<Pass>('GET', path, undefined, { signal }));
    await loadMints();
    return false;
  });
}

/** orderFacts shows how far an order is, and the button for a wallet that has not signed yet. */
function orderFacts(o: Order, path: string, changed: (o: Order) => void): Child[] {
  const note = h('div');
  const sign = async (b: HTMLButtonElement) => {
    b.disabled = true;
    try {
      changed(await byWallet(path, await call<Order>('GET', path)));
    } catch (err) {
      fill(note, failure(err));
    }
    b.disabled = false;
  };
  const fact = (name: string, value?: string | number) => value === undefined || value === '' ? null : h('div', null, h('dt', null, name), h('dd', null, h('code', null, String(value))));
  return [
    h('p', { class: 'row' }, stateBadge(o), o.reorgs ? h('span', { class: 'hint' }, `The chain was reorganised ${o.reorgs === 1 ? 'once' : o.reorgs + ' times'}; it was sent again.`) : null),
    o.reason ? h('p', { class: o.state === 'failed' ? 'notice bad' : 'notice' }, o.reason) : null,
    h('dl', { class: 'chainfacts' }, fact('Chain', o.chain), fact('Contract', o.contract), fact('Transaction', o.hash), fact('Block', o.block?.number), fact('Signed by', o.from)),
    o.signer === 'wallet' && o.state === 'created' ? h('button', { type: 'button', class: 'button primary', onclick: (e: Event) => void sign(e.currentTarget as HTMLButtonElement) }, icon('wallet'), 'Sign with your wallet') : null,
    note,
  ];
}

function mintRow(m: Mint, path: string, changed: () => void): HTMLElement {
  const note = h('div');
  const sign = async () => {
    try {
      await byWallet(`${path}/mints/${m.id}`, await call<Mint>('GET', `${path}/mints/${m.id}`));
      changed();
    } catch (err) {
      fill(note, failure(err));
    }
  };
  return h('li', { 'data-to': m.to }, h('div', { class: 'order-head' }, h('span', null, 'To ', h('code', { title: m.to }, shortAddress(m.to)), m.token_id ? `, token ${m.token_id}` : '', m.amount && m.amount > 1 ? `, ${m.amount} of it` : ''), stateBadge(m)),
    m.reason ? h('p', { class: 'hint' }, m.reason) : null,
    m.signer === 'wallet' && m.state === 'created' ? h('button', { type: 'button', class: 'button small', onclick: () => void sign() }, 'Sign with your wallet') : null, note);
}

function mintForm(p: Pass, demo: Demo | null, done: () => void): HTMLElement {
  const to = h('input', { required: true, placeholder: '0x…', autocomplete: 'off', spellcheck: 'false' });
  const tier = h('input', { inputmode: 'numeric', value: '1' });
  const amount = h('input', { inputmode: 'numeric', value: '1' });
  const days = h('input', { inputmode: 'numeric', value: '30' });
  const note = h('div', { 'aria-live': 'polite' });
  const button = h('button', { class: 'button primary' }, 'Mint');
  let key = crypto.randomUUID();
  const submit = async (e: Event) => {
    e.preventDefault();
    button.disabled = true;
    fill(note);
    try {
      const m = await call<Mint>('POST', `/v1/passes/${p.id}/mints`, {
        to: to.value.trim(), signer: p.signer,
        ...(p.kind === 'erc1155' ? { token_id: tier.value.trim(), amount: Number(amount.value) } : p.kind === 'token2022' ? { amount: Number(amount.value) } : {}),
        ...(p.kind === 'subscription' ? { duration: Math.round(Number(days.value) * 86400) } : {}),
      }, { headers: { 'Idempotency-Key': key } });
      await byWallet(`/v1/passes/${p.id}/mints/${m.id}`, m);
      key = crypto.randomUUID();
      to.value = '';
      say('The mint is on its way.');
    } catch (err) {
      if (err instanceof ProblemError && err.problem.status >= 400 && err.problem.status < 500) key = crypto.randomUUID();
      fill(note, failure(err));
    }
    button.disabled = false;
    done();
  };
  return h('form', { onsubmit: (e: Event) => void submit(e) },
    field('To', to, p.signer === 'wallet' ? 'Your wallet signs and pays.' : 'StreamGate signs and pays.'),
    demo ? h('div', { class: 'row' }, demo.wallets.map((w) => h('button', { type: 'button', class: 'button small', onclick: () => { to.value = w.address; } }, w.name))) : null,
    p.kind === 'erc1155' ? h('div', { class: 'two' }, field('Tier (token id)', tier), field('Amount', amount)) : null,
    p.kind === 'token2022' ? field('Amount', amount) : null,
    p.kind === 'subscription' ? field('Days', days) : null,
    note, button);
}

/** useAsGate makes the pass the gate of one of the creator's videos, in one click. */
async function useAsGate(box: HTMLElement, p: Pass, signal: AbortSignal): Promise<void> {
  const head = [h('h2', { id: 'use-h' }, 'Use as gate'), h('blockquote', { class: 'sentence' }, p.sentence ?? p.asset ?? '')];
  let mine: Asset[] = [];
  try {
    mine = (await call<{ assets: Asset[] }>('GET', '/v1/assets?owner=me&limit=200', undefined, { signal })).assets;
  } catch (err) {
    if (!signal.aborted) fill(box, head, problemBox(problemOf(err)));
    return;
  }
  if (signal.aborted) return;
  if (!mine.length) return fill(box, head, h('p', { class: 'hint' }, 'Upload a video first.'), link('/new', { class: 'button' }, icon('plus'), 'Upload a video'));
  const video = select(Object.fromEntries(mine.map((a) => [a.id, a.title])), mine[0].id);
  const note = h('div', { 'aria-live': 'polite' });
  const set = async (b: HTMLButtonElement) => {
    b.disabled = true;
    try {
      await call('PUT', `/v1/assets/${video.value}/gate`, undefined, { raw: JSON.stringify(p.rule) });
      const a = mine.find((x) => x.id === video.value)!;
      fill(note, h('p', { class: 'notice good' }, h('span', null, 'Holders of this pass may watch ', link(`/watch/${a.id}`, {}, a.title), ' now.')));
      say('The gate is set.');
    } catch (err) {
      fill(note, problemBox(problemOf(err)));
    }
    b.disabled = false;
  };
  fill(box, head, field('Video', video), h('button', { type: 'button', class: 'button primary', onclick: (e: Event) => void set(e.currentTarget as HTMLButtonElement) }, icon('lock'), 'Let holders watch it'), note);
}
