// The Solana test node: JSON-RPC over LiteSVM, that is the real virtual machine
// with the real SPL Token, Token-2022, associated token account and memo programs.
// It is NOT a validator: one process, no gossip, no forks, no Metaplex programs (a
// test sets such accounts to bytes of the published layout), and a slot passes only
// when a transaction or the test makes it. Commitments lag as the test says.
//
// Notices go over WebSocket on the same port: slotSubscribe, accountSubscribe, programSubscribe.
//
// Started by -e with the genesis hash and, if wanted, a JSON object: slotMs makes empty slots at that pace, port is
// the port. Admin methods (POST /admin) are the test's: tick, setAccount, fault, lags, cut.
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { LiteSVM, FailedTransactionMetadata } from 'litesvm';
import { address, getBase58Decoder, getBase58Encoder, getCompiledTransactionMessageDecoder, getTransactionDecoder, lamports } from '@solana/kit';

const b58 = getBase58Decoder(), unb58 = getBase58Encoder(), txDecoder = getTransactionDecoder(), messageDecoder = getCompiledTransactionMessageDecoder();
const TOKENS = ['TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA', 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb'];
const CLOCK = 'SysvarC1ock11111111111111111111111111111111';
const MAX_BODY = 10 << 20;

const ALREADY_PROCESSED = 6; // of LiteSVM's TransactionErrorFieldless
const MAX_AGE = 150; // slots for which a blockhash is good, as on the network; the SVM itself knows only the newest

const svm = new LiteSVM().withTransactionHistory(100000n).withBlockhashCheck(false);
const [, genesis, settings = '{}'] = process.argv; // run by -e, so that no path comes before it
const { slotMs = 0, port = 0 } = JSON.parse(settings);
const slots = []; // [{slot, time, blockhash}] in order
const history = new Map(); // pubkey -> [{slot, account | null}] in order
const sigs = new Map();
let slot = 1n;
let fault = {}; // lag, staleSlot, status, delay, genesis, huge, drop, ignoreMin, methods; of notices: mute, deaf, refuse
const counts = {}; // requests and calls, by method
const listeners = new Map(); // subscription -> {kind, tell, key, config}
let changed = new Set(); // accounts of the slot being made
const lags = { processed: 0, confirmed: 0, finalized: 0 };

const err = (code, message, data) => { throw Object.assign(new Error(message), { code, data }); };
const seal = () => {
  slots.push({ slot, time: Math.floor(Date.now() / 1000), blockhash: svm.latestBlockhash() });
  const keys = changed;
  changed = new Set();
  notify(keys);
};
seal();

// advance begins a new slot, in which what follows is recorded.
function advance() {
  svm.expireBlockhash();
  slot += 1n;
  svm.warpToSlot(slot);
  const clock = svm.getClock();
  clock.slot = slot;
  clock.unixTimestamp = BigInt(Math.floor(Date.now() / 1000));
  svm.setClock(clock);
}

function record(key) {
  const a = svm.getAccount(address(key));
  const states = history.get(key) ?? [];
  const gone = a.exists === false || (a.lamports === 0n && a.data.length === 0);
  states.push({ slot, account: gone ? null : { lamports: Number(a.lamports), owner: a.programAddress, executable: a.executable, data: Buffer.from(a.data) } });
  history.set(key, states);
  changed.add(key);
}

// at is the account as of a slot.
function at(key, s) {
  if (key === CLOCK) {
    const b = Buffer.alloc(40), sl = slots.findLast(x => x.slot <= s);
    b.writeBigUInt64LE(sl.slot, 0); b.writeBigInt64LE(BigInt(sl.time), 32);
    return { lamports: 1169280, owner: 'Sysvar1111111111111111111111111111111111111', executable: false, data: b };
  }
  const states = history.get(key);
  if (states) return states.findLast(x => x.slot <= s)?.account ?? null;
  const a = svm.getAccount(address(key)); // programs and sysvars, there from the start
  return a.exists === false ? null : { lamports: Number(a.lamports), owner: a.programAddress, executable: a.executable, data: Buffer.from(a.data) };
}

// view is the slot a commitment reads, refused when the caller has seen a newer one.
function view(c = {}) {
  const level = c.commitment ?? 'finalized';
  if (!(level in lags)) err(-32602, 'Invalid param: unknown commitment');
  const back = BigInt(lags[level] + (fault.lag ?? 0));
  const s = slots.findLast(x => x.slot <= slot - back) ?? slots[0];
  if (c.minContextSlot > Number(s.slot) && !fault.ignoreMin) err(-32016, 'Minimum context slot has not been reached', { contextSlot: Number(s.slot) });
  return s;
}
const recent = h => slots.slice(-MAX_AGE).some(s => s.blockhash === h);
const ctx = (s, value) => ({ context: { apiVersion: '2.1.0', slot: fault.staleSlot ?? Number(s.slot) }, value });

function encode(data, e, slice) {
  let b = data;
  if (slice) b = b.subarray(slice.offset, slice.offset + slice.length);
  if (!e || e === 'base64') return [b.toString('base64'), 'base64'];
  if (e === 'base58') return [b58.decode(b), 'base58'];
  err(-32602, 'unsupported encoding ' + e);
}
const ui = (a, c = {}) => a && ({ lamports: a.lamports, owner: a.owner, executable: a.executable, rentEpoch: 0, space: a.data.length, data: encode(a.data, c.encoding, c.dataSlice) });
const ofProgram = (program, s) => [...history.keys()].map(k => ({ pubkey: k, account: at(k, s) })).filter(x => x.account?.owner === program);
const isTokenAccount = a => a.data.length === 165 || (a.data.length > 165 && a.data[165] === 2);
const passes = (a, filters = []) => filters.every(f => {
  if ('dataSize' in f) return a.data.length === Number(f.dataSize);
  const want = f.memcmp.encoding === 'base64' ? Buffer.from(f.memcmp.bytes, 'base64') : Buffer.from(unb58.encode(f.memcmp.bytes));
  return a.data.subarray(f.memcmp.offset, f.memcmp.offset + want.length).equals(want);
});
const amountOf = (n, decimals) => ({ amount: n.toString(), decimals, uiAmount: Number(n) / 10 ** decimals, uiAmountString: (Number(n) / 10 ** decimals).toString() });
const mintOf = (m, s) => { const a = at(m, s); if (!a || !TOKENS.includes(a.owner)) err(-32602, 'Invalid param: could not find mint'); return a; };

const rpc = {
  getHealth: () => fault.lag ? err(-32005, 'Node is behind', { numSlotsBehind: fault.lag }) : 'ok',
  getVersion: () => ({ 'solana-core': '2.1.0-litesvm', 'feature-set': 0 }),
  getGenesisHash: () => fault.genesis ?? genesis,
  getSlot: ([c]) => Number(view(c).slot),
  getBlockHeight: ([c]) => Number(view(c).slot),
  getBlockTime: ([s]) => slots.find(x => x.slot === BigInt(s))?.time ?? err(-32004, 'Block not available for slot ' + s),
  getEpochInfo: ([c]) => ({ absoluteSlot: Number(view(c).slot), blockHeight: Number(view(c).slot), epoch: 0, slotIndex: Number(view(c).slot), slotsInEpoch: 432000, transactionCount: sigs.size }),
  getLatestBlockhash: ([c]) => { const s = view(c); return ctx(s, { blockhash: s.blockhash, lastValidBlockHeight: Number(s.slot) + 150 }); },
  isBlockhashValid: ([h, c]) => ctx(view(c), recent(h)),
  getMinimumBalanceForRentExemption: ([n]) => Number(svm.minimumBalanceForRentExemption(BigInt(n))),
  getBalance: ([k, c]) => { const s = view(c); return ctx(s, at(k, s.slot)?.lamports ?? 0); },
  getAccountInfo: ([k, c]) => { const s = view(c); return ctx(s, ui(at(k, s.slot), c)); },
  getMultipleAccounts: ([ks, c]) => {
    if (ks.length > 100) err(-32602, 'Too many inputs provided; max 100');
    const s = view(c);
    return ctx(s, ks.map(k => ui(at(k, s.slot), c)));
  },
  getProgramAccounts: ([p, c = {}]) => {
    const s = view(c), found = ofProgram(p, s.slot).filter(x => passes(x.account, c.filters)).map(x => ({ pubkey: x.pubkey, account: ui(x.account, c) }));
    return c.withContext ? ctx(s, found) : found;
  },
  getTokenAccountsByOwner: ([o, f, c = {}]) => {
    const s = view(c), owner = Buffer.from(unb58.encode(o)), mint = f.mint && Buffer.from(unb58.encode(f.mint));
    if (f.programId && !TOKENS.includes(f.programId)) err(-32602, 'Invalid param: unrecognized Token program id');
    const programs = f.programId ? [f.programId] : [mintOf(f.mint, s.slot).owner];
    return ctx(s, programs.flatMap(p => ofProgram(p, s.slot)).filter(({ account: a }) => isTokenAccount(a) && a.data.subarray(32, 64).equals(owner) && (!mint || a.data.subarray(0, 32).equals(mint)))
      .map(x => ({ pubkey: x.pubkey, account: ui(x.account, c) })));
  },
  getTokenLargestAccounts: ([m, c]) => {
    const s = view(c), key = Buffer.from(unb58.encode(m)), mint = mintOf(m, s.slot);
    return ctx(s, ofProgram(mint.owner, s.slot).filter(({ account: a }) => isTokenAccount(a) && a.data.subarray(0, 32).equals(key))
      .map(x => ({ address: x.pubkey, ...amountOf(x.account.data.readBigUInt64LE(64), mint.data[44]) })).sort((x, y) => Number(BigInt(y.amount) - BigInt(x.amount))).slice(0, 20));
  },
  getTokenSupply: ([m, c]) => { const s = view(c), a = mintOf(m, s.slot); return ctx(s, amountOf(a.data.readBigUInt64LE(36), a.data[44])); },
  requestAirdrop: ([k, l]) => {
    advance();
    const r = svm.airdrop(address(k), lamports(BigInt(l)));
    record(k); seal();
    const s = b58.decode(r.signature());
    sigs.set(s, slot);
    return s;
  },
  sendTransaction: ([t, c = {}]) => {
    const tx = txDecoder.decode(c.encoding === 'base64' ? Buffer.from(t, 'base64') : unb58.encode(t));
    const message = messageDecoder.decode(tx.messageBytes);
    if (!recent(message.lifetimeToken)) err(-32002, 'Transaction simulation failed: Blockhash not found', { err: 'BlockhashNotFound', logs: [] });
    const r = svm.sendTransaction(tx);
    if (r instanceof FailedTransactionMetadata) {
      const why = r.err() === ALREADY_PROCESSED ? 'This transaction has already been processed' : String(r.err());
      err(-32002, 'Transaction simulation failed: ' + why, { err: why, logs: r.meta().logs() });
    }
    advance();
    for (const k of message.staticAccounts) if (svm.getAccount(k).executable !== true) record(k);
    seal();
    const s = b58.decode(r.signature());
    sigs.set(s, slot);
    return s;
  },
  getSignatureStatuses: ([all]) => ctx(view({ commitment: 'processed' }), all.map(s => {
    if (!sigs.has(s)) return null;
    const level = ['finalized', 'confirmed', 'processed'].find(l => sigs.get(s) <= view({ commitment: l }).slot);
    return level ? { slot: Number(sigs.get(s)), confirmations: level === 'finalized' ? null : 1, err: null, status: { Ok: null }, confirmationStatus: level } : null;
  })),
};

// notify tells the listeners of a new slot what changed in it. The fault mute tells nothing of accounts, deaf nothing at all.
function notify(keys) {
  if (fault.deaf) return;
  const now = { slot, blockhash: '' };
  for (const l of listeners.values()) {
    if (l.kind === 'slot') { l.tell({ slot: Number(slot), parent: Number(slot) - 1, root: Math.max(0, Number(slot) - lags.finalized) }); continue; }
    if (fault.mute) continue;
    for (const k of keys) {
      const a = at(k, slot);
      if (l.kind === 'account' && l.key === k) l.tell(ctx(now, ui(a ?? { lamports: 0, owner: '11111111111111111111111111111111', executable: false, data: Buffer.alloc(0) }, l.config)));
      if (l.kind === 'program' && a?.owner === l.key && passes(a, l.config.filters)) l.tell(ctx(now, { pubkey: k, account: ui(a, l.config) }));
    }
  }
}

let subscription = 0;
const subscribe = (kind, tell, key, config = {}) => { listeners.set(++subscription, { kind, tell, key, config }); return subscription; };
const feed = {
  slotSubscribe: (_, tell) => subscribe('slot', tell),
  accountSubscribe: ([k, c], tell) => subscribe('account', tell, k, c),
  programSubscribe: ([p, c], tell) => subscribe('program', tell, p, c),
  slotUnsubscribe: ([id]) => listeners.delete(id),
  accountUnsubscribe: ([id]) => listeners.delete(id),
  programUnsubscribe: ([id]) => listeners.delete(id),
};

const admin = {
  // counts returns the requests so far and forgets them; listening the subscriptions by kind.
  counts: () => { const c = { ...counts }; for (const k of Object.keys(counts)) delete counts[k]; return c; },
  listening: () => [...listeners.values()].reduce((n, l) => ({ ...n, [l.kind]: (n[l.kind] ?? 0) + 1 }), {}),
  // cut ends all WebSocket connections.
  cut: () => { for (const c of sockets.clients) c.terminate(); return null; },
  tick: ({ slots: n = 1 }) => { for (let i = 0; i < n; i++) { advance(); seal(); } return Number(slot); },
  // setAccount sets any account to any bytes in a slot of its own; no data and no lamports close it.
  setAccount: ({ key, owner, data = '', lamports: l = 10_000_000, executable = false }) => {
    advance();
    const bytes = Buffer.from(data, 'base64');
    svm.setAccount({ address: address(key), programAddress: address(owner), data: new Uint8Array(bytes), lamports: lamports(BigInt(l)), executable, space: BigInt(bytes.length) });
    record(key); seal();
    return Number(slot);
  },
  fault: f => { fault = f; return null; },
  lags: l => { Object.assign(lags, l); return null; },
};

function one(q) {
  try {
    const f = Object.hasOwn(rpc, q.method) && rpc[q.method];
    if (!f) err(-32601, 'Method not found');
    return { jsonrpc: '2.0', id: q.id, result: f(q.params ?? []) };
  } catch (e) {
    return { jsonrpc: '2.0', id: q.id, error: { code: e.code ?? -32602, message: e.message, data: e.data } };
  }
}

function answer(req, res, body) {
  let q;
  try { q = JSON.parse(body); } catch { res.statusCode = 400; return res.end(); }
  res.setHeader('content-type', 'application/json');
  if (req.url === '/admin') {
    try { return res.end(JSON.stringify({ result: admin[q.method](q.params ?? {}) })); } catch (e) { res.statusCode = 500; return res.end(e.message); }
  }
  counts.requests = (counts.requests ?? 0) + 1;
  for (const x of Array.isArray(q) ? q : [q]) counts[x.method] = (counts[x.method] ?? 0) + 1;
  const hit = !fault.methods || (Array.isArray(q) ? q : [q]).some(x => fault.methods.includes(x.method));
  if (fault.drop && hit) return req.socket.destroy();
  if (fault.status && hit) { res.statusCode = fault.status; return res.end('{"error":"Too many requests"}'); }
  const send = () => res.end(fault.huge && hit ? '{"jsonrpc":"2.0","id":1,"result":"' + 'x'.repeat(fault.huge) + '"}' : JSON.stringify(Array.isArray(q) ? q.map(one) : one(q)));
  if (fault.delay && hit) return void setTimeout(send, fault.delay);
  send();
}

const server = http.createServer((req, res) => {
  const parts = [];
  let size = 0;
  req.on('data', d => { if ((size += d.length) > MAX_BODY) return req.destroy(); parts.push(d); });
  req.on('end', () => answer(req, res, Buffer.concat(parts).toString()));
});
const sockets = new WebSocketServer({ server, maxPayload: 1 << 20 });
sockets.on('connection', socket => {
  const mine = new Set();
  socket.on('close', () => { for (const id of mine) listeners.delete(id); });
  socket.on('error', () => socket.terminate());
  socket.on('message', data => {
    let q;
    try { q = JSON.parse(data); } catch { return socket.terminate(); }
    const tell = kind => value => socket.send(JSON.stringify({ jsonrpc: '2.0', method: kind + 'Notification', params: { result: value, subscription: id } }));
    let id;
    const f = Object.hasOwn(feed, q.method) && !fault.refuse?.includes(q.method) && feed[q.method];
    if (!f) return socket.send(JSON.stringify({ jsonrpc: '2.0', id: q.id, error: { code: -32601, message: 'Method not found' } }));
    id = f(q.params ?? [], tell(q.method.replace(/(Un)?[sS]ubscribe$/, '')));
    if (typeof id === 'number') mine.add(id);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: q.id, result: id }));
  });
});
if (slotMs) setInterval(() => { advance(); seal(); }, slotMs).unref();
server.listen(port, '127.0.0.1', () => console.log('Listening on 127.0.0.1:' + server.address().port));
// A test that is killed cannot stop this process, but its pipe closes.
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();
