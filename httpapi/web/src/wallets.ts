// Wallets: the browser's own, found by EIP-6963, and a demo server's.

import { call, Demo, demoInfo } from './api';
import { session } from './session';

export interface Wallet {
  id: string; name: string; icon?: string; note?: string;
  /** account returns the CAIP-10 account; sign signs a text with it. */
  account(): Promise<string>;
  sign(message: string, account: string): Promise<string>;
}

export interface Provider { request(args: { method: string; params?: unknown[] }): Promise<unknown> }
interface Announcement { info: { uuid: string; name: string; icon: string; rdns: string }; provider: Provider }

const found = new Map<string, Wallet>();
/** providers are the EVM wallets of the browser, for what more than signing in they do. */
export const providers = new Map<string, Provider>();
const listeners = new Set<() => void>();

window.addEventListener('eip6963:announceProvider', (e) => {
  const { info, provider } = (e as CustomEvent<Announcement>).detail;
  if (found.has(info.uuid)) return;
  providers.set(info.uuid, provider);
  found.set(info.uuid, {
    id: info.uuid, name: info.name, icon: info.icon.startsWith('data:image/') ? info.icon : undefined,
    async account() {
      const [address] = (await provider.request({ method: 'eth_requestAccounts' })) as string[];
      const chain = (await provider.request({ method: 'eth_chainId' })) as string;
      return `eip155:${BigInt(chain)}:${address}`;
    },
    async sign(message, account) {
      const hex = '0x' + Array.from(new TextEncoder().encode(message), (b) => b.toString(16).padStart(2, '0')).join('');
      return (await provider.request({ method: 'personal_sign', params: [hex, account.slice(account.lastIndexOf(':') + 1)] })) as string;
    },
  });
  for (const l of listeners) l();
});

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
  return {
    id: 'demo-' + w.address, name: w.name, note: w.holds ? 'holds the pass' : 'holds no pass',
    account: async () => `${demo.chain}:${w.address}`,
    sign: async (message) => (await call<{ signature: string }>('POST', '/v1/demo/sign', { address: w.address, message }, { anonymous: true })).signature,
  };
}

/** signIn proves the wallet to the server and opens the session. */
export async function signIn(w: Wallet): Promise<void> {
  const account = await w.account();
  const { message } = await call<{ message: string }>('POST', '/v1/auth/challenge', { account }, { anonymous: true });
  const signature = await w.sign(message, account);
  const tokens = await call<NonNullable<typeof session.current>>('POST', '/v1/auth/verify', { message, signature }, { anonymous: true });
  session.set({ ...tokens, name: w.note ? w.name : undefined });
}

/** walletError turns a wallet's refusal into words. */
export function walletError(err: unknown): string | null {
  const code = (err as { code?: number }).code;
  if (code === 4001) return 'You declined in the wallet. Nothing was signed.';
  if (code === -32002) return 'The wallet already has a question open. Look for its window.';
  return null;
}
