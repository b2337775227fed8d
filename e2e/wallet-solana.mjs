// A Solana wallet for tests, by the Wallet Standard, bundled into the page by wallets.test.mjs. Its keys are the demo's. NAME,
// SEED, OTHER (hex) and FEATURES are put in when it is bundled. It is a stand-in for an extension: it never asks its user.
import { ed25519 } from '@noble/curves/ed25519';
import { bytesToHex, hexToBytes } from '@noble/curves/abstract/utils';

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const base58 = bytes => {
  let n = BigInt('0x' + (bytesToHex(bytes) || '0')), out = '';
  for (; n > 0n; n /= 58n) out = alphabet[Number(n % 58n)] + out;
  for (const b of bytes) { if (b) break; out = '1' + out; }
  return out;
};

const chains = ['solana:mainnet', 'solana:devnet', 'solana:localnet'];
const account = seed => {
  const publicKey = ed25519.getPublicKey(hexToBytes(seed));
  return { address: base58(publicKey), publicKey, chains, features: FEATURES, seed };
};
const sign = (a, message) => ed25519.sign(message, hexToBytes(a.seed));
const listeners = new Set();
let accounts = [];

// text writes a sign-in message as the specification of signIn says.
function text(i) {
  let s = `${i.domain} wants you to sign in with your Solana account:\n${i.address}`;
  if (i.statement) s += `\n\n${i.statement}`;
  const fields = [['URI', i.uri], ['Version', i.version], ['Chain ID', i.chainId], ['Nonce', i.nonce], ['Issued At', i.issuedAt], ['Expiration Time', i.expirationTime], ['Not Before', i.notBefore], ['Request ID', i.requestId]]
    .filter(([, v]) => v).map(([k, v]) => `${k}: ${v}`);
  if (i.resources) fields.push('Resources:', ...i.resources.map(r => `- ${r}`));
  return fields.length ? s + `\n\n${fields.join('\n')}` : s;
}

const used = [];
const all = {
  'standard:connect': { version: '1.0.0', connect: async () => { accounts = [account(SEED)]; return { accounts }; } },
  'standard:disconnect': { version: '1.0.0', disconnect: async () => change([]) },
  'standard:events': { version: '1.0.0', on: (_, f) => { listeners.add(f); return () => listeners.delete(f); } },
  'solana:signMessage': { version: '1.1.0', supportedTransactionVersions: [], signMessage: async (...inputs) => {
    used.push('signMessage');
    return inputs.map(({ account: a, message }) => ({ signedMessage: message, signature: sign(a, message) }));
  } },
  'solana:signIn': { version: '1.0.0', signIn: async (...inputs) => {
    used.push('signIn');
    if (window.__declines) throw Object.assign(new Error('User rejected the request.'), { code: 4001 });
    return inputs.map(i => {
      if (i.domain !== location.host) throw new Error('another site'); // as wallets do
      const signedMessage = new TextEncoder().encode(text({ address: accounts[0].address, ...i }));
      return { account: accounts[0], signedMessage, signature: sign(accounts[0], signedMessage) };
    });
  } },
};
function change(list) {
  accounts = list;
  for (const f of listeners) f({ accounts });
}
const wallet = {
  version: '1.0.0', name: NAME, chains, icon: 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=',
  get accounts() { return accounts; },
  features: Object.fromEntries(FEATURES.map(f => [f, all[f]])),
};
window.__solana = { used, switchAccount: () => change([account(OTHER)]), disconnect: () => change([]) };
const register = api => api.register(wallet);
window.dispatchEvent(new CustomEvent('wallet-standard:register-wallet', { detail: register }));
window.addEventListener('wallet-standard:app-ready', e => register(e.detail));
