// Solana wallets of the browser, by the Wallet Standard: they register themselves, in whatever order page and
// extension load. https://github.com/wallet-standard/wallet-standard

import type { Wallet } from './wallets';

interface Account { address: string; publicKey: Uint8Array; chains: readonly string[] }
interface Signed { signedMessage: Uint8Array; signature: Uint8Array }
interface Features {
  'standard:connect'?: { connect(input?: { silent?: boolean }): Promise<{ accounts: readonly Account[] }> };
  'standard:disconnect'?: { disconnect(): Promise<void> };
  'standard:events'?: { on(event: 'change', listener: (p: { accounts?: readonly Account[] }) => void): () => void };
  'solana:signIn'?: { signIn(...inputs: Record<string, unknown>[]): Promise<readonly (Signed & { account: Account })[]> };
  'solana:signMessage'?: { signMessage(...inputs: { account: Account; message: Uint8Array }[]): Promise<readonly Signed[]> };
}
interface StandardWallet { name: string; icon: string; chains: readonly string[]; accounts: readonly Account[]; features: Features }

/** listenForSolana calls add for every Solana wallet that is there or comes. */
export function listenForSolana(add: (w: Wallet) => void): void {
  const seen = new Set<StandardWallet>();
  const register = (...wallets: StandardWallet[]) => {
    for (const w of wallets) {
      if (seen.has(w) || !w?.features?.['standard:connect'] || !(w.features['solana:signMessage'] || w.features['solana:signIn'])) continue;
      seen.add(w);
      add(solanaWallet(w));
    }
    return () => undefined;
  };
  const api = Object.freeze({ register });
  window.addEventListener('wallet-standard:register-wallet', (e) => (e as CustomEvent<(a: typeof api) => void>).detail(api));
  window.dispatchEvent(new CustomEvent('wallet-standard:app-ready', { detail: api }));
}

function solanaWallet(w: StandardWallet): Wallet {
  const find = (address: string) => w.accounts.find((a) => a.address === address);
  return {
    id: 'solana-' + w.name, key: 'solana ' + w.name, kind: 'solana', name: w.name, icon: w.icon?.startsWith('data:image/') ? w.icon : undefined,
    async account(chains) {
      const { accounts } = await w.features['standard:connect']!.connect();
      if (!accounts.length) throw Object.assign(new Error('The wallet shared no account.'), { code: 4001 });
      return `${chainFor(accounts[0], w, chains)}:${accounts[0].address}`;
    },
    async sign(message, account) {
      const own = find(account.slice(account.lastIndexOf(':') + 1));
      if (!own) throw new Error('The wallet no longer has that account.');
      const signed = await signWith(w, own, message);
      return { message: new TextDecoder().decode(signed.signedMessage), signature: base58(signed.signature) };
    },
    onAccounts(fn) {
      return w.features['standard:events']?.on('change', ({ accounts }) => { if (accounts) fn(accounts.map((a) => a.address)); }) ?? (() => undefined);
    },
  };
}

const names: Record<string, string> = {
  '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp': 'mainnet', EtWTRABZaYq6iMfeYKouRu166VU2xqa1: 'devnet', '4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z': 'testnet',
};

/** chainFor picks the server's Solana chain that the wallet is on; a chain of no public name is a test's own. */
function chainFor(a: Account, w: StandardWallet, chains: string[]): string {
  const ours = chains.filter((c) => c.startsWith('solana:'));
  if (!ours.length) throw new Error('This site asks no Solana chain, so a Solana wallet opens nothing here.');
  const on = a.chains.length ? a.chains : w.chains;
  return ours.find((c) => on.includes('solana:' + (names[c.slice(7)] ?? 'localnet'))) ?? ours[0];
}

/** signWith prefers signIn, in which the wallet shows what is asked for as such and checks who asks. */
async function signWith(w: StandardWallet, account: Account, message: string): Promise<Signed> {
  const { 'solana:signIn': signIn, 'solana:signMessage': signMessage } = w.features;
  const input = signIn && signInInput(message);
  if (input) {
    try {
      return (await signIn.signIn(input))[0];
    } catch (err) {
      if (!signMessage || declined(err)) throw err;
    }
  }
  return (await signMessage!.signMessage({ account, message: new TextEncoder().encode(message) }))[0];
}

/** declined tells a person's no from a wallet that cannot. */
export function declined(err: unknown): boolean {
  const { code, message, name } = (err ?? {}) as { code?: number; message?: string; name?: string };
  return code === 4001 || /reject|declin|denied|cancel/i.test(`${name ?? ''} ${message ?? ''}`);
}

/** signInInput reads the server's message into the fields of which the wallet writes it again. */
export function signInInput(message: string): Record<string, unknown> | null {
  const [head, tail = ''] = message.split(/\n\n(?=URI: )/);
  const [first, address, , ...statement] = head.split('\n');
  const domain = first.replace(/ wants you to sign in with your Solana account:$/, '');
  if (domain === first || !address) return null;
  const keys: Record<string, string> = {
    URI: 'uri', Version: 'version', 'Chain ID': 'chainId', Nonce: 'nonce', 'Issued At': 'issuedAt',
    'Expiration Time': 'expirationTime', 'Not Before': 'notBefore', 'Request ID': 'requestId',
  };
  const out: Record<string, unknown> = { domain, address };
  if (statement.length) out.statement = statement.join('\n');
  const [fields, resources] = tail.split('\nResources:');
  for (const line of fields.split('\n')) {
    const at = line.indexOf(': ');
    const key = keys[line.slice(0, at)];
    if (!key) return null;
    out[key] = line.slice(at + 2);
  }
  if (resources) out.resources = resources.split('\n- ').filter(Boolean);
  return out;
}

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

export function base58(bytes: Uint8Array): string {
  let n = 0n, out = '';
  for (const b of bytes) n = n * 256n + BigInt(b);
  for (; n > 0n; n /= 58n) out = alphabet[Number(n % 58n)] + out;
  for (const b of bytes) { if (b) break; out = '1' + out; }
  return out;
}
