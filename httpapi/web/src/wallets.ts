// Wallets: the browser's own, found by EIP-6963 and the Wallet Standard, and a demo server's.

import { call, Demo, demoInfo } from './api';
import { say } from './dom';
import { show } from './router';
import { session } from './session';
import { follow } from './wallet-watch';
import { declined, listenForSolana } from './wallets-solana';

export interface Wallet {
  /** key names the wallet again after a reload. */
  id: string; key: string; kind: 'evm' | 'solana' | 'demo'; name: string; icon?: string; note?: string;
  /** account returns the CAIP-10 account, on one of the server's chains where the wallet leaves a choice. */
  account(chains: string[]): Promise<string>;
  /** sign signs a text with the account and returns what was signed with the signature. */
  sign(message: string, account: string): Promise<{ message: string; signature: string }>;
  /** onAccounts tells the addresses whenever they change; none when the wallet was disconnected. */
  onAccounts?(fn: (addresses: string[]) => void): () => void;
}

export interface Provider {
  request(args: { method: string; params?: unknown[] }): Promise<unknown>;
  on?(event: string, fn: (arg: unknown) => void): unknown;
  removeListener?(event: string, fn: (arg: unknown) => void): unknown;
}
interface Announcement { info: { uuid: string; name: string; icon: string; rdns: string }; provider: Provider }

const found = new Map<string, Wallet>();
/** providers are the EVM wallets of the browser, for what more than signing in they do. */
export const providers = new Map<string, Provider>();
const listeners = new Set<() => void>();

const add = (w: Wallet) => {
  if (found.has(w.id)) return;
  found.set(w.id, w);
  follow(w, left); // it may be the one of a session from before the page was loaded
  for (const l of listeners) l();
};

/** left signs out for a wallet that is gone. */
function left(why: string): void {
  void session.signOut().then(() => { show(); say(why); notice(why); });
}

function notice(text: string): void {
  const p = document.createElement('p');
  p.className = 'notice';
  p.dataset.walletLeft = '';
  p.setAttribute('role', 'status');
  p.textContent = text;
  document.getElementById('main')!.prepend(p);
}

window.addEventListener('eip6963:announceProvider', (e) => {
  const { info, provider } = (e as CustomEvent<Announcement>).detail;
  providers.set(info.uuid, provider);
  add({
    id: info.uuid, key: 'evm ' + info.rdns, kind: 'evm', name: info.name, icon: info.icon.startsWith('data:image/') ? info.icon : undefined,
    async account() {
      const [address] = (await provider.request({ method: 'eth_requestAccounts' })) as string[];
      const chain = (await provider.request({ method: 'eth_chainId' })) as string;
      return `eip155:${BigInt(chain)}:${address}`;
    },
    async sign(message, account) {
      const hex = '0x' + Array.from(new TextEncoder().encode(message), (b) => b.toString(16).padStart(2, '0')).join('');
      return { message, signature: (await provider.request({ method: 'personal_sign', params: [hex, account.slice(account.lastIndexOf(':') + 1)] })) as string };
    },
    onAccounts(fn) {
      const changed = (accounts: unknown) => fn(accounts as string[]);
      provider.on?.('accountsChanged', changed); // EIP-1193: empty when the last one was disconnected
      return () => { provider.removeListener?.('accountsChanged', changed); };
    },
  });
});
window.dispatchEvent(new Event('eip6963:requestProvider')); // those who announced themselves before there was a listener
listenForSolana(add);

/** browserWallets calls fn now and whenever one more wallet shows itself. */
export function browserWallets(signal: AbortSignal, fn: (w: Wallet[]) => void): void {
  const tell = () => fn([...found.values()]);
  listeners.add(tell);
  signal.addEventListener('abort', () => listeners.delete(tell));
  window.dispatchEvent(new Event('eip6963:requestProvider'));
  tell();
}

export async function demoWallets(): Promise<Wallet[]> {
  const demo = await demoInfo();
  return demo ? demo.wallets.map((w) => demoWallet(demo, w)) : [];
}

function demoWallet(demo: Demo, w: Demo['wallets'][number]): Wallet {
  const where = w.chain?.startsWith('solana:') ? ' on Solana' : '';
  return {
    id: 'demo-' + w.address, key: 'demo ' + w.name, kind: 'demo', name: w.name, note: (w.holds ? 'holds the pass' : 'holds no pass') + where,
    account: async () => `${w.chain ?? demo.chain}:${w.address}`,
    sign: async (message) => ({ message, signature: (await call<{ signature: string }>('POST', '/v1/demo/sign', { address: w.address, message }, { anonymous: true })).signature }),
  };
}

/** serverChains are the chains that rules can be about; asked once a page load. */
let chains: Promise<string[]> | undefined;
export function serverChains(): Promise<string[]> {
  return (chains ??= call<{ chains: { chain: string }[] }>('GET', '/v1/chains', undefined, { anonymous: true }).then((r) => r.chains.map((c) => c.chain), () => { chains = undefined; return []; }));
}

/** signIn proves the wallet to the server and opens the session. */
export async function signIn(w: Wallet): Promise<void> {
  const account = await w.account(w.kind === 'solana' ? await serverChains() : []);
  const { message } = await call<{ message: string }>('POST', '/v1/auth/challenge', { account }, { anonymous: true });
  const signed = await w.sign(message, account);
  const tokens = await call<NonNullable<typeof session.current>>('POST', '/v1/auth/verify', signed, { anonymous: true });
  session.set({ ...tokens, name: w.kind === 'demo' ? w.name : undefined, wallet: w.key });
  follow(w, left);
}

/** walletError turns a wallet's refusal into words. */
export function walletError(err: unknown): string | null {
  const code = (err as { code?: number }).code;
  if (code === -32002) return 'The wallet already has a question open. Look for its window.';
  if (declined(err)) return 'You declined in the wallet. Nothing was signed.';
  return null;
}
